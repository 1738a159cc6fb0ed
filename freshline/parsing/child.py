"""The process that parses: `python -m freshline.parsing.child TABLE MEMORY`, one document after another.

TABLE is a module with `parser_for(media_type) -> Parser`, MEMORY the bytes of address space. Speaks
freshline.parsing.frames on its stdin and stdout; what libraries print goes nowhere, since it may hold the
document's text. Imports no more than the parsers that it is asked for.
"""

import importlib
import os
import sys
from collections.abc import Callable
from typing import BinaryIO

from freshline.parsing import frames
from freshline.parsing.confine import confine, held_memory, limited
from freshline.parsing.port import ParsedDocument, Parser
from schemas.reject import Rejected

#: A process ends after this many documents: libraries leak a little.
DOCUMENTS = 1000
#: A process that holds this share of its memory after a document ends: it has leaked or cannot give back.
SHARE = 1 / 2

ParserFor = Callable[[str], Parser]


def main(argv: list[str]) -> int:
    """Serve until the owner closes the pipe."""
    table, memory = argv[0], int(argv[1])
    tasks, replies = _pipes()
    try:
        parser_for: ParserFor = importlib.import_module(table).parser_for
        confine(memory)
    except Exception as error:  # noqa: BLE001 - the owner shows it, whatever it is
        _say(replies, frames.Fault(f"{type(error).__name__}: {error}"))
        return 1
    _say(replies, frames.Ready())
    return _serve(parser_for, tasks, replies, memory)


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return the pipes from and to the owner, moved away from where libraries read and print."""
    tasks, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    return tasks, replies


def _serve(parser_for: ParserFor, tasks: BinaryIO, replies: BinaryIO, memory: int) -> int:
    served = 0
    while (task := frames.read_task(tasks)) is not None:
        served += 1
        try:
            parser = parser_for(task.media_type)
        except ImportError as error:
            if served == 1:  # later it may be for want of memory: a fresh process will know
                _say(replies, frames.Fault(f"no parser for {task.media_type}: {error}"))
            return 1
        with limited(task.seconds, tasks.fileno()):
            outcome = _outcome(parser, task.content)
        last = served >= DOCUMENTS or held_memory() > memory * SHARE
        _say(replies, _reply(outcome, last=last))
    return 0


def _outcome(parser: Parser, content: bytes) -> ParsedDocument | Rejected:
    try:
        return parser(content)
    except Rejected as reason:
        return reason
    except MemoryError:
        return Rejected("parse_crashed", "more memory than limits.parse_memory allows")
    except Exception as error:  # noqa: BLE001 - a library's own fault at these bytes costs these bytes
        return Rejected("unparseable", type(error).__name__)


def _reply(outcome: ParsedDocument | Rejected, *, last: bool) -> frames.Reply:
    if isinstance(outcome, Rejected):
        return frames.Refused(outcome.code, outcome.detail, last)
    return frames.Parsed(outcome, last)


def _say(replies: BinaryIO, frame: frames.Reply) -> None:
    replies.write(frames.encode(frame))
    replies.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
