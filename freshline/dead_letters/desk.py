"""One cluster's dead letters by topic, code, time or place: what the command line asks for.

Knows neither the command line nor how anything is shown.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from freshline.clock import Clock
from freshline.dead_letters.candidate import Kind
from freshline.dead_letters.letters import Letter, Progress, letters
from freshline.dead_letters.place import Place, parse_place
from freshline.dead_letters.replay import Replay, originals
from freshline.errors import UserError
from freshline.settings import KafkaSettings
from freshline.transport.connection import topic_name
from freshline.transport.port import Log, Record

KINDS: tuple[Kind, ...] = ("documents", "queries")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Desk:
    """Reads letters of a log; nothing stays open between two calls."""

    log: Log
    kafka: KafkaSettings
    clock: Clock

    def letters(
        self, kind: str, codes: Sequence[str] | None, since: str, progress: Progress
    ) -> Iterator[Letter]:
        """Yield the letters of one kind ("": both) with one of these codes (None: any). Raises UserError."""
        if kind and kind not in KINDS:
            raise UserError(f"--topic is {kind!r}; expected {' or '.join(KINDS)}")
        since_ms = self._since_ms(since)
        with closing(self.log.reader()) as reader:
            for each in (kind,) if kind else KINDS:
                for letter in letters(reader, topic_name(self.kafka, f"{each}.dlq"), since_ms, progress):
                    if not codes or letter.told.code in codes:
                        yield letter

    def find(self, positions: Sequence[str], progress: Progress) -> list[Letter]:
        """Return the newest letter of each position. Raises UserError where there is none."""
        places = list(dict.fromkeys(map(self._place, positions)))
        wanted = set(places)
        found = {
            letter.place: letter
            for kind in sorted({self._kind(place.topic) for place in places})
            for letter in self.letters(kind, None, "all", progress)
            if letter.place in wanted
        }
        for place in places:
            if place not in found:
                raise UserError(
                    f"no dead letter tells of {place}; expected a position that `freshline dlq list --since all` shows"
                )
        return [found[place] for place in places]

    def replay(self, *chosen: Letter, force: bool = False, fixed: bytes | None = None) -> Replay:
        """Return the replay of these letters, all of one topic. Raises UserError."""
        kinds = {self._kind(letter.told.topic) for letter in chosen} or {"documents"}
        if len(kinds) > 1:
            raise UserError("records of documents and of queries are named; expected one topic at a time")
        kind = kinds.pop()
        return Replay(
            kind=kind,
            topic=topic_name(self.kafka, kind),
            owner=f"{self.kafka.group_prefix}-replay",
            clock=self.clock,
            force=force,
            fixed=fixed,
        )

    def original(self, letter: Letter) -> Record | None:
        """Return what stands at a letter's place, None where it is gone."""
        with closing(self.log.reader()) as reader:
            return next(record for _, record in originals(reader, [letter]))

    def _place(self, text: str) -> Place:
        place = parse_place(text)
        return replace(place, topic=topic_name(self.kafka, place.topic)) if place.topic in KINDS else place

    def _kind(self, topic: str) -> Kind:
        for kind in KINDS:
            if topic == topic_name(self.kafka, kind):
                return kind
        expected = " or ".join(topic_name(self.kafka, kind) for kind in KINDS)
        raise UserError(f"{topic[:100]!r} is no topic with dead letters; expected {expected}")

    def _since_ms(self, text: str) -> int:
        if text == "all":
            return 0
        if not re.fullmatch(r"\d{1,6}[smhd]", text):
            raise UserError(f"--since is {text!r}; expected a time such as 90s, 30m, 24h, 7d, or all")
        return max(0, round((self.clock.now() - int(text[:-1]) * _UNITS[text[-1]]) * 1000))
