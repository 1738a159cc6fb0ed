"""Source code and configuration: the whole text, unchanged, of which each line is a unit.

The heading path is the definition that a line belongs to: what begins at the start of a line ("class Tea"), and in
Python the methods of a class. Found by one pattern a line, without a grammar: a file that does not compile, of any
version of its language, is read the same, in time linear in its length. A language without a pattern has no headings.

    class Tea:            section under ("class Tea",)
        x = 1
        def pour(self):   section under ("class Tea", "def pour")
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from freshline.parsing.port import ParsedDocument, Section
from freshline.parsing.text import decode

#: Characters of a heading; definitions of one document at most: what follows belongs to the last.
_MAX_HEADING, _MAX_DEFINITIONS = 120, 10_000

_OF_JAVA = r"(?:(?:public|private|protected|internal|static|final|abstract|sealed|open|data|case|partial) )*"
_PATTERNS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        language: re.compile(pattern, re.MULTILINE)
        for language, pattern in {
            "python": r"^(    |\t|)(?:async )?((?:class|def) \w+)",
            "javascript": r"^()(?:export )?(?:default )?(?:async )?((?:function\*?|class|interface|enum) \w+)",
            "java": rf"^(){_OF_JAVA}((?:class|interface|enum|record|object|trait|struct) \w+)",
            "c": r"^()(?:typedef )?((?:struct|union|enum|class|namespace) \w+)",
            "go": r"^()((?:func(?: \([\w*\[\], ]+\))?|type) \w+)",
            "rust": r"^()(?:pub(?:\([\w: ]+\))? )?(?:async |unsafe |const )?"
            r"((?:fn|struct|enum|trait|mod|impl)\b[^{;(\n]*)",
            "ruby": r"^()((?:class|module|def) [\w.:?!]+)",
            "php": r"^()(?:abstract |final )?((?:class|interface|trait|enum|function) \w+)",
            "shell": r"^()((?:function )?[\w-]+ ?\(\))",
            "sql": r"^()((?i:create)(?: \w+){1,3}(?: [\w.\"]+))",
            "ini": r"^()(\[{1,2}[^\]\n]+\]{1,2})",
            "yaml": r"^()([\w.-]+:)(?=\s)",
        }.items()
    }
)


def parse_source(content: bytes, *, language: str = "none") -> ParsedDocument:
    """Return the text with a section for each definition. Raises Rejected."""
    text = decode(content)
    sections = tuple(_sections(text, _PATTERNS.get(language)))
    return ParsedDocument(text, sections, None, tuple((section.start, section.end) for section in sections))


def _sections(text: str, pattern: re.Pattern[str] | None) -> Iterator[Section]:
    """Yield what stands between two definitions, white space at its ends left out."""
    start = 0
    path: tuple[str, ...] = ()
    for number, found in enumerate(pattern.finditer(text) if pattern else ()):
        if number == _MAX_DEFINITIONS:
            break
        yield from _section(text, start, found.start(), path)
        start, path = found.start(), _below(path, found)
    yield from _section(text, start, len(text), path)


def _below(path: tuple[str, ...], found: re.Match[str]) -> tuple[str, ...]:
    heading = found[2].strip()[:_MAX_HEADING]
    return (path[0], heading) if found[1] and path else (heading,)


def _section(text: str, start: int, end: int, path: tuple[str, ...]) -> Iterator[Section]:
    body = text[start:end]
    start, end = end - len(body.lstrip()), start + len(body.rstrip())
    if start < end:
        yield Section(start, end, path)
