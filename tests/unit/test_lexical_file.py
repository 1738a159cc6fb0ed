"""The lexical file of a segment: made once, read by whoever would make the same."""

import re
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from freshline.errors import IntegrityError
from freshline.lexical import file
from freshline.lexical.analysis import analysis_of
from freshline.lexical.file import ANALYSIS, about_of, unpack, write_lexical
from freshline.lexical.languages import Languages
from freshline.lexical.uids import apart, tag_of, uids_of
from freshline.retrieval.lexical.index import TantivyIndex
from freshline.retrieval.lexical.seen import Seen
from freshline.retrieval.sight import Sight

LANGUAGES = Languages(default="en", named={"buch": "de"})


def rows_of(*pairs: tuple[str, str]) -> pa.Table:
    columns = zip(*((collection, None, "", text) for collection, text in pairs), strict=True)
    names = ["collection", "title", "heading", "text"]
    return pa.table([pa.array(column, pa.string()) for column in columns], names)


ROWS = rows_of(("wiki", "red foxes"), ("buch", "rote Häuser"), ("wiki", "blue"))


def found(index: TantivyIndex, text: str) -> list[int]:
    seen = Seen(Sight({0: np.ones(3, bool)}, 3))
    return sorted(index.view().search(text, seen, 5).places[:, 1].tolist())


def test_a_file_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = write_lexical(ROWS, "name", LANGUAGES)
    monkeypatch.setattr("freshline.retrieval.lexical.index.write_lexical", None)  # it is not called
    index = TantivyIndex(LANGUAGES)
    index.enter(0, "name", ROWS, packed)
    assert (found(index, "fox"), found(index, "Haus"), found(index, "blue")) == ([0], [1], [2])


@pytest.mark.parametrize("other", ["language", "analysis", "tantivy", "format"])
def test_what_a_reader_would_make_otherwise_is_made_again(
    other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With German for `wiki` "foxes" is no form of "fox", and "rote" one of "rot"."""
    made = Languages(default="de") if other == "language" else LANGUAGES
    with monkeypatch.context() as at_writing:
        if other == "analysis":
            at_writing.setattr(file, "ANALYSIS", ANALYSIS + 1)
        if other == "tantivy":
            at_writing.setattr(file, "_tantivy", lambda: "0.0")
        if other == "format":
            at_writing.setattr(file, "LEXICAL_FORMAT", 2)
        packed = write_lexical(ROWS, "name", made)
    assert not about_of(packed).fits(LANGUAGES)
    assert about_of(packed).languages == {"wiki": "de" if other == "language" else "en", "buch": "de"}
    index = TantivyIndex(LANGUAGES)
    index.enter(0, "name", ROWS, packed)
    assert (found(index, "fox"), found(index, "Haus")) == ([0], [1])


def test_a_file_without_rows_has_no_index(tmp_path: Path) -> None:
    packed = write_lexical(ROWS.slice(0, 0), "name", LANGUAGES)
    assert unpack(packed, tmp_path) == {}
    assert about_of(packed).fits(Languages(default="el"))


@pytest.mark.parametrize("bad", [b"", b"no tar", bytes(10_240)])
def test_what_is_no_lexical_file_is_refused(bad: bytes) -> None:
    with pytest.raises(IntegrityError, match="lexical file"):
        about_of(bad)


def test_two_segments_of_one_tag_are_not_mixed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("freshline.retrieval.lexical.index.tag_of", lambda _: 7)
    index = TantivyIndex()
    index.enter(0, "one", ROWS)
    with pytest.raises(IntegrityError, match="tag"):
        index.enter(1, "two", ROWS)


def test_uids_say_segment_and_row() -> None:
    tag, rows = tag_of("name"), np.array([0, 1, 2**24 - 1])
    tags, back = apart(uids_of(tag, rows))
    assert set(tags.tolist()) == {tag}
    assert back.tolist() == rows.tolist()
    assert 0 <= tag < 2**39
    assert uids_of(2**39 - 1, rows).max() == 2**63 - 1


def test_the_analysis_is_the_one_that_its_version_names() -> None:
    """A failure says: raise ANALYSIS, so that readers make files of the old analysis anew; then note the new digest.

    The digest guards a promise between releases; that the analysis is right, test_analysis says.
    """
    text = "The HTTPServer's résumés (v3.11.7, x86_64) weren't in lib/core_v2.py; naïve C++ at 1,000 東京都 ERR_CONN"
    made = []
    for language in ("en", "de", "none"):
        analysis = analysis_of(language)
        for field, body in analysis.row("Äpfel and Titles", "On > Tests", text).items():
            made.append((language, field, analysis.analyzers[field].analyze(body)))
    digest = sha256(re.sub(r"\s+", " ", repr(made)).encode()).hexdigest()[:16]
    assert (ANALYSIS, digest) == (1, "7c5d60788e840ce4")
