"""A parser over XML that anybody may have written raises nothing but Rejected."""

import functools

from freshline.parsing.port import ParsedDocument, Parser
from schemas.reject import Rejected


def total(parser: Parser) -> Parser:
    """Make what a parser stumbles over `unparseable`; want of memory stays what it is: it is no word on the content."""

    @functools.wraps(parser)
    def parse(content: bytes) -> ParsedDocument:
        try:
            return parser(content)
        except (Rejected, MemoryError):
            raise
        except Exception as error:
            raise Rejected("unparseable", f"the parser stumbled: {type(error).__name__}") from error

    return parse
