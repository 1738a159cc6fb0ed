"""What stands between an Office file and the libraries: they see checked parts, and nothing that is not XML."""

import zipfile

import docx
import pytest

from freshline.parsing.media_types import DOCX
from freshline.parsing.office import packed, parts_of
from schemas.reject import Rejected
from tests.support import office
from tests.support.office import LAUGHS, OUTSIDE, changed, saved

MAIN = "word/document.xml"
SOUND = saved(docx.Document())


def code_of(content: bytes) -> str:
    with pytest.raises(Rejected) as refused:
        parts_of(content, DOCX)
    return refused.value.code


def test_parts_are_the_files_and_what_is_no_xml_is_empty() -> None:
    content = changed(SOUND, {"word/media/film.mp4": lambda _: b"\x00" * 1000})
    found = parts_of(content, DOCX)
    assert found.pop("word/media/film.mp4") == b""
    assert found.pop("docProps/thumbnail.jpeg") == b""
    assert found.items() <= office.parts_of(content).items()
    assert MAIN in found


def test_packed_is_an_archive_of_these_parts() -> None:
    with zipfile.ZipFile(packed({"a.xml": b"<x/>", "b.png": b""})) as archive:
        assert [(entry.filename, archive.read(entry)) for entry in archive.infolist()] == [
            ("a.xml", b"<x/>"),
            ("b.png", b""),
        ]


@pytest.mark.parametrize("attack", [LAUGHS, OUTSIDE, OUTSIDE.decode().encode("utf-16")])
def test_any_part_with_a_document_type_is_refused(attack: bytes) -> None:
    assert code_of(changed(SOUND, {"customXml/item1.xml": lambda _: attack})) == "unparseable"


def test_a_part_that_lies_about_its_size_reaches_nobody() -> None:
    """The part's sizes in the directory and before it are set to 500; its content stays 4 MB."""
    content = changed(SOUND, {MAIN: lambda xml: xml.replace(b"<w:body>", b"<w:body>" + b" " * (4 << 20))})
    true = len(office.parts_of(content)[MAIN]).to_bytes(4, "little")
    assert content.count(true) == 2
    assert code_of(content.replace(true, (500).to_bytes(4, "little"))) == "unparseable"
