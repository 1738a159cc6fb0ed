"""A year of real edits to the CIA World Factbook through Kafka, then questions whose answers changed meanwhile.

1,550 sections, 5,296 updates, as fast as they can be published. Once everything is covered:

    agreement   live rows of the chunks table = rows of the index = the newest text of each section, by readers that
                share no code with Freshline (tests/support)
    probes      1,567 questions; each asks for the value of a field that was rewritten:
                right     a top-5 chunk of the probed section holds "field: current value"
                outdated  a top-5 chunk of the probed section is no part of its newest text
                missing   neither

Needs FRESHLINE_EVAL_DATA with factbook_stream_dev_2024 (see its SOURCE.txt: public domain); nothing is copied.
"""

import functools
import gzip
import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.evaluation_data import folder
from benchmarks.report import Figure, Goal, Report
from benchmarks.stack import BenchmarkStack, running, wait_until_covered
from freshline.client import Asker, Producer
from freshline.coverage import Coverage, merge
from schemas.messages import DocumentEvent, Query, Response
from tests.support import independent

_DATA = "factbook_stream_dev_2024"
_COLLECTION = "factbook"
_QUICK = 60  # sections
_WITHIN = 3000.0  # seconds; about 700 on two cores
_K = 5
_PATIENCE = 300.0  # seconds for all questions together


@dataclass(frozen=True, slots=True)
class Probe:
    """A question, the section that holds its answer, and the line that does today."""

    question: str
    doc_id: str
    line: str


def measure(*, seed: int, quick: bool) -> Report:
    """Run the benchmark. The order of events is the stream's own: the seed has no say."""
    source = folder(_DATA)
    events = list(events_of(source))
    if quick:
        kept = set(list(dict.fromkeys(event["doc_id"] for event in events))[:_QUICK])
        events = [event for event in events if event["doc_id"] in kept]
    newest = {event["doc_id"]: event["text"] for event in events}
    probes = [probe for probe in probes_of(source) if probe.doc_id in newest]
    with running(redis=True) as stack:
        seconds, ends = _publish(stack, events)
        responses = _ask(
            stack, probes, ends
        )  # before the tables are read: they follow the manifest by some ms
        figures = [
            *_agreement(Path(stack.settings.lake.uri), newest),
            *_judged(probes, responses, newest),
            *_work(stack, len(events), seconds),
        ]
    return Report(name="factbook", seed=seed, figures=figures)


def events_of(source: Path) -> Iterable[dict[str, Any]]:
    """Yield the stream's events, in order."""
    with gzip.open(source / "stream.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def probes_of(source: Path) -> Iterable[Probe]:
    """Yield the questions, with today's answers."""
    for line in (source / "probes.jsonl").read_text(encoding="utf-8").splitlines():
        probe = json.loads(line)
        yield Probe(probe["question"], probe["doc_id"], f"{probe['field']}: {probe['timeline'][-1]['value']}")


def _publish(stack: BenchmarkStack, events: Sequence[dict[str, Any]]) -> tuple[float, Coverage]:
    """Publish all events; return the seconds until all are covered, and where they end."""
    documents = [
        DocumentEvent(
            schema_version=1,
            collection=_COLLECTION,
            doc_id=event["doc_id"],
            title=f"{event['country']} - {event['section']}",
            content=event["text"],
            content_type="text/plain",
            published_at=datetime.fromisoformat(event["event_time"]),
        )
        for event in events
    ]
    started = time.monotonic()
    with Producer(stack.settings.kafka) as producer:
        ends = functools.reduce(merge, (position.seen for position in producer.publish_many(documents)))
    return wait_until_covered(stack, ends, _WITHIN) - started, ends


def _agreement(lake: Path, newest: dict[str, str]) -> list[Figure]:
    """Count where table, index and the newest texts do not agree."""
    chunks = independent.live_tables(lake)
    index = Counter((row.key, row.chunk_id, row.text) for row in independent.live_index(lake))
    expected = {f"{_COLLECTION}/{doc_id}": text.encode() for doc_id, text in newest.items()}
    content = independent.live_content(lake)
    of_key: dict[str, list[dict[str, Any]]] = {key: [] for key in expected}
    for row in chunks:
        of_key[row["key"]].append(row)
    foreign = [row for row in chunks if row["text"] not in expected[row["key"]].decode()]
    in_table = Counter((row["key"], row["chunk_id"], row["text"]) for row in chunks)
    uncovered = [key for key, text in expected.items() if _left_over(text.decode(), of_key[key])]
    return [
        Figure(name="sections", value=len(expected), unit=""),
        Figure(name="live chunks", value=len(chunks), unit=""),
        _none("sections whose newest text is not the table's", _differing(expected, content)),
        _none("sections with text that no live chunk holds", len(uncovered)),
        _none("live chunks that are no part of the newest text", len(foreign)),
        _none("chunks in the table or the index only", ((in_table - index) + (index - in_table)).total()),
    ]


def _differing(expected: dict[str, bytes], found: dict[str, bytes]) -> int:
    return sum(expected.get(key) != found.get(key) for key in expected.keys() | found.keys())


def _left_over(text: str, chunks: Sequence[dict[str, Any]]) -> bool:
    """Whether visible characters of the text lie outside the spans of its chunks."""
    place, rest = 0, []
    for start, end in sorted((row["start"], row["end"]) for row in chunks):
        rest.append(text[place:start])
        place = max(place, end)
    return bool("".join([*rest, text[place:]]).strip())


def _ask(stack: BenchmarkStack, probes: Sequence[Probe], ends: Coverage) -> list[Response]:
    """Ask as of all events: a worker's snapshot follows the manifest by a tenth of a second."""
    deadline = datetime.now(UTC) + timedelta(seconds=_PATIENCE)
    with Asker(stack.settings.kafka) as asker:
        waiting = [
            asker.submit(
                Query(
                    schema_version=1,
                    query_id=uuid4().hex,
                    text=probe.question,
                    k=_K,
                    generate=False,
                    min_offsets=ends,
                    deadline=deadline,
                )
            )
            for probe in probes
        ]
        return [future.result(_PATIENCE) for future in waiting]


def _judged(probes: Sequence[Probe], responses: Sequence[Response], newest: dict[str, str]) -> list[Figure]:
    verdicts = Counter(
        _verdict(probe, response, newest[probe.doc_id])
        for probe, response in zip(probes, responses, strict=True)
    )
    return [
        Figure(name="probes", value=len(probes), unit=""),
        Figure(name="right", value=verdicts["right"] / len(probes), unit="", goal=Goal("≥", 0.98)),
        _none("outdated", verdicts["outdated"]),
        Figure(name="missing", value=verdicts["missing"], unit=""),
    ]


def _verdict(probe: Probe, response: Response, text: str) -> str:
    """Say what became of one question; an outdated chunk outweighs a right one."""
    mine = [hit.text for hit in response.hits if hit.doc_id == probe.doc_id]
    if any(passage not in text for passage in mine):
        return "outdated"
    return "right" if any(probe.line in passage for passage in mine) else "missing"


def _work(stack: BenchmarkStack, events: int, seconds: float) -> list[Figure]:
    """Tell what the stream did for it; a passage that stood before an edit is not embedded again."""
    lines = (stack.folder / "streaming.log").read_text(encoding="utf-8").splitlines()
    batches = [json.loads(line) for line in lines if '"batch_decided"' in line]
    chunks, embedded = (sum(batch[name] for batch in batches) for name in ("chunks", "embedded"))
    return [
        Figure(name="events a second", value=events / seconds, unit="1/s"),
        Figure(name="chunks written", value=chunks, unit=""),
        Figure(name="chunks embedded", value=embedded, unit=""),
        Figure(name="embedded ÷ written", value=embedded / chunks, unit=""),
    ]


def _none(name: str, count: int) -> Figure:
    return Figure(name=name, value=count, unit="", goal=Goal("≤", 0))
