"""PDF written for tests: by ReportLab, and object by object where no writer would write such a thing."""

import io
import zlib
from collections.abc import Sequence

from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

LEFT, TOP = 72.0, 770.0


class Pdf:
    """A document under way; `y` is the next line's place."""

    def __init__(self, title: str = "", *, encrypt: StandardEncryption | None = None) -> None:
        self._file = io.BytesIO()
        self.canvas = Canvas(self._file, pagesize=A4, encrypt=encrypt)
        if title:
            self.canvas.setTitle(title)
        self.y = TOP

    def line(self, text: str, size: float = 11, *, left: float = LEFT, font: str = "Helvetica") -> None:
        """Set one line; the next one lies 1.2 sizes lower."""
        self.canvas.setFont(font, size)
        self.canvas.drawString(left, self.y, text)
        self.y -= 1.2 * size

    def paragraph(self, *lines: str, gap: float = 12) -> None:
        """Set lines as they are, then a gap."""
        for text in lines:
            self.line(text)
        self.y -= gap

    def heading(self, text: str, size: float = 16) -> None:
        """Set a heading, with room around it."""
        self.y -= size
        self.line(text, size, font="Helvetica-Bold")
        self.y -= 6

    def row(self, *cells: str, width: float = 130) -> None:
        """Set one row of a table."""
        self.canvas.setFont("Helvetica", 11)
        for column, cell in enumerate(cells):
            self.canvas.drawString(LEFT + column * width, self.y, cell)
        self.y -= 13.2

    def mark(self, text: str, level: int, *, key: str | None = None) -> None:
        """Make a bookmark to here."""
        self.canvas.bookmarkHorizontal(key or text, 0, self.y + 20)
        self.canvas.addOutlineEntry(text, key or text, level)

    def page(self) -> None:
        """Begin the next page."""
        self.canvas.showPage()
        self.y = TOP

    def bytes(self) -> bytes:
        """Return the file."""
        self.canvas.save()
        return self._file.getvalue()


def pdf_of(objects: Sequence[bytes], *, root: int = 1) -> bytes:
    """Return a file of these objects, numbered from 1; without a table of them, which readers rebuild."""
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (number, one) for number, one in enumerate(objects, 1))
    return b"%PDF-1.7\n" + body + b"trailer\n<</Root %d 0 R>>\n" % root


def stream(data: bytes, entries: bytes = b"", *, packed: int = 0) -> bytes:
    """Return a stream object, packed so many times."""
    for _ in range(packed):
        data = zlib.compress(data, 9)
    filters = b"/Filter[%s]" % (b"/FlateDecode " * packed) if packed else b""
    return b"<</Length %d%s%s>>stream\n%s\nendstream" % (len(data), filters, entries, data)


def one_page(content: bytes, *, packed: int = 0, font: bytes = b"/Subtype/Type1/BaseFont/Helvetica") -> bytes:
    """Return a document of one page that draws `content` with the font /F1."""
    return pdf_of(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
            stream(content, packed=packed),
            b"<</Type/Font%s>>" % font,
        ]
    )
