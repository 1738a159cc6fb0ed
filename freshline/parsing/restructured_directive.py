"""A directive that docutils does not know (Sphinx has hundreds), as its parts; knows no tree.

.. versionadded:: 3.2          Directive("versionadded", "3.2", (), "Text of it.")
   Text of it.
"""

import re
import textwrap
from dataclasses import dataclass

_FIRST = re.compile(r"\.\.[ \t]+(?:\|[^|]*\|[ \t]+)?([^\s:][\w:.+-]*?)[ \t]?::(?:[ \t]+|$)(.*)")
_OPTION = re.compile(r"[ \t]*:([\w-]+):(?:[ \t]+(.*)|$)")
#: Directives whose content is code, whichever program knows them.
_CODE = frozenset(
    {"code", "code-block", "sourcecode", "prompt", "doctest", "testcode", "testoutput", "productionlist"}
)
#: What is no text of this document: other files, raw markup of an output format, instructions to a program.
_NO_TEXT = frozenset(
    {"include", "raw", "literalinclude", "highlight", "meta", "currentmodule", "default-role"}
)


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive: its name, what stands behind the name, captions, and the content without its indent."""

    name: str
    arguments: str
    captions: tuple[str, ...]
    content: str

    @property
    def is_code(self) -> bool:
        """Whether the content is to be read as it stands."""
        return self.name in _CODE

    @property
    def is_text(self) -> bool:
        """Whether it holds text of the document."""
        return self.name not in _NO_TEXT


def read_directive(source: str) -> Directive | None:
    """Return the parts of a directive; None for what is none."""
    first, _, below = source.partition("\n")
    found = _FIRST.match(first)
    if found is None:
        return None
    lines = textwrap.dedent(below).split("\n")
    captions: list[str] = []
    while lines and (option := _OPTION.match(lines[0])):
        if option[1] == "caption" and option[2]:
            captions.append(option[2])
        lines.pop(0)
    return Directive(found[1].lower(), found[2].strip(), tuple(captions), "\n".join(lines).strip("\n"))
