"""Word (docx), by mammoth: it writes HTML, which the walk over pages reads. All changes are accepted.

- Text boxes stand behind the paragraph that holds them; notes at the end, under no heading.
- Left out: headers and footers (they repeat), comments, the table of contents, hidden text, pictures.
- No pages: Word decides about them while it prints, the file does not know them.
"""

import re

from freshline.parsing.docx_markup import CODE, CONTENTS, LEVELS, OUTLINE, in_known_words, title_of
from freshline.parsing.html_page import add_html
from freshline.parsing.media_types import DOCX
from freshline.parsing.office import packed, parts_of
from freshline.parsing.outline import Outline
from freshline.parsing.port import ParsedDocument
from freshline.parsing.text import refuse_empty
from freshline.parsing.total import total

#: Lists are flat and without numbers: the file does not say what a reader sees there.
_STYLE_MAP = "\n".join(
    [f"p.{OUTLINE}{level} => h{level}:fresh" for level in LEVELS]
    + [f"p.{CODE} => pre:separator('\\n')", f"p.{CONTENTS} => !"]
    + [
        f"p:{kind}-list({depth}) => ul > li:fresh"
        for kind in ("ordered", "unordered")
        for depth in range(1, 10)
    ]
)
#: Where mammoth's list of notes begins (no text can hold a tag), and its link from a note back to its place.
_NOTES = re.compile(r'<ol><li id="(?:foot|end)note-')
_BACK = re.compile(r' *<a href="#(?:foot|end)note-ref-[^"]*">↑</a>')


@total
def parse_docx(content: bytes) -> ParsedDocument:
    """Return text, title and sections with heading paths. Raises Rejected."""
    parts = parts_of(content, DOCX)
    title = title_of(parts)
    html = _html(parts)
    notes = _NOTES.search(html)
    outline = Outline()
    add_html(html[: notes.start()] if notes else html, outline)
    if notes:
        outline.heading(1, "")
        add_html(_BACK.sub("", html[notes.start() :]), outline)
    document = outline.finish(title)
    refuse_empty(document.text)
    return document


def _html(parts: dict[str, bytes]) -> str:
    import mammoth  # noqa: PLC0415 - heavy, and only where there is such a file

    result = mammoth.convert_to_html(
        packed(in_known_words(parts)),
        style_map=_STYLE_MAP,
        include_default_style_map=False,
        include_embedded_style_map=False,
        convert_image=lambda _: [],
    )
    return str(result.value)
