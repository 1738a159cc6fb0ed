"""The main job through the public clients only: publish, ask, edit, ask, delete, ask. Knows no stack and no screen."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from freshline.client import Asker, Producer, wait_until_durable
from freshline.coverage import Coverage, merge, missing
from freshline.demo.figures import Change, Told
from freshline.demo.questions import CHANGING, FIRST_FACT, SECOND_FACT, Asked, changing_document
from freshline.errors import TransientError
from freshline.parsing.registry import parse
from schemas.messages import DocumentEvent, Response
from schemas.reject import Rejected

#: Seconds that one answer may take, waiting for a change included.
PATIENCE = 60.0
_LOOK_EVERY = 0.5

#: (records answerable, records published)
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Story:
    """Remembers what it published, so that it can check what is cited."""

    producer: Producer
    asker: Asker
    content: Callable[[DocumentEvent], bytes]
    _published: dict[tuple[str, str], DocumentEvent] = field(default_factory=dict)

    def size(self, event: DocumentEvent) -> int:
        """Return the bytes of a document, 0 for one that will be refused."""
        try:
            return len(self.content(event))
        except Rejected:
            return 0

    def publish(self, events: Iterable[DocumentEvent]) -> Coverage:
        """Publish and return what must be covered to see all of it."""
        events = list(events)
        ends: Coverage = {}
        for event, position in zip(events, self.producer.publish_many(events), strict=True):
            self._published[event.collection, event.doc_id] = event
            ends = merge(ends, position.seen)
        return ends

    def wait_until_answerable(self, ends: Coverage, within: float, progress: Progress) -> None:
        """Ask until as_of covers `ends`. Raises TransientError naming what is missing after `within` seconds."""
        total = _count(ends)
        deadline = time.monotonic() + within
        while True:
            response = self.asker.ask("progress", generate=False, k=1, timeout=PATIENCE)
            left = missing(response.as_of.coverage if response.as_of else {}, ends)
            progress(total - _count(left), total)
            if not left:
                return
            if time.monotonic() > deadline:
                raise TransientError(f"not answerable within {within:g} s: {left}")
            time.sleep(_LOOK_EVERY)

    def ask(self, asked: Asked) -> Told:
        """Ask one question."""
        collections = (asked.collection,) if asked.collection else None
        return self._told(asked.text, lambda: self.asker.ask(asked.text, collections=collections))

    def publish_edition(self, edition: int) -> Change:
        """Publish the changing document and ask at once for an answer that has seen it."""
        fact = (FIRST_FACT, SECOND_FACT)[edition]
        started = time.monotonic()
        ends = self.publish([changing_document(edition)])
        told = self._ask_after(ends)
        seconds = time.monotonic() - started
        quotes = " ".join(citation.quote for citation in told.response.citations)
        return Change(
            name=("published", "edited")[edition],
            seconds=seconds,
            durable_seconds=self._durable(ends, started),
            proven=fact in quotes and told.verified,
            told=told,
        )

    def delete(self) -> Change:
        """Delete the changing document and ask at once: the answer must be an abstention."""
        document = changing_document(0)
        started = time.monotonic()
        position = self.producer.delete(document.collection, document.doc_id)
        told = self._ask_after(position.seen)
        seconds = time.monotonic() - started
        return Change(
            name="deleted",
            seconds=seconds,
            durable_seconds=self._durable(position.seen, started),
            proven=told.response.status == "abstained",
            told=told,
        )

    def _durable(self, ends: Coverage, started: float) -> float:
        """Return the seconds since `started` once an answer's stamp says that the lake has it."""
        wait_until_durable(self.asker, ends, timeout=PATIENCE)
        return time.monotonic() - started

    def _ask_after(self, ends: Coverage) -> Told:
        return self._told(CHANGING, lambda: self.asker.ask(CHANGING, min_offsets=ends, timeout=PATIENCE))

    def _told(self, question: str, ask: Callable[[], Response]) -> Told:
        started = time.monotonic()
        response = ask()
        return Told(
            question=question,
            response=response,
            seconds=time.monotonic() - started,
            verified=self._verified(response),
        )

    def _verified(self, response: Response) -> bool:
        """Whether each quote is, literally, the published document's extracted text at the cited span."""
        for citation in response.citations:
            event = self._published.get((citation.collection, citation.doc_id))
            if event is None:
                return False
            text = parse(self.content(event), event.content_type, name=event.doc_id).text
            if text[citation.start : citation.end] != citation.quote:
                return False
        return True


def _count(offsets: Coverage) -> int:
    return sum(sum(partitions.values()) for partitions in offsets.values())
