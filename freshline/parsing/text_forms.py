"""Which form a text has, by its beginning: for content that nobody named. Knows no binary format and no names.

Each test is a rule with a reason to say no: a text that fits none is plain text, and nothing is lost then.
"""

import csv
import itertools
import re

from freshline.parsing import json_values
from freshline.parsing import media_types as types

_BEGINNING = 65_536
#: WHATWG MIME sniffing, section 7.1, but for what Markdown files begin with too (<h1 align=…>, <p>, <a>, <img>).
_PAGE = re.compile(r"<(?:!doctype\s+html|html|head|body|title|meta)[\s>/]", re.IGNORECASE)
#: What may stand before it, and where each ends.
_PROLOGUE = (("<?xml", ">"), ("<!--", "-->"))
#: A field's name and colon (RFC 5322, section 2.2).
_FIELD = re.compile(r"([!-9;-~]{1,76}):[ \t]?\S?")
#: Beside From:, one of these; a text of the form "From: … To: …" is more often a note.
_MESSAGE_FIELDS = frozenset({"date", "message-id", "mime-version", "received"})
_MARKDOWN_LINE = re.compile(r"^(?:#{1,6}[ \t]+\S|```|~~~)", re.MULTILINE)
_MARKDOWN_LINK = re.compile(r"\]\(\S")
_DIRECTIVE = re.compile(r"^\.\. (?:[\w-]+::|_[^\n:]+:|\|[^\n|]+\| [\w-]+::)", re.MULTILINE)
_UNDERLINED = re.compile(r"^(\S[^\n]*)\n(([=\-~^\"'*+#`:.])\3{2,})[ \t]*$", re.MULTILINE)
_SHEBANG_CHARACTERS = 256
_SHEBANG = re.compile(r"#![ \t]*\S*?(?:/env[ \t]+(?:-S[ \t]+)?)?([a-z]+)[\d.]*(?:\s|$)")
_INTERPRETERS = {
    "python": "text/x-python",
    "node": "text/javascript",
    "ruby": "text/x-ruby",
    "php": "text/x-php",
    **dict.fromkeys(("sh", "bash", "zsh", "dash", "ksh"), "application/x-sh"),
}
#: Lines that hardly stand in prose. Two of them, and no fence (a manual quotes code): else a comment is a heading.
_SOURCE_LINES = {
    media_type: re.compile(pattern, re.MULTILINE)
    for media_type, pattern in {
        "text/x-python": r"^(?:from [\w.]+ import [\w(*]|import [\w.]+(?: as \w+)?$|"
        r"(?:async )?def \w+\(|class \w+[(:])",
        "text/x-c": r"^#(?:include [<\"]|if(?:n?def)? \w|define \w)",
        "text/x-java-source": r"^(?:package|import(?: static)?) [\w.]+(?:\.\*)?;$",
        "text/javascript": r"^(?:import .{1,200} from ['\"]|(?:const|var|let) \w+ = |export (?:default|const|class) )",
        "text/x-go": r"^(?:package \w+$|import \($|func [\w(])",
    }.items()
}
_FENCE = re.compile(r"^(?:```|~~~)", re.MULTILINE)
#: Rows that are looked at, the least that make a table, characters of a column's name at most.
_ROWS, _LEAST_ROWS, _LABEL = 50, 3, 60
#: Delimiter -> columns that a table has at least: a comma in each line is no table yet.
_DELIMITERS = {"\t": 2, ",": 3, ";": 3, "|": 3}


def beginning(content: bytes) -> str:
    """Return the first 64 KiB as text, LF as line end, bytes that are not UTF-8 replaced."""
    text = content[:_BEGINNING].decode("utf-8-sig", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def media_type(content: bytes, text: str) -> str:
    """Return the form of a text that is neither page nor message; text = beginning(content)."""
    return (
        _interpreted_type(text)
        or json_type(content)
        or _source_type(text)
        or _markup_type(text)
        or _table_type(text, cut=len(content) > _BEGINNING)
        or types.PLAIN
    )


def is_page(text: str) -> bool:
    """Whether a text begins as a page of HTML does: comments and XML's declaration may stand before."""
    text, before = text.lstrip(), ""
    while text != before:
        before = text
        for opened, closed in _PROLOGUE:
            if text.startswith(opened):
                text = text.partition(closed)[2].lstrip()
    return _PAGE.match(text) is not None


def is_message(text: str) -> bool:
    """Whether a text begins with the header fields of an e-mail and an empty line."""
    head, end, _ = text.partition("\n\n")
    lines = head.split("\n")
    if lines[0].startswith("From "):  # as mailboxes separate messages
        lines = lines[1:]
    fields = [_FIELD.match(line) for line in lines if not line.startswith((" ", "\t"))]
    names = {field[1].lower() for field in fields if field}
    return bool(end) and None not in fields and "from" in names and bool(names & _MESSAGE_FIELDS)


def json_type(content: bytes) -> str | None:
    """Return JSON for one object or array, JSON Lines for at least two, a line each."""
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        return None
    text = content.decode("utf-8-sig", errors="replace")
    if json_values.is_json(text):
        return types.JSON
    return types.JSON_LINES if json_values.is_json_lines(text) else None


def _interpreted_type(text: str) -> str | None:
    found = _SHEBANG.match(text[:_SHEBANG_CHARACTERS])
    return _INTERPRETERS.get(found[1], types.PLAIN) if found else None


def _markup_type(text: str) -> str | None:
    if _DIRECTIVE.search(text):
        return types.RST
    if _MARKDOWN_LINE.search(text):
        return types.MARKDOWN
    return types.RST if _is_underlined(text) else None


def _source_type(text: str) -> str | None:
    if _FENCE.search(text) is None:
        for media_type, pattern in _SOURCE_LINES.items():
            if len(list(itertools.islice(pattern.finditer(text), 2))) > 1:
                return media_type
    return None


def _is_underlined(text: str) -> bool:
    """Whether two titles stand over lines of their length, and no link is Markdown's."""
    titles = [found for found in _UNDERLINED.finditer(text) if len(found[2]) >= len(found[1].rstrip())]
    return len(titles) > 1 and _MARKDOWN_LINK.search(text) is None


def _table_type(text: str, *, cut: bool) -> str | None:
    lines = list(itertools.islice(filter(str.strip, text.split("\n")), _ROWS + 1))
    lines = lines[:-1] if cut or len(lines) > _ROWS else lines
    for delimiter, least in _DELIMITERS.items():
        if len(lines) >= _LEAST_ROWS and _is_table(lines, delimiter, least):
            return types.TSV if delimiter == "\t" else types.CSV
    return None


def _is_table(lines: list[str], delimiter: str, least: int) -> bool:
    """Whether each row has as many cells as the first, whose cells are names: short, distinct, no end of a sentence."""
    try:
        header, *rows = csv.reader(lines, delimiter=delimiter, strict=True)
    except csv.Error:
        return False
    names = {name.strip() for name in header}
    named = len(names) == len(header) and all(_is_name(name) for name in names)
    return named and len(header) >= least and all(len(row) == len(header) for row in rows)


def _is_name(cell: str) -> bool:
    return 0 < len(cell) <= _LABEL and not cell.endswith((".", "!", "?"))
