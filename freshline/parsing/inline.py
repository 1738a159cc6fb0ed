"""The readable text of one Markdown paragraph, heading or cell.

Emphasis marks go, link texts, code and the images' alternative texts stay, HTML tags and comments go.
A run over the limits below keeps its marks: some runs of brackets cost a parser time that grows with their square.
"""

from collections.abc import MutableMapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from freshline.parsing.html_text import html_text

#: Limits of one run. At both limits the worst input found takes about 0.05 s.
MAX_CHARACTERS = 20_000
MAX_BRACKETS = 1_000


def inline_text(markdown: MarkdownIt, source: str, env: MutableMapping[str, Any]) -> str:
    """Return the text of `source`; `env` holds the document's link definitions."""
    if len(source) > MAX_CHARACTERS or source.count("[") > MAX_BRACKETS:
        return source
    tokens: list[Token] = []
    markdown.inline.parse(source, markdown, env, tokens)
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
