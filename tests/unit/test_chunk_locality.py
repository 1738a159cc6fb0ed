"""An edit of one sentence changes the chunks around it and no others, in real text; cutting is bounded in time."""

import random
import time
from itertools import pairwise
from pydoc_data.topics import topics

import numpy as np
import pytest

from benchmarks.edits import new_texts
from freshline.chunking import make_chunker
from freshline.chunking.cuts import Row, cut
from freshline.parsing.plain import plain_document
from freshline.settings import ChunkingSettings, ModelSettings

CHUNKER = make_chunker(ChunkingSettings(), ModelSettings(backend="tiny"))
#: the Python reference as one section
REFERENCE = "\n\n".join(topics.values())[:120_000]


def draw(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - edits, no secret


def test_a_sentence_at_the_start_of_a_hundred_chunks_costs_at_most_three() -> None:
    assert len(CHUNKER(plain_document(REFERENCE), None)) >= 100
    costs = list(new_texts(CHUNKER, REFERENCE, ("start",), 40, draw(1)))
    assert max(costs) <= 3
    assert min(costs) >= 1


def test_an_edit_anywhere_costs_the_chunks_around_it() -> None:
    costs = np.bincount(list(new_texts(CHUNKER, REFERENCE, ("insert", "delete", "replace"), 60, draw(2))))
    # an inserted sentence may take over the strongest boundary of a paragraph: seldom, and it costs a few chunks more
    assert costs[:4].sum() >= 0.95 * costs.sum(), costs
    assert len(costs) <= 8, costs


def test_a_unit_in_front_of_random_rows_costs_one_or_two_chunks() -> None:
    rows = np.random.default_rng(3)
    costs = []
    for _ in range(400):
        row = Row(rows.integers(1, 60, 600), rows.integers(2, 5, 600), rows.integers(0, 2**56, 600))
        longer = Row(
            np.insert(row.sizes, 0, rows.integers(5, 45)),
            np.insert(row.levels, 0, row.levels[0]),
            np.insert(row.hashes, 0, rows.integers(0, 2**56)),
        )
        costs.append(len(_chunks(longer) - _chunks(row)))
    counted = np.bincount(costs, minlength=4)
    assert counted[:4].sum() >= 0.99 * counted.sum(), counted
    assert len(counted) <= 6, counted


def _chunks(row: Row) -> set[bytes]:
    begins = [*cut(row, 180), len(row.sizes)]
    return {row.hashes[first:beyond].tobytes() for first, beyond in pairwise(begins)}


def test_no_cut_leaves_less_than_a_quarter_or_more_than_the_limit() -> None:
    rows = np.random.default_rng(4)
    row = Row(rows.integers(1, 10, 5000), np.full(5000, 2), rows.integers(0, 2**56, 5000))
    begins = [*cut(row, 180), 5000]
    sizes = [int(row.sizes[first:beyond].sum()) for first, beyond in pairwise(begins)]
    assert max(sizes) <= 180
    assert min(sizes) >= 45 - 10  # a quarter, up to one unit
    assert np.mean(sizes) >= 0.6 * 180


@pytest.mark.parametrize(
    "text",
    [
        "x" * 5_000_000,
        "\n".join(f"line {number}" for number in range(100_000)),
        "a\n" * 100_000,
        "This is the same sentence again. " * 50_000,
        "\U0001f469\u200d\U0001f469" * 100_000,
        "a" + "\u0301" * 500_000,
        "\u202eabc " * 50_000,
        "漢字かな" * 100_000,
        "." * 500_000,
        "a" + " " * 2_000_000 + "b" + "\n" * 1_000_000 + "c",
        "(a. " * 50_000,
    ],
    ids=[
        "word",
        "lines",
        "letters",
        "repeats",
        "emoji",
        "marks",
        "rtl",
        "no-spaces",
        "points",
        "blank",
        "brackets",
    ],
)
def test_odd_text_is_cut_in_bounded_time(text: str) -> None:
    started = time.process_time()
    chunks = CHUNKER(plain_document(text), None)
    assert time.process_time() - started < 20  # about 1 s here; what grows with the square takes minutes
    assert "".join("".join(chunk.text.split()) for chunk in chunks) == "".join(text.split())
