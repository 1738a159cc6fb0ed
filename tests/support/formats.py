"""One file of each format about one small place, written with the libraries that organisations write them with.

Each holds a fact that stands in no other, on a page or under a heading that the writer chose.
"""

import csv
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import docx
import openpyxl
import pptx
from PIL import Image
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate


@dataclass(frozen=True, slots=True)
class Sample:
    """A file, a question that only it answers, and where the answer stands."""

    name: str
    write: Callable[[], bytes]
    question: str
    fact: str
    #: how the citation's heading path ends
    heading: str = ""
    page: int | None = None


def _saved(document: Any) -> bytes:
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def _pdf() -> bytes:
    styles, written = getSampleStyleSheet(), io.BytesIO()
    story: list[Any] = []
    for heading, text in (
        ("Harbour report", "This report describes a year at the harbour of Tarnwick."),
        ("Ferries", "The ferry to Osterby leaves Tarnwick at twenty past six in the morning."),
        ("Storms", "Two storms closed the harbour in autumn."),
    ):
        story += [Paragraph(heading, styles["Heading1"]), Paragraph(text, styles["BodyText"]), PageBreak()]
    SimpleDocTemplate(written, title="Harbour report").build(story)
    return written.getvalue()


def large_pdf() -> bytes:
    """Return a PDF of over 1 MB, for what does not fit into a record: a picture of noise on its first page."""
    written = io.BytesIO()
    canvas = Canvas(written)
    noise = Image.frombytes("RGB", (640, 640), random.Random(7).randbytes(640 * 640 * 3))  # noqa: S311 - a picture
    canvas.drawImage(ImageReader(noise), 72, 200, 300, 300)
    canvas.showPage()
    canvas.drawString(72, 700, "The old quarry of Tarnwick was filled with water in 1931.")
    canvas.save()
    return written.getvalue()


def _docx() -> bytes:
    document = docx.Document()
    document.add_heading("Library rules", 1)
    document.add_paragraph("Everybody may read in the hall.")
    document.add_heading("Loans", 2)
    document.add_paragraph("A borrowed atlas must be returned to the library within nine days.")
    return _saved(document)


def _pptx() -> bytes:
    deck = pptx.Presentation()
    for title, text in (
        ("Museum plan", "An overview of the coming season at the museum."),
        ("Whale hall", "The skeleton in the whale hall weighs eleven tonnes."),
    ):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = text
    return _saved(deck)


def _xlsx() -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "Staff"
    book.active.append(["Name", "Role"])
    book.active.append(["Ines", "gardener"])
    boats = book.create_sheet("Boats")
    boats.append(["Boat", "Owner", "Berth"])
    boats.append(["Marigold", "Edda Lund", "Berth forty-two"])
    boats.append(["Petrel", "Jon Vik", "Berth seven"])
    return _saved(book)


def _csv() -> bytes:
    written = io.StringIO()
    rows = [
        ["Tree", "Planted by", "Year"],
        ["Copper beech", "Alderman Quill", "1788"],
        ["Lime", "Ann Ro", "1810"],
    ]
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()


def _tsv() -> bytes:
    written = io.StringIO()
    rows = [["Bell", "Cast in", "Tone"], ["Great Martha", "Lübeck", "F sharp"], ["Small Tom", "Ghent", "A"]]
    csv.writer(written, dialect="excel-tab").writerows(rows)
    return written.getvalue().encode()


def _json() -> bytes:
    body = {
        "title": "Weather station",
        "mast": {"height": "thirty-one metres"},
        "sensors": [
            {"sensor": "anemometer", "maker": "Brandt and Sons"},
            {"sensor": "rain gauge", "maker": "Holm"},
        ],
    }
    return json.dumps(body).encode()


def _json_lines() -> bytes:
    rows = [{"tram": "line three", "colour": "turquoise"}, {"tram": "line five", "colour": "grey"}]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _eml() -> bytes:
    message = EmailMessage()
    message["From"] = "Clerk <clerk@tarnwick.example>"
    message["To"] = "council@tarnwick.example"
    message["Date"] = "Thu, 05 Mar 2026 09:00:00 +0000"
    message["Subject"] = "Repair of the town clock"
    message.set_content("Dear all,\n\nthe clockmaker Ottilie Frey will repair the town clock in May.\n")
    message.add_alternative(
        "<p>the clockmaker Ottilie Frey will repair the town clock in May.</p>", subtype="html"
    )
    return bytes(message)


def _text(text: str) -> Callable[[], bytes]:
    return text.encode


_MARKDOWN = """# Bakery

## Opening hours

The bakery opens at five on market days.

## Bread

Rye bread is baked on Fridays.
"""
_HTML = """<!doctype html><html><head><title>Town hall</title></head><body>
<nav><a href="/">Home</a></nav>
<h1>Town hall</h1><p>Welcome.</p>
<h2>Weddings</h2><p>Weddings are held in the mirror room of the town hall.</p>
<h2>Passports</h2><p>Bring two photographs.</p></body></html>
"""
_RST = """==========
Swimming
==========

Lessons
=======

Swimming lessons for children cost eighteen crowns each.

Lockers
=======

.. note:: Lockers need a coin.
"""
_PYTHON = """import math


class Sluice:
    def maximum_flow(self):
        # the sluice of the canal lets through at most sixty cubic metres a second
        return 60


def area(radius):
    return math.pi * radius**2
"""
_TOML = """[windmill]
name = "windmill of Tarnwick"
number_of_sails = "the windmill has six sails"

[forge]
hammers = 3
"""

SAMPLES = (
    Sample(
        "notes.txt",
        _text("The lighthouse of Tarnwick is painted in red and white stripes.\n"),
        "In which colours is the lighthouse painted?",
        "red and white",
    ),
    Sample(
        "bakery.md",
        _text(_MARKDOWN),
        "When does the bakery open on market days?",
        "at five",
        "Opening hours",
    ),
    Sample(
        "hall.html",
        _text(_HTML),
        "In which room of the town hall are weddings held?",
        "mirror room",
        "Weddings",
    ),
    Sample(
        "harbour.pdf",
        _pdf,
        "When does the ferry to Osterby leave?",
        "twenty past six",
        "Ferries",
        2,
    ),
    Sample(
        "library.docx",
        _docx,
        "Within how many days must a borrowed atlas be returned to the library?",
        "nine days",
        "Loans",
    ),
    Sample(
        "museum.pptx",
        _pptx,
        "How much does the skeleton in the whale hall weigh?",
        "eleven tonnes",
        "Whale hall",
        2,
    ),
    Sample("registers.xlsx", _xlsx, "Who is the owner of the boat Marigold?", "Edda Lund", "Boats", 2),
    Sample("trees.csv", _csv, "Who planted the copper beech tree?", "Alderman Quill"),
    Sample("bells.tsv", _tsv, "Where was the bell Great Martha cast?", "Lübeck"),
    Sample("station.json", _json, "Who is the maker of the anemometer sensor?", "Brandt and Sons", "sensors"),
    Sample("trams.jsonl", _json_lines, "Which colour has the tram line three?", "turquoise"),
    Sample("clock.eml", _eml, "Who will repair the town clock?", "Ottilie Frey"),
    Sample(
        "swimming.rst",
        _text(_RST),
        "How much do swimming lessons for children cost?",
        "eighteen crowns",
        "Lessons",
    ),
    Sample(
        "sluice.py",
        _text(_PYTHON),
        "How much does the sluice of the canal let through at most?",
        "sixty cubic metres",
        "def maximum_flow",
    ),
    Sample(
        "mill.toml", _text(_TOML), "How many sails has the windmill of Tarnwick?", "six sails", "[windmill]"
    ),
)
