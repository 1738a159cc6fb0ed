"""application/pdf by PDFium: text page by page, headings from bookmarks or letter sizes, table rows as lines.

Taken: what the text layer holds in the order in which the file draws it, running heads and page numbers included,
and text drawn invisibly, since that is how scans carry what was recognised in them. Left out: forms, annotations,
attachments, pictures; nothing is executed. A document that asks for a password is `encrypted`; one that opens
without may be read, whatever permissions it states. One page that cannot be read refuses the document: half of it
must not pass for the whole.

PDFium is C++ reading hostile bytes, and not safe for threads: freshline.parsing.isolated runs it elsewhere.
"""

from collections.abc import Sequence
from contextlib import closing

import pypdfium2
import pypdfium2.raw as pdfium

from freshline.parsing.outline import MAX_TEXT, Outline
from freshline.parsing.pdf_flow import Block, blocks, usual_drop
from freshline.parsing.pdf_headings import Heading, bookmarks, by_bookmarks, by_size, title_of
from freshline.parsing.pdf_lines import Line, read_lines
from freshline.parsing.port import ParsedDocument
from freshline.parsing.text import refuse_empty
from schemas.reject import Rejected

#: Pages that are opened at most; limits.max_pages is below it.
MAX_PAGES = 20_000

_ENCRYPTED = (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)


def parse_pdf(content: bytes) -> ParsedDocument:
    """Return text, title and sections with headings and page numbers. Raises Rejected."""
    with closing(_open(content)) as document:
        if len(document) > MAX_PAGES:
            raise Rejected("too_large", f"{len(document)} pages, at most {MAX_PAGES}")
        pages = _read(document)
        flowing = [list(blocks(lines, usual_drop(lines))) for lines in pages]
        marks = bookmarks(document)
        title = title_of(document.get_metadata_value("Title"), flowing)
    if marks:
        return _written(
            [list(by_bookmarks(lines, marks.get(page, ()))) for page, lines in enumerate(pages)], title
        )
    return _written(list(by_size(flowing)), title)


def _open(content: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if error.err_code in _ENCRYPTED:
            raise Rejected("encrypted", "the document asks for a password") from error
        raise Rejected("unparseable", f"PDFium error {error.err_code}") from error


def _read(document: pypdfium2.PdfDocument) -> list[list[Line]]:
    pages: list[list[Line]] = []
    characters = 0
    for number in range(len(document)):
        try:
            with closing(document[number]) as page:
                pages.append(read_lines(page))
        except (pypdfium2.PdfiumError, AssertionError) as error:
            raise Rejected("unparseable", f"page {number + 1} of {len(document)}") from error
        characters += sum(len(line.text) for line in pages[-1])
        if characters > MAX_TEXT:
            raise Rejected("too_large", f"more than {MAX_TEXT} characters of text")
    if not characters:
        raise Rejected("empty_document", f"no text on {len(pages)} pages: scanned pages need OCR first")
    return pages


def _written(pages: Sequence[Sequence[Block | Heading]], title: str | None) -> ParsedDocument:
    outline = Outline()
    for number, page in enumerate(pages, 1):
        outline.page(number)
        for part in page:
            match part:
                case Heading(level, text):
                    outline.heading(level, text)
                case Block(rows=True):
                    outline.code(part.text)
                case Block():
                    outline.block(part.text)
    document = outline.finish(title)
    refuse_empty(document.text)
    return document
