"""The factbook's questions with the value that each has at any time of the stream. Knows no engine."""

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TimedProbe:
    """A question about a field of a section; `values` is (valid from, value), in order of the ISO times."""

    question: str
    doc_id: str
    field: str
    values: Sequence[tuple[str, str]]

    def line(self, event_time: str) -> str | None:
        """Return the line that answers it in the text of an edit of that time, None before its first value."""
        at = bisect_right([begin for begin, _ in self.values], event_time)
        return f"{self.field}: {self.values[at - 1][1]}" if at else None


def timed_probes(source: Path) -> Mapping[str, Sequence[TimedProbe]]:
    """Return the questions by section."""
    found: dict[str, list[TimedProbe]] = {}
    for line in (source / "probes.jsonl").read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        values = [(each["valid_from"], each["value"]) for each in one["timeline"]]
        found.setdefault(one["doc_id"], []).append(
            TimedProbe(one["question"], one["doc_id"], one["field"], values)
        )
    return found
