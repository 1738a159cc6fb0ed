"""Thousands of histories through decoding, clocks and the fold, without files: which state is live after every batch.

The same histories through the whole of the stream's code are fewer: tests/integration/test_document_histories.py.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from freshline.chunking.port import Chunk
from freshline.index.keyfold import Kept, KeyFold
from freshline.ingest.accept import Acceptor
from freshline.ingest.content import ContentReader
from freshline.ingest.record import Clocks, RawRecord, RunningClocks
from freshline.ingest.rows import segment_states
from freshline.ingest.state import Reject, State
from freshline.parsing.plain import parse_plain
from freshline.parsing.port import ParsedDocument
from freshline.settings import CollectionsSettings, LimitSettings
from streaming.origin import raised_clocks
from tests.support.histories import play
from tests.support.history_steps import Step, histories


class Whole:
    """A chunker that does not cut."""

    name = "whole"

    def __call__(self, document: ParsedDocument, title: str | None) -> list[Chunk]:  # noqa: ARG002 - a port
        return [Chunk(0, 0, len(document.text), "", None, document.text)]


def parse_text(content: bytes, content_type: str | None, *, name: str = "") -> ParsedDocument:  # noqa: ARG001 - a port
    return parse_plain(content)


ACCEPTOR = Acceptor(
    CollectionsSettings(), LimitSettings(), Whole(), parse_text, ContentReader(LimitSettings())
)


class Folds:
    """See tests.support.histories.System."""

    def __init__(self) -> None:
        self.clocks: Clocks = {}
        self.segments: list[list[State]] = []
        self.letters: Counter[tuple[int, int]] = Counter()
        self.restart()

    def restart(self) -> None:
        """Fold everything anew, the newest segment first: order must not matter."""
        self.fold = KeyFold()
        self.live: dict[str, State] = {}
        for number in reversed(range(len(self.segments))):
            self._add(number)

    def grow(self, partitions: int) -> None:
        """Nothing to know: a new partition's clock begins with its first record."""

    def anew(self, partitions: int) -> None:
        """As Steps.restart does."""
        self.clocks = raised_clocks(self.clocks, "documents", range(partitions))

    def compact(self, *_: object) -> None:
        """Left to the files."""

    def batch(self, records: Sequence[RawRecord], *_: object) -> None:
        """Two tasks, as Spark would cut the batch; what died before the decision leaves nothing."""
        read: dict[int, int] = {}
        for task in (0, 1):
            clocks = RunningClocks(self.clocks)
            mine = [record for record in records if record.partition % 2 == task]
            outcomes = [ACCEPTOR.accept(record, clocks.advance(record)) for record in mine]
            states = [outcome for outcome in outcomes if isinstance(outcome, State)]
            self._tell(outcomes)
            read |= clocks.seen.get("documents", {})
            if states:
                self.segments.append(states)
                self._add(len(self.segments) - 1)
        self.clocks = {"documents": {**self.clocks.get("documents", {}), **read}}

    def check(self, expected: dict[str, Any], letters: Counter[tuple[int, int]], now: datetime) -> None:
        """Compare contents and letters."""
        told = {
            key: (state.content or b"").decode()
            for key, state in self.live.items()
            if state.event and not (state.event.expires_at and state.event.expires_at <= now)
        }
        assert told == {key: event["content"] for key, event in expected.items()}
        assert self.letters == letters

    def _tell(self, outcomes: Sequence[State | Reject]) -> None:
        for one in outcomes:
            if isinstance(one, Reject) or one.letter:
                self.letters[one.record.partition, one.record.offset] += 1

    def _add(self, number: int) -> None:
        before: dict[str, Kept | None] = {}
        self.fold.add(number, segment_states(self.segments[number]), before)
        for was, now in self.fold.changes(before):
            if was:
                self.live.pop(self._state(was).key, None)
            if now:
                state = self._state(now)
                self.live[state.key] = state

    def _state(self, kept: Kept) -> State:
        return self.segments[kept.place.segment][kept.place.state]


@pytest.mark.timeout(400)  # half a minute, more where others work too
@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_the_fold_holds_what_the_oracle_says(history: list[Step]) -> None:
    play(history, Folds())
