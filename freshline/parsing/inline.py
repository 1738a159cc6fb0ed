"""The readable text of one Markdown paragraph, heading or cell.

Emphasis marks go, link texts, code and the images' alternative texts stay, HTML tags and comments go.
A run over the limits below keeps its marks: some runs of brackets cost a parser time that grows with their
square.
"""

from collections.abc import MutableMapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from freshline.parsing.html_text import html_text

#: Limit of one run in characters; the worst input found then costs .06 s.
MAX_CHARACTERS = 20_000
#: Limit of one document: the sum over its runs of (opening brackets)². One unit cost .44 µs: about 2 s in all.
#: A run of 100 links is 10,000, so a page of 400 such runs is still read.
MAX_WORK = 4_000_000


class Inline:
    """The runs of one document, in order: what they may cost together is bounded."""

    def __init__(self, markdown: MarkdownIt, env: MutableMapping[str, Any]) -> None:
        self._markdown = markdown
        self._env = env  # the document's link definitions
        self._left = MAX_WORK

    def text(self, source: str) -> str:
        """Return the text of one run."""
        work = source.count("[") ** 2
        if len(source) > MAX_CHARACTERS or work > self._left:
            return source
        self._left -= work
        tokens: list[Token] = []
        self._markdown.inline.parse(source, self._markdown, self._env, tokens)
        return _text(tokens).strip()


def _text(tokens: Sequence[Token]) -> str:
    return "".join(map(_one, tokens))


def _one(token: Token) -> str:
    match token.type:
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "html_inline":
            return "\n" if token.content.lower().startswith("<br") else html_text(token.content)
        case "image":
            return _text(token.children or ())
        case _:
            return token.content
