"""How well retrieved spans meet the gold spans of a question, at equal numbers of retrieved tokens. Knows no model.

Positions are (document, token). Chunks are taken in rank order until `budget` tokens are retrieved; of the last one
only its beginning counts, so that every way of cutting retrieves exactly the same amount.

    G = the gold positions, R = the retrieved positions (each chunk's own: a position in two chunks is retrieved twice)
    recall = |G ∩ R| / |G|     precision = |G ∩ R| / |R|     IoU = |G ∩ R| / (|G| + |R| - |G ∩ R|)

These are the measures of Smith and Troynikov, "Evaluating Chunking Strategies for Retrieval" (Chroma, 2024), with a
budget of tokens in place of a number of chunks. Example: gold is tokens 10..19; chunks 12..17, then 30..49; budget 10:
R is 12..17 and 30..33, so recall 6/10, precision 6/10, IoU 6 / (10 + 10 - 6) = 6/14.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Span = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Overlap:
    """The three measures of one question, or their means."""

    recall: float
    precision: float
    iou: float


def overlap(gold: Iterable[Span], ranked: Sequence[Span], budget: int) -> Overlap:
    """Return the measures of the chunks in rank order within `budget` tokens; spans are (document, start, end)."""
    wanted = {(document, place) for document, start, end in gold for place in range(start, end)}
    met: set[tuple[str, int]] = set()
    retrieved = 0
    for document, start, end in ranked:
        end = min(end, start + budget - retrieved)  # noqa: PLW2901 - the last chunk is cut
        retrieved += end - start
        met |= wanted & {(document, place) for place in range(start, end)}
        if retrieved >= budget:
            break
    together = len(wanted) + retrieved - len(met)
    return Overlap(len(met) / len(wanted), len(met) / max(1, retrieved), len(met) / together)


def mean(overlaps: Sequence[Overlap]) -> Overlap:
    """Return the mean of each measure."""
    count = len(overlaps)
    return Overlap(
        sum(each.recall for each in overlaps) / count,
        sum(each.precision for each in overlaps) / count,
        sum(each.iou for each in overlaps) / count,
    )
