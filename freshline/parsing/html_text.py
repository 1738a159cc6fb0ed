"""The readable text of a piece of HTML inside Markdown, in one pass; not a parser for pages.

Tags, comments, declarations, scripts and styles go, entities become characters, <br> becomes a new line.
Each step of the scan ends behind where it began, so the time is linear whatever the input.
"""

import re
from html import unescape

_TAG_NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9-]*)")
_DROPPED = frozenset({"script", "style"})
_NEW_LINE = frozenset(
    {"br", "p", "div", "li", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6", "summary"}
)


def html_text(html: str) -> str:
    """Return the text: "<p>a &lt; b<!-- c --></p>" gives "a < b"."""
    parts: list[str] = []
    place = 0
    while (opened := html.find("<", place)) >= 0:
        parts.append(unescape(html[place:opened]))
        place, text = _after_markup(html, opened)
        parts.append(text)
    parts.append(unescape(html[place:]))
    lines = (line.strip() for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line)


def _after_markup(html: str, opened: int) -> tuple[int, str]:
    """Return where the markup at `opened` ends and what stands for it in the text."""
    if html.startswith("<!--", opened):
        return _behind(html, "-->", opened + 2), ""  # "<!-->" is a whole comment
    if html.startswith(("<!", "<?"), opened):
        return _behind(html, ">", opened), ""
    name = _TAG_NAME.match(html, opened)
    if name is None:
        return opened + 1, "<"
    tag = name[1].lower()
    end = _behind(html, ">", opened)
    if tag in _DROPPED and html[opened + 1] != "/":
        end = _behind(html, ">", _behind(html, f"</{tag}", end))
    return end, "\n" if tag in _NEW_LINE else ""


def _behind(html: str, what: str, start: int) -> int:
    """Return the place behind the next `what`; the end where there is none."""
    found = html.find(what, start)
    return len(html) if found < 0 else found + len(what)
