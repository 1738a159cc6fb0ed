"""What a Word style makes of a paragraph: a heading of some level, the title, a list item, code.

A style's id is translated with the program ("berschrift1"), its name is not ("heading 1"); writers other than Word do
either. So a level comes from the outline level, the name or the id, of the style or of one that it is based on.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from freshline.parsing.ooxml import Element, value

#: Outline levels are 0 to 8, 9 is body text; ours are 1 to 6.
_BODY_TEXT = 9
_DEEPEST = 6
_HEADING = re.compile(r"heading ?([1-9])", re.IGNORECASE)
_CONTENTS = re.compile(r"toc ?[1-9]", re.IGNORECASE)
_CODE = frozenset(
    {"code", "code block", "source code", "html preformatted", "preformatted text", "macro text"}
)


@dataclass(frozen=True, slots=True)
class Look:
    """What a paragraph is. level: of a heading, 1 to 6, else None."""

    level: int | None = None
    title: bool = False
    item: bool = False
    code: bool = False
    contents: bool = False  # a line of the table of contents


class Styles:
    """The paragraph styles of one document."""

    def __init__(self, root: Element | None) -> None:
        found = () if root is None else root.iterfind("{*}style")
        self._styles: Mapping[str, Element] = {value(style, "styleId") or "": style for style in found}

    def look(self, properties: Element | None) -> Look:
        """Return what a paragraph of these properties (w:pPr) is; its own go before its style's."""
        if properties is None:
            return Look()
        chain = [properties, *self._chain(value(properties.find("{*}pStyle")))]
        names = [name.lower() for style in chain[1:] for name in _names(style)]
        if not chain[1:]:
            names = [(value(properties.find("{*}pStyle")) or "").lower()]
        own = [properties, *(style.find("{*}pPr") for style in chain[1:])]
        return Look(
            level=_outline_level(own) or _named_level(names),
            title="title" in names[:2],
            item=_is_item(own),
            code=not _CODE.isdisjoint(names),
            contents=any(_CONTENTS.fullmatch(name) for name in names),
        )

    def _chain(self, style_id: str | None) -> list[Element]:
        """Return the style and those that it is based on."""
        chain: list[Element] = []
        while (style := self._styles.get(style_id or "")) is not None and style not in chain:
            chain.append(style)
            style_id = value(style.find("{*}basedOn"))
        return chain


def _names(style: Element) -> tuple[str, str]:
    return value(style.find("{*}name")) or "", value(style, "styleId") or ""


def _outline_level(properties: list[Element | None]) -> int | None:
    for each in properties:
        level = None if each is None else value(each.find("{*}outlineLvl"))
        if level is not None and level.isdecimal():
            return None if int(level) >= _BODY_TEXT else min(int(level) + 1, _DEEPEST)
    return None


def _named_level(names: list[str]) -> int | None:
    found = next(filter(None, map(_HEADING.fullmatch, names)), None)
    return min(int(found[1]), _DEEPEST) if found else None


def _is_item(properties: list[Element | None]) -> bool:
    for each in properties:
        number = None if each is None else value(each.find("{*}numPr/{*}numId"))
        if number is not None:
            return number != "0"  # 0 takes the style's list away
    return False
