"""Which elements of a page a reader never sees: their text must not steer an answer. Knows no style sheets.

Dropped: what browsers do not show by themselves (scripts, styles, templates, the title, fallbacks of media), the
options of a select, elements with `hidden`, and those whose own style hides them (display, visibility, opacity 0,
font-size 0). Shown: `aria-hidden`, which a reader sees, and whatever a style sheet elsewhere would hide.
"""

import re
from collections.abc import Iterable

_NEVER_SHOWN = frozenset(
    {"script", "style", "template", "noscript", "title", "noembed", "noframes", "iframe", "object", "audio"}
    | {"video", "canvas", "datalist", "select", "metadata", "desc"}
)
#: Links to other pages, alike on every page of a site; an HTML footer stays: it dates, names and licenses.
_NAVIGATION = "nav"
_ZERO = r"0*(?:\.0*)?(?:px|pt|em|rem|%)?[ \t\n]*(?:!|;|$)"
_HIDING = re.compile(
    r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)"
    rf"|opacity\s*:\s*(?=[0.]){_ZERO}|font-size\s*:\s*(?=[0.]){_ZERO})",
    re.IGNORECASE,
)

Attributes = Iterable[tuple[str, str | None]]


def is_hidden(tag: str, attributes: Attributes, *, navigation: bool) -> bool:
    """Say whether the element and all within it is not shown; navigation: whether <nav> is."""
    if tag in _NEVER_SHOWN or (tag == _NAVIGATION and not navigation):
        return True
    return any(
        name == "hidden" or (name == "style" and value and _HIDING.search(value))
        for name, value in attributes
    ) or (tag == "dialog" and not any(name == "open" for name, _ in attributes))
