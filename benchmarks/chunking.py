"""Freshline's chunks against plain recursive splitting at 200 and 400 tokens, at equal retrieved tokens.

One index holds all corpora of chunking_eval; each question retrieves by cosine, and the tokens retrieved are compared
with the passages that answer it (benchmarks.span_overlap says how). The corpora have neither titles nor headings, so
that both sides embed bare passages. All sides use the default embedder, which reads 254 tokens of a text: what a
longer chunk holds beyond them is not seen. Then speed, fill, and what an edit costs in texts embedded anew.
Needs FRESHLINE_EVAL_DATA, a folder with chunking_eval; nothing is copied.
"""

import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from benchmarks.chunking_eval import Asked, Tokens, questions, tokenizer
from benchmarks.edits import new_texts
from benchmarks.evaluation_data import folder
from benchmarks.report import Figure, Goal, Report
from benchmarks.span_overlap import Overlap, mean, overlap
from freshline.chunking import make_chunker
from freshline.chunking.port import embedded_text
from freshline.embedding.load import load_embedder
from freshline.embedding.port import Embedder, Vectors
from freshline.parsing.plain import plain_document
from freshline.settings import ModelSettings, Settings

#: Retrieved tokens that are compared: two, four and eight chunks of the greatest size.
BUDGETS = (500, 1000, 2000)
_PLAIN = (200, 400)
_RESAMPLES = 2000
#: Characters of a section that is edited: more than a hundred chunks.
_SECTION = 100_000
#: More chunks than any budget takes.
_RANKED = 300


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage as one way of cutting gives it: its place in its corpus, and the text that is embedded."""

    corpus: str
    start: int
    end: int
    embedded: str


Cutter = Callable[[str, str], list[Piece]]


def measure(*, seed: int, quick: bool) -> Report:
    """Return the differences with their goals, all measures, and what cutting costs."""
    source = folder("chunking_eval")
    corpora = {path.stem: path.read_text(encoding="utf-8") for path in sorted(source.glob("*.md"))}
    if quick:
        corpora = {name: corpora[name] for name in ("chatlogs", "state_of_the_union")}
    tokens = Tokens(corpora)
    asked = questions(source, corpora, tokens)
    embedder = load_embedder(ModelSettings(threads=os.cpu_count() or 1))
    vectors = embedder.queries([each.text for each in asked])
    cutters = {"Freshline": _ours()} | {f"recursive {size}": _recursive(size) for size in _PLAIN}
    figures: list[Figure] = []
    results: dict[str, dict[int, list[Overlap]]] = {}
    for name, cutter in cutters.items():
        pieces, speed = _cut(cutter, corpora)
        figures += _about(name, pieces, speed, embedder)
        results[name] = _overlaps(pieces, embedder, vectors, asked, tokens)
    figures = [
        *_differences(results, seed),
        *_means(results),
        *figures,
        *_locality(corpora, seed, quick=quick),
    ]
    return Report(name="chunking", seed=seed, figures=figures, notes={"questions": str(len(asked))})


def _ours() -> Cutter:
    chunker = make_chunker(Settings().chunking, Settings().models)

    def cut(corpus: str, text: str) -> list[Piece]:
        return [
            Piece(corpus, chunk.start, chunk.end, embedded_text(chunk))
            for chunk in chunker(plain_document(text), None)
        ]

    return cut


def _recursive(size: int) -> Cutter:
    from semantic_text_splitter import TextSplitter  # noqa: PLC0415 - a peer, only here

    splitter: Any = TextSplitter.from_huggingface_tokenizer_str(tokenizer().to_str(), size)

    def cut(corpus: str, text: str) -> list[Piece]:
        return [
            Piece(corpus, start, start + len(piece), piece) for start, piece in splitter.chunk_indices(text)
        ]

    return cut


def _cut(cutter: Cutter, corpora: dict[str, str]) -> tuple[list[Piece], float]:
    """Return the pieces of all corpora, and kB of UTF-8 a second."""
    started = time.perf_counter()
    pieces = [piece for name, text in corpora.items() for piece in cutter(name, text)]
    size = sum(len(text.encode()) for text in corpora.values())
    return pieces, size / 1000 / (time.perf_counter() - started)


def _about(name: str, pieces: Sequence[Piece], speed: float, embedder: Embedder) -> list[Figure]:
    tokens = embedder.count_tokens([piece.embedded for piece in pieces])
    figures = [
        Figure(name=f"{name}: chunks", value=len(pieces), unit=""),
        Figure(
            name=f"{name}: tokens of a chunk, mean",
            value=float(np.mean(tokens)),
            unit="",
            spread=(min(tokens), max(tokens)),
        ),
        Figure(name=f"{name}: cutting", value=speed, unit="kB/s"),
    ]
    if name == "Freshline":
        target = Settings().chunking.target_tokens
        figures.append(
            Figure(name="Freshline: fill", value=float(np.mean(tokens)) / target, unit="of target_tokens")
        )
    return figures


def _overlaps(
    pieces: Sequence[Piece], embedder: Embedder, vectors: Vectors, asked: Sequence[Asked], tokens: Tokens
) -> dict[int, list[Overlap]]:
    spans = [tokens.span(piece.corpus, piece.start, piece.end) for piece in pieces]
    texts = [piece.embedded for piece in pieces]
    distinct = {text: place for place, text in enumerate(dict.fromkeys(texts))}  # equal texts score equally
    scores = (vectors @ embedder.documents(list(distinct)).T)[:, [distinct[text] for text in texts]]
    ranked = [[spans[place] for place in row[:_RANKED]] for row in np.argsort(-scores, axis=1, kind="stable")]
    return {
        budget: [overlap(each.gold, row, budget) for each, row in zip(asked, ranked, strict=True)]
        for budget in BUDGETS
    }


def _differences(results: dict[str, dict[int, list[Overlap]]], seed: int) -> list[Figure]:
    """Return ours minus each plain one; the spread holds 95 % of the means of resampled questions."""
    draw = np.random.default_rng(seed)
    figures = []
    for budget in BUDGETS:
        for size in _PLAIN:
            for measured in (field.name for field in fields(Overlap)):
                ours = np.array([getattr(each, measured) for each in results["Freshline"][budget]])
                plain = np.array([getattr(each, measured) for each in results[f"recursive {size}"][budget]])
                difference = ours - plain
                sample = draw.integers(0, len(difference), (_RESAMPLES, len(difference)))
                low, high = np.percentile(difference[sample].mean(axis=1), (2.5, 97.5))
                figures.append(
                    Figure(
                        name=f"{measured} at {budget} tokens: Freshline - recursive {size}",
                        value=float(difference.mean()),
                        unit="",
                        goal=Goal("≥", 0.0),
                        spread=(float(low), float(high)),
                    )
                )
    return figures


def _means(results: dict[str, dict[int, list[Overlap]]]) -> list[Figure]:
    return [
        Figure(
            name=f"{measured.name} at {budget} tokens: {name}",
            value=getattr(mean(found), measured.name),
            unit="",
        )
        for name, by_budget in results.items()
        for budget, found in by_budget.items()
        for measured in fields(Overlap)
    ]


def _locality(corpora: dict[str, str], seed: int, *, quick: bool) -> list[Figure]:
    """Return what one sentence more, less or other costs in a section of about a hundred chunks or more."""
    chunker = make_chunker(Settings().chunking, Settings().models)
    draw = random.Random(seed)  # noqa: S311 - edits, no secret
    count = 3 if quick else 30
    texts = [text[:_SECTION] for text in corpora.values() if quick or len(text) >= _SECTION]
    first = [each for text in texts for each in new_texts(chunker, text, ("start",), count, draw)]
    later = [
        each
        for text in texts
        for each in new_texts(chunker, text, ("insert", "delete", "replace"), 2 * count, draw)
    ]
    return [
        Figure(name="a sentence at the start: new texts, most", value=max(first), unit="", goal=Goal("≤", 3)),
        Figure(name="a sentence at the start: new texts, mean", value=float(np.mean(first)), unit=""),
        Figure(
            name="a sentence more, less or other anywhere: new texts, mean",
            value=float(np.mean(later)),
            unit="",
            spread=(min(later), max(later)),
        ),
        Figure(
            name="a sentence more, less or other anywhere: at most 3 new texts",
            value=float(np.mean([each <= 3 for each in later])),  # noqa: PLR2004 - as the goal at the start
            unit="share",
        ),
    ]
