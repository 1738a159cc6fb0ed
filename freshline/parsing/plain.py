"""text/plain: the text as it is, one section."""

from freshline.parsing.port import ParsedDocument, Section
from freshline.parsing.text import decode


def parse_plain(content: bytes) -> ParsedDocument:
    """Return the decoded text under no heading. Raises Rejected."""
    return plain_document(decode(content))


def plain_document(text: str) -> ParsedDocument:
    """Return a text that is already decoded as a document of one section."""
    return ParsedDocument(text, (Section(0, len(text)),))
