"""The characters of a Word paragraph as its reader sees them, all changes accepted.

Inserted and moved-to text stays, deleted and moved-from text goes, and so do hidden text, field codes and the second
copy that is kept for older programs. Text boxes and notes are set aside for the caller: they are blocks themselves.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from freshline.parsing.ooxml import Element, local, value

_CHARACTERS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_SKIPPED = frozenset({"del", "moveFrom", "pPr", "rPr", "instrText", "delText", "Fallback", "rt", "sdtPr"})
_NOTES = {"footnoteReference": "footnotes", "endnoteReference": "endnotes"}
_OFF = frozenset({"0", "false", "off"})


@dataclass(slots=True)
class Aside:
    """What a paragraph or table refers to and where it stands: text boxes, and notes as (kind, id)."""

    boxes: list[Element] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


def text_of(element: Element, aside: Aside, mark: Callable[[str, str], str]) -> str:
    """Return the text; mark(kind, id) gives what stands for a note's reference."""
    parts: list[str] = []
    _collect(element, parts, aside, mark)
    return "".join(parts)


def _collect(element: Element, parts: list[str], aside: Aside, mark: Callable[[str, str], str]) -> None:
    for child in element:
        name = local(child)
        if name == "t":
            parts.append(child.text or "")
        elif name in _CHARACTERS:
            parts.append(_CHARACTERS[name])
        elif name in _NOTES:
            note = _NOTES[name], value(child, "id") or ""
            aside.notes.append(note)
            parts.append(mark(*note))
        elif name == "txbxContent":
            aside.boxes.append(child)
        elif name not in _SKIPPED and not (name == "r" and _is_hidden(child)):
            _collect(child, parts, aside, mark)


def _is_hidden(run: Element) -> bool:
    vanish = run.find("{*}rPr/{*}vanish")
    return vanish is not None and value(vanish) not in _OFF
