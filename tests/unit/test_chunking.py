"""Chunks: exact spans, bounded with their context, nothing lost, whole units, never across a section."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshline.chunking import make_chunker
from freshline.chunking.port import Chunk, embedded_text, heading_path
from freshline.chunking.sizes import CHARACTERS_PER_TOKEN
from freshline.errors import ConfigError
from freshline.parsing import parse
from freshline.parsing.plain import plain_document
from freshline.parsing.port import ParsedDocument, Section
from freshline.settings import ChunkingSettings, ModelSettings

TINY = ModelSettings(backend="tiny")
LIMIT = 16


def cut(
    document: ParsedDocument, title: str | None = None, max_tokens: int = LIMIT, overlap: int = 0
) -> list[Chunk]:
    return make_chunker(ChunkingSettings(max_tokens=max_tokens, overlap_tokens=overlap), TINY)(
        document, title
    )


def texts(source: str, overlap: int = 0) -> list[str]:
    return [chunk.text for chunk in cut(plain_document(source), overlap=overlap)]


def words(text: str) -> int:
    return len(re.findall(r"\w+", text))


#: what a parser lets through
_TEXT = st.text(
    st.one_of(st.characters(exclude_categories=["Cs", "Cc"]), st.sampled_from("\n\t .a|-")), min_size=1
)


@given(st.lists(_TEXT, min_size=1, max_size=4), st.sampled_from([0, 5]), st.none() | _TEXT, st.data())
def test_chunks_cover_all_that_can_be_seen_with_exact_spans_inside_sections(
    parts: list[str], overlap: int, title: str | None, data: st.DataObject
) -> None:
    text = "".join(parts)
    ends = [0]
    for part in parts:
        ends.append(ends[-1] + len(part))
    sections = tuple(Section(a, b, (str(a),)) for a, b in pairwise(ends))
    lines = tuple((s.start, s.end) for s in sections if data.draw(st.booleans()))
    chunks = cut(ParsedDocument(text, sections, None, lines), title, overlap=overlap)
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert all(chunk.text == text[chunk.start : chunk.end] == chunk.text.strip() != "" for chunk in chunks)
    seen = [place for chunk in chunks for place in range(chunk.start, chunk.end) if not text[place].isspace()]
    visible = [place for place, character in enumerate(text) if not character.isspace()]
    assert seen == visible if overlap == 0 else sorted(set(seen)) == visible
    for chunk in chunks:
        assert words(embedded_text(chunk)) <= LIMIT
        assert len(chunk.text) <= LIMIT * CHARACTERS_PER_TOKEN
        section = next(s for s in sections if s.headings == (chunk.heading,))
        assert section.start <= chunk.start < chunk.end <= section.end


@given(st.text(alphabet="ab .\n", max_size=400))
def test_the_same_text_gives_the_same_chunks_in_any_company(text: str) -> None:
    alone = cut(plain_document(text))
    chunker = make_chunker(ChunkingSettings(max_tokens=LIMIT), TINY)
    chunker(plain_document("something else entirely " * 50), "other")
    assert chunker(plain_document(text), None) == alone
    below = ParsedDocument("x\n" + text, (Section(0, 1), Section(2, 2 + len(text))))
    assert [chunk.text for chunk in chunker(below, None)][1:] == [chunk.text for chunk in alone]


@given(
    st.lists(st.integers(1, LIMIT), min_size=1, max_size=30), st.sampled_from(["sentences", "lines", "items"])
)
def test_a_unit_that_fits_is_never_cut(lengths: list[int], kind: str) -> None:
    """A chunk begins where a unit begins and ends where one ends, whatever their lengths."""
    units = [
        " ".join(f"w{number}x{place}" for place in range(length)) for number, length in enumerate(lengths)
    ]
    if kind == "sentences":
        units = [unit.capitalize() + "." for unit in units]
        document = plain_document(" ".join(units))
    elif kind == "items":
        units = [f"- {unit}" for unit in units]
        document = plain_document("\n".join(units))
    else:
        text = "\n".join(units)
        document = ParsedDocument(text, (Section(0, len(text)),), None, ((0, len(text)),))
    separator = " " if kind == "sentences" else "\n"
    rebuilt = [unit for chunk in cut(document) for unit in _parted(chunk.text, units, separator)]
    assert rebuilt == units


def _parted(text: str, units: list[str], separator: str) -> list[str]:
    """Return the units that joined are `text`; fails where `text` begins or ends inside one."""
    found = []
    while text:
        unit = next(each for each in units if text == each or text.startswith(each + separator))
        found.append(unit)
        text = text[len(unit) + len(separator) :]
    return found


def test_a_field_and_its_value_stay_on_one_line() -> None:
    fields = [f"Exports - partner {name}: " + "value " * 11 + "end" for name in "abcdef"]  # 15 words of 16
    assert texts("\n".join(fields)) == fields


def test_a_unit_that_is_too_long_is_cut_at_words() -> None:
    parts = texts(" ".join(f"w{number}" for number in range(100)))
    assert " ".join(parts) == " ".join(f"w{number}" for number in range(100))
    assert len(parts) <= 2 * -(-100 // LIMIT)


def test_with_overlap_a_chunk_begins_with_whole_units_of_the_one_before() -> None:
    sentences = [f"This is number {number} here." for number in range(20)]  # 5 words each
    chunks = texts(" ".join(sentences), overlap=5)
    assert len(chunks) > 3
    for one, following in pairwise(chunks):
        assert following.startswith(one[one.rindex("This is") :])


def test_paragraphs_are_kept_whole_where_they_fit() -> None:
    paragraphs = [f"{name} " * 9 + "end." for name in ("one", "two", "three")]
    assert texts("\n\n".join(paragraphs)) == paragraphs


def test_a_chunk_ends_with_a_paragraph_rather_than_with_a_sentence() -> None:
    # 12 + 12 words in two paragraphs of two sentences: 16 words would hold three sentences
    text = "A b c d e f. G h i j k l.\n\nM n o p q r. S t u v w x."
    assert texts(text) == text.split("\n\n")


def test_headings_part_chunks_and_stand_in_their_path() -> None:
    document = parse(b"# A\nx\n## B\ny\n", "text/markdown")
    assert [(c.heading, c.text) for c in cut(document)] == [("A", "x"), ("A > B", "y")]


def test_an_empty_section_gives_no_chunk() -> None:
    assert texts("") == texts(" \n") == []
    assert [c.text for c in cut(ParsedDocument("a  b", (Section(0, 1), Section(1, 3), Section(3, 4))))] == [
        "a",
        "b",
    ]


@pytest.mark.parametrize(
    "word", ["x" * 1000, "é" * 100_000, "a\u0301" * 64, "👩\u200d👩" * 300, "\u202e" * 200 + "x"]
)
def test_a_giant_word_is_cut_within_its_bounds(word: str) -> None:
    chunks = texts(word)
    assert "".join(chunks) == word
    assert max(map(len, chunks)) <= LIMIT * CHARACTERS_PER_TOKEN
    assert len(chunks) <= len(word) // LIMIT + 1  # pieces of two characters, half a chunk of them at least


def test_marks_stay_with_their_character() -> None:
    assert not any(chunk[0] in "\u0301\u200d" for chunk in texts("a\u0301" * 999 + "👩\u200d👩" * 99))


def test_a_heading_path_is_bounded_and_keeps_its_last_levels() -> None:
    levels = tuple(f"{name} " * 50 + "end" for name in "abcdef")  # 103 characters each
    assert heading_path(levels) == " > ".join(levels[2:])  # 4 * 103 + 3 * 3 = 421; a fifth would make 527
    assert heading_path(("top", "x" * 900_000)) == "x" * 512
    exact = ("a" * 254, "b" * 255)  # 254 + 3 + 255
    assert heading_path(exact) == " > ".join(exact)


@pytest.mark.parametrize(
    ("title", "headings", "context"),
    [
        ("Guide", ("Setup", "Linux"), "Guide\nSetup > Linux"),
        ("Guide", ("Guide", "Setup"), "Guide > Setup"),
        ("Guide", ("Guides",), "Guide\nGuides"),
        ("Guide", (), "Guide"),
        (None, (), ""),
        # a quarter of 40 tokens: 5 words of the title, and of the path the last levels within 5
        (
            "one two three four five six seven",
            ("a b", "c d e", "f g"),
            "one two three four five\nc d e > f g",
        ),
        ("t " * 600, (), "t t t t t"),
        (None, ("a b c d e f g h", "k l m n o p"), "k l m n o"),
    ],
)
def test_the_context_says_a_title_once_and_is_bounded(
    title: str | None, headings: tuple[str, ...], context: str
) -> None:
    (chunk,) = cut(ParsedDocument("Run", (Section(0, 3, headings),)), title, max_tokens=40)
    assert chunk.context == context
    assert embedded_text(chunk) == (f"{context}\nRun" if context else "Run")


def test_a_long_title_leaves_room_for_the_passage() -> None:
    text = " ".join(f"w{number}" for number in range(200))
    chunks = cut(ParsedDocument(text, (Section(0, len(text), ("h " * 250,)),)), "t " * 500)
    assert " ".join(chunk.text for chunk in chunks) == text
    assert all(words(chunk.context) == 4 for chunk in chunks)  # a quarter of 16: two of each
    assert max(words(embedded_text(chunk)) for chunk in chunks) <= LIMIT


@pytest.mark.parametrize(
    ("chunking", "key"),
    [
        (ChunkingSettings(max_tokens=15), "chunking.max_tokens is 15"),
        (ChunkingSettings(target_tokens=15), "chunking.target_tokens is 15"),
        (ChunkingSettings(max_tokens=222, overlap_tokens=112), "chunking.overlap_tokens is 112"),
        (ChunkingSettings(overlap_tokens=-1), "chunking.overlap_tokens is -1"),
    ],
)
def test_impossible_settings_are_named(chunking: ChunkingSettings, key: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(key)):
        make_chunker(chunking, TINY)


def test_units_are_gathered_up_to_the_target_and_a_longer_one_stays_whole() -> None:
    settings = ChunkingSettings(max_tokens=50, target_tokens=16)
    short = [f"This is sentence {name}." for name in ("one", "two", "three", "four")]  # 4 words each
    long = "It goes " + "on and " * 19 + "on."  # 41 words
    chunks = make_chunker(settings, TINY)(plain_document(" ".join((*short[:2], long, *short[2:]))), None)
    assert long in [chunk.text for chunk in chunks]
    assert all(words(chunk.text) <= 16 for chunk in chunks if chunk.text != long)
    assert " ".join(chunk.text for chunk in chunks) == " ".join((*short[:2], long, *short[2:]))


def test_the_name_tells_the_parameters() -> None:
    names = ((30, 20, 0), (31, 20, 0), (30, 21, 0), (30, 20, 1))
    settings = [ChunkingSettings(max_tokens=a, target_tokens=b, overlap_tokens=c) for a, b, c in names]
    assert len({make_chunker(each, TINY).name for each in settings}) == 4
