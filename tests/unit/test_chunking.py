"""Chunks: exact spans, bounded, nothing lost, never across a heading."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshline.chunking import make_chunker
from freshline.chunking.port import Chunk, Chunker, embedded_text
from freshline.chunking.recursive import CHARACTERS_PER_TOKEN, windows
from freshline.errors import ConfigError
from freshline.parsing import parse
from freshline.parsing.plain import plain_document
from freshline.parsing.port import ParsedDocument, Section
from freshline.settings import ChunkingSettings, ModelSettings

TINY = ModelSettings(backend="tiny")
LIMIT = 16


def tiny_chunker(max_tokens: int = LIMIT, overlap: int = 0) -> Chunker:
    return make_chunker(ChunkingSettings(max_tokens=max_tokens, overlap_tokens=overlap), TINY)


def test_a_heading_path_is_bounded_and_keeps_its_last_levels() -> None:
    levels = tuple(f"{name} " * 50 + "end" for name in "abcdef")  # 103 characters each
    (chunk,) = tiny_chunker()(ParsedDocument("one", (Section(0, 3, levels),)))
    assert chunk.heading == " > ".join(levels[2:])  # 4 * 103 + 3 * 3 = 421; a fifth would make 527
    (chunk,) = tiny_chunker()(ParsedDocument("one", (Section(0, 3, ("top", "x" * 900_000)),)))
    assert chunk.heading == "x" * 512
    exact = ("a" * 254, "b" * 255)  # 254 + 3 + 255
    (chunk,) = tiny_chunker()(ParsedDocument("one", (Section(0, 3, exact),)))
    assert chunk.heading == " > ".join(exact)


def covered(chunks: list[Chunk]) -> set[int]:
    return {place for chunk in chunks for place in range(chunk.start, chunk.end)}


#: what a parser lets through
_TEXT = st.text(
    st.one_of(st.characters(exclude_categories=["Cs", "Cc"]), st.sampled_from("\n\t")), min_size=1
)


@given(st.lists(_TEXT, min_size=1, max_size=4), st.sampled_from([0, 5]))
def test_chunks_cover_all_that_can_be_seen_with_exact_spans_inside_sections(
    parts: list[str], overlap: int
) -> None:
    text = "".join(parts)
    ends = [0]
    for part in parts:
        ends.append(ends[-1] + len(part))
    bounds = [Section(a, b, (str(a),)) for a, b in pairwise(ends)]
    chunks = tiny_chunker(overlap=overlap)(ParsedDocument(text, tuple(bounds)))
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert all(chunk.text == text[chunk.start : chunk.end] and chunk.text.strip() for chunk in chunks)
    assert {place for place, character in enumerate(text) if not character.isspace()} <= covered(chunks)
    for chunk in chunks:
        assert len(re.findall(r"\w+", chunk.text)) <= LIMIT
        assert len(chunk.text) <= LIMIT * CHARACTERS_PER_TOKEN
        section = next(s for s in bounds if s.headings == (chunk.heading,))
        assert section.start <= chunk.start
        assert chunk.end <= section.end


@given(st.text(alphabet="ab .\n", max_size=400))
def test_the_same_text_gives_the_same_chunks_in_any_company(text: str) -> None:
    chunker = tiny_chunker()
    alone = [(c.start, c.end) for c in tiny_chunker()(plain_document(text))]
    chunker(plain_document("something else entirely " * 50))
    assert [(c.start, c.end) for c in chunker(plain_document(text))] == alone


def test_without_overlap_chunks_do_not_overlap_and_with_it_they_do() -> None:
    text = " ".join(f"w{number}" for number in range(100))
    apart = tiny_chunker()(plain_document(text))
    assert sum(len(c.text.split()) for c in apart) == 100
    shared = tiny_chunker(overlap=4)(plain_document(text))
    assert sum(len(c.text.split()) for c in shared) > 100
    assert covered(shared) >= covered(apart)


def test_paragraphs_are_kept_whole_where_they_fit() -> None:
    paragraphs = [f"{name} " * 9 + "end." for name in ("one", "two", "three")]
    assert [c.text for c in tiny_chunker()(plain_document("\n\n".join(paragraphs)))] == paragraphs


def test_headings_part_chunks_and_stand_in_their_path() -> None:
    document = parse(b"# A\nx\n## B\ny\n", "text/markdown")
    assert [(c.heading, c.text) for c in tiny_chunker()(document)] == [("A", "x"), ("A > B", "y")]


@pytest.mark.parametrize(
    ("word", "pieces"),
    [("x" * 1000, -(-1000 // (LIMIT * 8))), ("é" * 5_000_000, 39_063), ("a\u0301" * 64, 4)],
)
def test_a_giant_word_is_cut(word: str, pieces: int) -> None:
    chunks = tiny_chunker()(plain_document(word))
    # 1000 / 128 and 5,000,000 / 128, rounded up; a combining mark parts words, so 64 words of 16 a chunk
    assert len(chunks) == pieces
    assert "".join(c.text for c in chunks) == word


def test_windows_hold_no_long_word() -> None:
    assert ["aa bbbbb c"[a:b] for a, b in windows("aa bbbbb c", 0, 10, 2)] == ["aa ", "bb", "bb", "b c"]
    assert list(windows("aa bb", 0, 5, 2)) == [(0, 5)]
    assert list(windows("abcdef", 1, 5, 2)) == [(1, 3), (3, 5)]


@pytest.mark.parametrize(
    ("title", "heading", "expected"),
    [
        ("Guide", "Setup > Linux", "Guide\nSetup > Linux\nRun"),
        ("Guide", "Guide > Setup", "Guide > Setup\nRun"),
        ("Guide", "Guides", "Guide\nGuides\nRun"),
        (None, "", "Run"),
    ],
)
def test_what_is_embedded_says_a_title_once(title: str | None, heading: str, expected: str) -> None:
    assert embedded_text(Chunk(0, 0, 3, heading, None, "Run"), title) == expected


@pytest.mark.parametrize(
    ("chunking", "key"),
    [
        (ChunkingSettings(max_tokens=15), "chunking.max_tokens is 15"),
        (ChunkingSettings(overlap_tokens=111), "chunking.overlap_tokens is 111"),
        (ChunkingSettings(overlap_tokens=-1), "chunking.overlap_tokens is -1"),
    ],
)
def test_impossible_settings_are_named(chunking: ChunkingSettings, key: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(key)):
        make_chunker(chunking, TINY)


def test_the_name_tells_the_parameters() -> None:
    names = {tiny_chunker(a, b).name for a, b in ((16, 0), (17, 0), (16, 1))}
    assert len(names) == 3
