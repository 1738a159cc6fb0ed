import base64
from hashlib import sha256
from pathlib import Path

import pytest

from freshline.folder import (
    CONTENT_TYPES,
    document_id,
    fitting_document,
    left_out,
    read_document,
    readable_files,
    refer_to_document,
)
from freshline.ingest.content import ContentReader
from freshline.parsing.registry import PARSERS
from freshline.settings import LimitSettings
from schemas.codec import decode_document, encode
from schemas.messages import DocumentEvent


def test_what_is_taken_up_and_what_is_said_to_be_left_out(tmp_path: Path) -> None:
    for name in ("b.md", "a/c.TXT", "a/p.gif", "q.gif", "LICENSE", ".git/config.txt", ".hidden.md"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("text")
    files = list(readable_files(tmp_path))
    assert [document_id(file, tmp_path) for file in files] == ["a/c.TXT", "b.md"]
    assert left_out(tmp_path) == "3 files left out (.gif 2, no ending 1)"


def test_a_file_by_itself_is_taken_whatever_its_name(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    file.write_bytes(b"\xff\xfe")
    assert list(readable_files(file)) == [file]
    assert left_out(file) == ""
    event = read_document(file, doc_id=document_id(file, file), collection="docs")
    assert (event.doc_id, event.content, event.content_base64) == ("notes", None, "//4=")


@pytest.mark.parametrize(
    ("name", "content_type", "as_text"),
    [
        ("a.md", "text/markdown", True),
        ("a.PY", "text/x-python", True),
        ("a.csv", "text/csv", True),
        ("a.eml", "message/rfc822", True),
        ("a.pdf", "application/pdf", False),
        ("a.pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation", False),
    ],
)
def test_the_ending_declares_the_type_and_binary_formats_are_never_text(
    tmp_path: Path, name: str, content_type: str, as_text: bool
) -> None:
    (tmp_path / name).write_bytes(b"%PDF-1.7 in ASCII")
    event = read_document(tmp_path / name, doc_id=name, collection="docs")
    assert event.content_type == content_type
    assert (event.content, event.content_base64) == (
        ("%PDF-1.7 in ASCII", None) if as_text else (None, base64.b64encode(b"%PDF-1.7 in ASCII").decode())
    )


def test_every_ending_has_a_type_with_a_parser() -> None:
    assert set(CONTENT_TYPES.values()) <= PARSERS.keys()
    assert all(ending.startswith(".") and ending == ending.lower() for ending in CONTENT_TYPES)


def test_what_does_not_fit_into_a_record_is_known_to_the_byte(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text('"' * 1000)  # each takes two bytes in JSON
    size = len(encode(read_document(file, doc_id="a", collection="docs")))
    assert size > 2000
    for most, fits in ((size, True), (size - 1, False), (500, False)):
        event = fitting_document(file, doc_id="a", collection="docs", max_bytes=most)
        assert (event is not None) == fits


def test_a_file_named_by_its_uri_is_what_the_stream_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a, ü%20#.pdf").write_bytes(b"%PDF-1.7")
    monkeypatch.chdir(tmp_path / "in")
    event = refer_to_document(Path("../in/a, ü%20#.pdf"), doc_id="a", collection="docs")
    checked = decode_document(b"docs/a", encode(event), max_keys=100)
    assert isinstance(checked, DocumentEvent)
    assert checked.content_sha256 == sha256(b"%PDF-1.7").hexdigest()
    assert ContentReader(LimitSettings(content_roots=(str(tmp_path),)))(checked) == b"%PDF-1.7"
