"""Parsing at arm's length: a document that hangs, eats memory or kills its parser costs itself and nothing else.

Formats whose parsers are bounded by construction are parsed here; the others (registry.ISOLATED) go to one
long-lived process (freshline.parsing.child). Where it dies, the next one is started at once. Three rules:

1. Time is processor time, so that a busy machine refuses nothing (freshline.parsing.confine).
2. A death is a document's fault only in a process that had parsed nothing before: else it is tried once more in
   a fresh one, since an earlier document may have left the damage.
3. After a document that ran out of time those that follow have less, so that a thousand of them do not stop the
   stream for hours (freshline.parsing.patience).

Knows no format and no record.
"""

import threading

from freshline.parsing import frames
from freshline.parsing.detection import media_type_of
from freshline.parsing.patience import Patience
from freshline.parsing.port import ParsedDocument
from freshline.parsing.process import Died, ParsingProcess
from freshline.parsing.registry import ISOLATED, parser_for
from freshline.settings import LimitSettings
from schemas.reject import Rejected

_TABLE = "freshline.parsing.registry"


class IsolatedParser:
    """Content to parsed document under limits.parse_seconds, parse_memory and max_pages. Safe for threads."""

    def __init__(self, limits: LimitSettings) -> None:
        self._workshop = Workshop(limits)
        self._max_pages = limits.max_pages

    def start(self) -> None:
        """Start the process now, so that the first document does not wait for it."""
        self._workshop.start()

    def close(self) -> None:
        """End the process; another call starts another."""
        self._workshop.close()

    def __call__(self, content: bytes, content_type: str | None, *, name: str = "") -> ParsedDocument:
        """Return the parsed document. Raises Rejected; MissingPart where a library is not installed."""
        media_type = media_type_of(content, content_type, name)
        if media_type not in ISOLATED:
            return parser_for(media_type)(content)
        document = self._workshop.parse(content, media_type)
        pages = max((section.page or 0 for section in document.sections), default=0)
        if pages > self._max_pages:
            raise Rejected("too_large", f"text on page {pages}, at most {self._max_pages} pages")
        return document


class Workshop:
    """One parsing process after another. `table` is the module whose parsers they run."""

    def __init__(self, limits: LimitSettings, table: str = _TABLE) -> None:
        self._memory = limits.parse_memory
        self._patience = Patience(limits.parse_seconds)
        self._table = table
        self._lock = threading.Lock()
        self._process: ParsingProcess | None = None

    def start(self) -> None:
        """Start a process where none is alive."""
        with self._lock:
            self._alive()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            if self._process:
                self._process.close()

    def parse(self, content: bytes, media_type: str) -> ParsedDocument:
        """Return the parsed document. Raises Rejected, MissingPart."""
        with self._lock:
            outcome = self._fair(frames.Task(media_type, content, self._patience.seconds()))
            self._patience.note(ran_out=isinstance(outcome, Died) and not outcome.in_time)
        match outcome:
            case frames.Parsed(document):
                return document
            case frames.Refused(code, detail):
                raise Rejected(code, detail)
            case Died(in_time=True, how=how):
                raise Rejected("parse_crashed", how)
            case Died(how=how):
                raise Rejected("parse_timeout", how)

    def _fair(self, task: frames.Task) -> frames.Parsed | frames.Refused | Died:
        """Rule 2."""
        process = self._alive()
        first = process.asked == 0
        outcome = self._ask(process, task)
        return outcome if first or not _crashed(outcome) else self._ask(self._alive(), task)

    def _ask(self, process: ParsingProcess, task: frames.Task) -> frames.Parsed | frames.Refused | Died:
        outcome = process.ask(task)
        if isinstance(outcome, Died) or outcome.last:
            process.close()
            self._alive()  # it starts while the caller works on
        return outcome

    def _alive(self) -> ParsingProcess:
        if self._process is None or not self._process.alive():
            self._process = ParsingProcess(self._table, self._memory)
        return self._process


def _crashed(outcome: frames.Parsed | frames.Refused | Died) -> bool:
    match outcome:
        case Died(in_time=in_time):
            return in_time
        case frames.Refused(code):
            return code == "parse_crashed"
    return False
