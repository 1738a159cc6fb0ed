"""A Word file in the words that mammoth knows, where it would leave out text or miss a heading.

It knows a style by its own name and id alone, so each paragraph is given one that says what it is: a heading's level
comes from its outline level, the name or the id of its style or of a style below it (an id is translated
with the program, a name is not; writers other than Word do either). It leaves out what is in elements that it does not
know: simple fields, equations, text of mixed direction, text with reading aids. It does not know hidden text.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

#: The styles that paragraphs are given: OUTLINE and a level, CODE, CONTENTS (a line of the table of contents).
OUTLINE, CODE, CONTENTS = "outline", "code", "contents"
LEVELS = range(1, 7)
_BODIES = re.compile(r"word/(?:document|footnotes|endnotes)\d*\.xml", re.IGNORECASE)
_STYLES = re.compile(r"word/styles\d*\.xml", re.IGNORECASE)
_PROPERTIES = "docProps/core.xml"
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_VALUE = _W + "val"
_ANY = _W + "smartTag"  # an element of which mammoth reads nothing but what is inside
_KNOWN = {
    **{_W + name: _ANY for name in ("fldSimple", "dir", "bdo", "ruby", "rubyBase")},
    **{
        "{urn:schemas-microsoft-com:vml}" + name: _ANY
        for name in ("oval", "arc", "curve", "line", "polyline")
    },
    _W + "softHyphen": _W + "proofErr",  # nothing: a hyphen that may be in a word is no part of it
    _W + "ptab": _W + "tab",
    _W + "cr": _W + "br",
    _MATH + "r": _W + "r",
    _MATH + "t": _W + "t",
}
_OFF = frozenset({"0", "false", "off"})
#: Outline levels are 0 to 8, 9 is body text.
_BODY_TEXT = 9
_HEADING = re.compile(r"heading ?([1-9])", re.IGNORECASE)
_NAMES = {
    CONTENTS: re.compile(r"toc (?:[1-9]|heading)|toc[1-9]"),
    OUTLINE + "1": re.compile(r"title"),
    CODE: re.compile(r"code|code block|source code|html preformatted|preformatted text|macro text"),
}


def title_of(parts: Mapping[str, bytes]) -> str | None:
    """Return the title among the document's properties. Raises lxml's error where they are no XML."""
    root = _parsed(parts[_PROPERTIES]) if _PROPERTIES in parts else None
    return None if root is None else root.findtext("{*}title")


def in_known_words(parts: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the parts, those with text rewritten. Raises lxml's error where one is no XML."""
    from lxml import etree  # noqa: PLC0415 - heavy, and only where there is such a file

    styles: dict[str, Any] = {}
    for name in filter(_STYLES.fullmatch, parts):
        styles |= {style.get(_W + "styleId", ""): style for style in _parsed(parts[name]).iter(_W + "style")}
    rewritten = dict(parts)
    for name in filter(_BODIES.fullmatch, parts):
        root = _parsed(parts[name])
        _rewrite(root, styles)
        rewritten[name] = etree.tostring(root)
    return rewritten


def _parsed(part: bytes) -> Any:
    from lxml import etree  # noqa: PLC0415 - heavy, and only where there is such a file

    return etree.fromstring(
        part, etree.XMLParser(resolve_entities=False, remove_comments=True, remove_pis=True)
    )


def _rewrite(root: Any, styles: Mapping[str, Any]) -> None:
    for run in [run for run in root.iter(_W + "r") if _is_hidden(run)]:
        run.getparent().remove(run)
    for element in root.iter(*_KNOWN, _MATH + "*"):
        element.tag = _KNOWN.get(element.tag, _ANY)
    for properties in root.iter(_W + "pPr"):
        _name(properties, styles)
    for table in root.iter(_W + "tbl"):
        _mark_header(table)


def _is_hidden(run: Any) -> bool:
    vanish = run.find(f"{_W}rPr/{_W}vanish")
    return vanish is not None and vanish.get(_VALUE) not in _OFF


def _name(properties: Any, styles: Mapping[str, Any]) -> None:
    """Give a paragraph the style that says what it is."""
    style = properties.find(_W + "pStyle")
    own = "" if style is None else style.get(_VALUE, "")
    chain = list(_chain(own, styles))
    names = [name.lower() for each in chain for name in _names(each)] or [own.lower()]
    found = _level([properties, *(each.find(_W + "pPr") for each in chain)], names) or _kind(names)
    if found:
        properties.insert(0, properties.makeelement(_W + "pStyle", {_VALUE: found}))


def _chain(style: str, styles: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the style and those that it is based on."""
    seen: set[str] = set()
    while style in styles and style not in seen:
        seen.add(style)
        yield styles[style]
        based = styles[style].find(_W + "basedOn")
        style = "" if based is None else based.get(_VALUE, "")


def _names(style: Any) -> tuple[str, str]:
    name = style.find(_W + "name")
    return "" if name is None else name.get(_VALUE, ""), style.get(_W + "styleId", "")


def _level(chain: list[Any], names: list[str]) -> str | None:
    levels = (each.find(_W + "outlineLvl") for each in chain if each is not None)
    own = next((level.get(_VALUE, "") for level in levels if level is not None), "")
    if own.isdecimal():
        return f"{OUTLINE}{min(int(own) + 1, LEVELS[-1])}" if int(own) < _BODY_TEXT else None
    named = next(filter(None, map(_HEADING.fullmatch, names)), None)
    return f"{OUTLINE}{min(int(named[1]), LEVELS[-1])}" if named else None


def _kind(names: list[str]) -> str | None:
    return next((kind for kind, pattern in _NAMES.items() if any(map(pattern.fullmatch, names))), None)


def _mark_header(table: Any) -> None:
    """Mark the first row as the header, unless the table's look says that it has none."""
    look, row = table.find(f"{_W}tblPr/{_W}tblLook"), table.find(_W + "tr")
    if row is None or (look is not None and look.get(_W + "firstRow") in _OFF):
        return
    properties = row.find(_W + "trPr")
    if properties is None:
        properties = row.makeelement(_W + "trPr", {})
        row.insert(0, properties)
    properties.append(row.makeelement(_W + "tblHeader", {}))
