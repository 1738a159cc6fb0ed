"""text/markdown: CommonMark with tables and strikethrough, by markdown-it-py.

Readable text: link texts, code and alternative texts stay; comments, tags and front matter go; list items begin
with "- " or their number; a table row is a line, each cell behind its column's name. The title is the front matter's,
else the first heading of level 1. A document over the limits below is taken as plain text, whole.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from freshline.parsing.html_text import html_text
from freshline.parsing.inline import Inline
from freshline.parsing.outline import Outline
from freshline.parsing.plain import plain_document
from freshline.parsing.port import ParsedDocument
from freshline.parsing.rows import one_line
from freshline.parsing.text import decode, refuse_empty

#: The parser costs about 15 µs a line, link definitions 70 µs: 50,000 lines stay under 4 s.
MAX_LINES = 50_000
#: Levels of lists and quotes; deeper text would be lost by the parser. A list is two levels.
MAX_NESTING = 60

_FRONT_MATTER = re.compile(r"---[ \t]*\n(?=[\w-]+[ \t]*:)((?:.*\n){0,200}?)(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_TITLE = re.compile(r"^title[ \t]*:[ \t]*(.+?)[ \t]*$", re.MULTILINE | re.IGNORECASE)


def parse_markdown(content: bytes) -> ParsedDocument:
    """Return text, title and sections with heading paths. Raises Rejected."""
    source = decode(content)
    title, body = _split_front_matter(source)
    if body.count("\n") > MAX_LINES:
        return plain_document(source)
    env: dict[str, Any] = {}
    tokens = _blocks().parse(body, env)
    if any(token.nesting == 1 and token.level + 1 >= MAX_NESTING for token in tokens):
        return plain_document(source)
    document = _Walk(env).document(tokens, title)
    refuse_empty(document.text)
    return document


@cache
def _blocks() -> MarkdownIt:
    """Return the parser of block structure; inline text is parsed run by run, under limits of its own."""
    options = {"html": True, "maxNesting": MAX_NESTING}
    markdown = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    markdown.core.ruler.enableOnly(["normalize", "block"])
    return markdown


def _split_front_matter(source: str) -> tuple[str | None, str]:
    found = _FRONT_MATTER.match(source)
    if found is None:
        return None, source
    title = _TITLE.search(found[1])
    return (title[1].strip("\"'") or None) if title else None, source[found.end() :]


class _Walk:
    """One pass over the tokens of one document."""

    def __init__(self, env: dict[str, Any]) -> None:
        self._inline = Inline(_blocks(), env)
        self._outline = Outline()
        self._prefix = ""

    def document(self, tokens: list[Token], title: str | None) -> ParsedDocument:
        pending = iter(tokens)
        for token in pending:
            self._take(token, pending)
        return self._outline.finish(title)

    def _take(self, token: Token, pending: Iterator[Token]) -> None:
        match token.type:
            case "heading_open":
                self._outline.heading(int(token.tag[1]), self._line(next(pending)))
            case "paragraph_open":
                self._block(self._inline.text(next(pending).content), "\n" if token.hidden else "\n\n")
            case "list_item_open":
                self._prefix = f"{token.info}{token.markup} " if token.info else "- "
            case "fence" | "code_block":
                self._code(token.content.strip("\n"))
            case "html_block":
                self._block(html_text(token.content), "\n\n")
            case "table_open":
                self._table(pending)

    def _table(self, pending: Iterator[Token]) -> None:
        cells: list[str] = []
        rows: list[list[str]] = []
        for token in pending:
            if token.type == "inline":
                cells.append(self._line(token))
            elif token.type == "tr_close":
                rows.append(cells)
                cells = []
            elif token.type == "table_close":
                break
        header, *body = rows
        self._outline.table(header, body)

    def _code(self, text: str) -> None:
        self._outline.code(text)
        self._prefix = ""

    def _block(self, text: str, separator: str) -> None:
        if text.strip():
            self._outline.block(self._prefix + text, separator)
            self._prefix = ""

    def _line(self, token: Token) -> str:
        return one_line(self._inline.text(token.content))
