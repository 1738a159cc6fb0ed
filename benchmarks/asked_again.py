"""Freshline asked as an engine is asked that cannot be told what an answer must see: again and again until it does.

What a question that names its offset gains over this one is what waiting at the worker saves; what this one is
compared with is Pathway, whose probes are asked in the very same way.
"""

import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Timer

from benchmarks.engines import AGAIN, Found, Freshline, asking_for, holds
from freshline.client import Published
from freshline.errors import TransientError
from freshline.ids import document_key
from schemas.messages import DocumentEvent, Response

_WITHIN = 60.0  # seconds until a probe counts as missed


@dataclass
class _Probe:
    """A document that is asked for until it is found."""

    engine: Freshline
    event: DocumentEvent
    sent: float
    began: float
    published: Published
    asked: float = 0.0
    found: "Future[Found]" = field(default_factory=Future)

    def ask(self) -> None:
        self.asked = time.time()
        self.engine.submit(asking_for(self.event)).add_done_callback(self._look)

    def _look(self, answer: "Future[Response]") -> None:
        seconds = time.monotonic() - self.began
        if error := answer.exception():
            self.found.set_exception(error)
        elif holds(answer.result(), self.event):
            self.found.set_result(self._of(answer.result(), seconds))
        elif seconds > _WITHIN:
            self.found.set_exception(TransientError(f"{self.event.doc_id} was not found in {_WITHIN:g} s"))
        else:
            again = Timer(AGAIN, self.ask)
            again.daemon = True
            again.start()

    def _of(self, response: Response, seconds: float) -> Found:
        return Found(
            key=document_key(self.event.collection, self.event.doc_id),
            seconds=seconds,
            sent=self.sent,
            asked=self.asked,
            answered=time.time(),
            published=self.published,
            response=response,
        )


class AskedAgain:
    """The same engine but for its probes; see benchmarks.engines.Engine."""

    def __init__(self, engine: Freshline) -> None:
        self._engine = engine
        self.name = engine.name

    def ingest(self, events: Sequence[DocumentEvent], chunks: int) -> float:
        """See Engine."""
        return self._engine.ingest(events, chunks)

    def publish(self, events: Sequence[DocumentEvent]) -> None:
        """See Engine."""
        self._engine.publish(events)

    def drain(self) -> None:
        """See Engine."""
        self._engine.drain()

    def probe(self, event: DocumentEvent) -> "Future[Found]":
        """See Engine: the next question 30 ms after each answer without the document."""
        sent, began = time.time(), time.monotonic()
        one = _Probe(self._engine, event, sent, began, self._engine.keep(event))
        one.ask()
        return one.found

    def ask(self, text: str) -> "Future[object]":
        """See Engine."""
        return self._engine.ask(text)

    @property
    def pids(self) -> Sequence[int]:
        """See Engine."""
        return self._engine.pids
