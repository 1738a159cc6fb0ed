"""application/json and JSON Lines: values as lines that can be read alone, "path.to.key: value".

    {"name": "Ada", "born": {"year": 1815}, "posts": [{"at": "Turin", "pay": 9}]}

    name: Ada
    born.year: 1815
                            <- heading "posts"
    at: Turin | pay: 9

An array of flat objects is a table under its path. Numbers and words stay as written, strings literally; a string
of several lines or over 200 characters is a paragraph. null and "" say nothing and are left out. The title is the
first text under "title", else under "name", of the outermost object. Of JSON Lines each line is a record.
"""

from typing import Any

from freshline.parsing.json_values import load
from freshline.parsing.outline import Outline
from freshline.parsing.port import ParsedDocument
from freshline.parsing.rows import one_line
from freshline.parsing.text import decode, refuse_empty
from schemas.reject import Rejected

#: Characters of a key that are repeated in each line below it.
_KEY = 60
_LONG = 200
#: Columns of a table at most: an array whose objects share no key is no table.
_COLUMNS = 200
#: Headings begin at 2: the title is none of the paths.
_LEVEL = 2


def parse_json(content: bytes) -> ParsedDocument:
    """Return the values as lines and tables. Raises Rejected."""
    root = _load(decode(content))
    walk = _Walk()
    walk.value("", root)
    document = walk.outline.finish(_title(root))
    refuse_empty(document.text)
    return document


def _load(text: str) -> Any:
    """Return the one value, else the list of the lines' values."""
    try:
        return load(text)
    except Rejected as refused:
        lines = [line for line in text.split("\n") if line.strip()]
        if refused.code == "too_deep" or len(lines) < 2:  # noqa: PLR2004 - one line is no JSON Lines
            raise
        return _load_lines(lines, refused)


def _load_lines(lines: list[str], refused: Rejected) -> list[Any]:
    try:
        return [load(line) for line in lines]
    except Rejected:
        raise refused from None


def _title(root: Any) -> str | None:
    if isinstance(root, tuple):
        for wanted in ("title", "name"):
            for key, value in root:
                if key.lower() == wanted and isinstance(value, str):
                    return value
    return None


class _Walk:
    """One pass over the values of one document, in order."""

    def __init__(self) -> None:
        self.outline = Outline()

    def value(self, path: str, value: Any) -> None:
        """Add a value under its path."""
        if isinstance(value, tuple):
            for key, below in value:
                self.value(f"{path}.{key[:_KEY]}" if path else key[:_KEY], below)
        elif isinstance(value, list):
            self._array(path, value)
        elif (text := _scalar(value)) and ("\n" in text or len(text) > _LONG):
            self.outline.block(f"{path}: {text}" if path else text)
        elif text:
            self.outline.code(f"{path}: {one_line(text)}" if path else text, "\n")

    def _array(self, path: str, items: list[Any]) -> None:
        if header := _header(items):
            self.outline.heading(_LEVEL, path)
            rows = map(dict, items)
            self.outline.table(header, ([_scalar(row.get(name)) for name in header] for row in rows))
            self.outline.heading(_LEVEL, "")  # what follows is not below it
        elif not any(isinstance(item, tuple | list) for item in items):
            self.value(path, ", ".join(filter(None, map(_scalar, items))))
        else:
            for number, item in enumerate(items, 1):
                self.value(f"{path}.{number}" if path else str(number), item)


def _header(items: list[Any]) -> list[str]:
    """Return the keys of flat objects in order of appearance; [] where the items are no table."""
    names: dict[str, None] = {}
    for item in items:
        if not isinstance(item, tuple) or len({key for key, _ in item}) < len(item) or not _is_flat(item):
            return []
        names.update(dict.fromkeys(key for key, _ in item))
        if len(names) > _COLUMNS:
            return []
    return list(names)


def _is_flat(pairs: tuple[tuple[str, Any], ...]) -> bool:
    texts = (value for _, value in pairs if isinstance(value, str))
    return not any(isinstance(value, tuple | list) for _, value in pairs) and all(
        len(text) <= _LONG and "\n" not in text for text in texts
    )


def _scalar(value: str | bool | None) -> str:
    """Return a text or number as written, true and false as words, "" for null."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value or ""
