"""What holds for every parsed document, whatever the bytes it came from: freshline.parsing.port, in assertions."""

from freshline.parsing.outline import MAX_TEXT, MAX_TITLE
from freshline.parsing.port import ParsedDocument, Parser
from schemas.reject import Rejected


def parsed_or_refused(parser: Parser, content: bytes) -> ParsedDocument | None:
    """Return the checked document, None where the parser refuses; any other exception comes through."""
    try:
        document = parser(content)
    except Rejected:
        return None
    check_parsed(document)
    return document


def check_parsed(document: ParsedDocument) -> None:
    """Assert the text's characters, the order of sections and lines, and that nothing lies outside of them."""
    _check_text(document)
    _check_sections(document)
    _check_lines(document)


def _check_text(document: ParsedDocument) -> None:
    text = document.text
    assert len(text) <= MAX_TEXT
    assert any(character.isprintable() and not character.isspace() for character in text), (
        "nothing to be seen"
    )
    text.encode()  # no lone surrogate: it could not be stored
    assert not [character for character in text if character < " " and character not in "\n\t"]
    assert document.title is None or 0 < len(document.title) <= MAX_TITLE


def _check_sections(document: ParsedDocument) -> None:
    """Sections are in order and apart; what lies between two is white space and headings of the second."""
    assert document.sections
    before = 0
    for section in document.sections:
        assert before <= section.start < section.end <= len(document.text), section
        assert document.text[section.start : section.end].strip(), section
        assert all(heading.strip() for heading in section.headings), section
        assert section.page is None or section.page >= 1
        named = {word for heading in section.headings for word in heading.split()}
        between = document.text[before : section.start].split()
        assert named.issuperset(between), (section, between)
        before = section.end
    assert not document.text[before:].strip(), "text behind the last section"


def _check_lines(document: ParsedDocument) -> None:
    """Spans of lines are in order and apart, each within one section."""
    before, sections = 0, iter(document.sections)
    section = next(sections)
    for start, end in document.lines:
        assert before <= start < end, (start, end)
        while section.end <= start:
            section = next(sections)
        assert section.start <= start, (section, start)
        assert end <= section.end, (section, end)
        before = end
