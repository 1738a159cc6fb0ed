"""10,000 messages of which a tenth is poison, against the same good ones alone: what bad input costs the good.

Both sides publish the same number of good documents, one short chunk each; the mixed side has the poison strewn
between them at random. The clock runs from the first send until the manifest covers everything. So the ratio
clean time ÷ mixed time is the good documents' throughput in company over their throughput alone. The sides run in
turn and then in the opposite order; every text is new, so that nothing is embedded once for two runs. The load
generator works on the same cores: what it costs counts against Freshline.

Afterwards a consumer that shares no code with Freshline reads the dead letters: each poison record must have
exactly one, with its code, and nothing else may have any. The accepted states are counted in the Delta table.
"""

import functools
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import kafka
from deltalake import DeltaTable

from benchmarks.poison_records import COLLECTION, MAX_BYTES, Record, good, poison
from benchmarks.report import Figure, Goal, Report, median_figure
from benchmarks.stack import BenchmarkStack, running, wait_until_covered
from freshline.coverage import Coverage, merge
from freshline.demo.corpus import reference_topics

_GOOD, _POISON = 9000, 1000
_QUICK = 20  # that many times fewer
_SIZE = 150  # characters of a good document
_WITHIN = 900.0
_LETTERS_WITHIN = 30.0

Position = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Run:
    """What one side published, and how long it took; `bad`: {position: code}."""

    seconds: float
    bad: dict[Position, str]
    published: int


def measure(*, seed: int, quick: bool) -> Report:
    """Run the benchmark."""
    share = _QUICK if quick else 1
    texts = _texts()
    order = ("clean", "mixed") if quick else ("clean", "mixed", "mixed", "clean")
    with running("collections.open=false", f"collections.{COLLECTION}.max_bytes={MAX_BYTES}") as stack:
        runs: dict[str, list[_Run]] = {"clean": [], "mixed": []}
        warm = [_side(stack, _records(texts, "warm", 200, 32, seed))]
        for number, side in enumerate(order):
            bad = _POISON // share if side == "mixed" else 0
            records = _records(texts, f"r{number}", _GOOD // share, bad, seed + number)
            runs[side].append(_side(stack, records))
        everything = [*warm, *runs["clean"], *runs["mixed"]]
        wrong = _wrong_letters(stack, everything)
        lost = sum(run.published for run in everything) - _recorded(stack)
    return Report(
        name="poison",
        seed=seed,
        figures=_figures(runs, _GOOD // share, wrong, lost),
        notes={
            "messages of a mixed run": f"{_GOOD // share} good, {_POISON // share} poison",
            "order": ", ".join(order),
            "reason codes": ", ".join(sorted(set(runs["mixed"][0].bad.values()))),
        },
    )


def _figures(runs: dict[str, list[_Run]], count: int, wrong: int, lost: int) -> list[Figure]:
    ratios = [
        clean.seconds / mixed.seconds for clean, mixed in zip(runs["clean"], runs["mixed"], strict=True)
    ]
    return [
        median_figure("good documents' throughput, mixed ÷ clean", ratios, "", Goal("≥", 0.9)),
        median_figure("good documents, clean", [count / run.seconds for run in runs["clean"]], "documents/s"),
        median_figure("good documents, mixed", [count / run.seconds for run in runs["mixed"]], "documents/s"),
        Figure(
            name="poison records", value=float(sum(len(run.bad) for run in runs["mixed"])), unit="records"
        ),
        Figure(
            name="dead letters missing, doubled, of another code or of a good record",
            value=float(wrong),
            unit="records",
            goal=Goal("≤", 0),
        ),
        Figure(
            name="messages that are neither a state nor a letter",
            value=float(lost),
            unit="records",
            goal=Goal("≤", 0),
        ),
    ]


def _texts() -> list[str]:
    text = " ".join(" ".join((event.content or "").split()) for event in reference_topics())
    return [text[at : at + _SIZE] for at in range(0, len(text) - _SIZE, _SIZE)]


def _records(texts: Sequence[str], run: str, count: int, bad: int, seed: int) -> list[Record]:
    """Return good and bad records in random order; a number makes each text new."""
    records = [
        good(f"{run}-{number}", f"{run} {number}: {texts[number % len(texts)]}") for number in range(count)
    ]
    records += poison(run, bad)
    random.Random(seed).shuffle(records)  # noqa: S311 - an order, not a secret
    return records


def _side(stack: BenchmarkStack, records: Sequence[Record]) -> _Run:
    topic = f"{stack.settings.kafka.topic_prefix}documents"
    producer = kafka.KafkaProducer(
        bootstrap_servers=stack.settings.kafka.bootstrap,
        linger_ms=5,
        max_request_size=2 * MAX_BYTES,
        compression_type="gzip",  # as freshline.client does: kafka-python sums what it sends in Python, 6 MB/s
    )
    with closing(producer):
        started = time.monotonic()
        futures = [producer.send(topic, key=record.key, value=record.value) for record in records]
        producer.flush()
        places = [future.get(60) for future in futures]
        ends: Coverage = functools.reduce(
            merge, ({topic: {place.partition: place.offset + 1}} for place in places)
        )
        seconds = wait_until_covered(stack, ends, _WITHIN) - started
    bad = {
        (place.partition, place.offset): record.code
        for record, place in zip(records, places, strict=True)
        if record.code
    }
    return _Run(seconds, bad, len(records))


def _wrong_letters(stack: BenchmarkStack, runs: Sequence[_Run]) -> int:
    """Return how many letters are missing, too many or of another code; the last batch's are waited for."""
    expected = {place: code for run in runs for place, code in run.bad.items()}
    deadline = time.monotonic() + _LETTERS_WITHIN
    while True:
        found = [((letter["partition"], letter["offset"]), letter["code"]) for letter in _letters(stack)]
        wrong = Counter(found)
        wrong.subtract(expected.items())
        number = sum(map(abs, wrong.values()))
        if number == 0 or time.monotonic() > deadline:
            return number


def _letters(stack: BenchmarkStack) -> Iterator[dict[str, Any]]:
    """Yield every committed letter, read by a consumer of our own."""
    consumer = kafka.KafkaConsumer(
        bootstrap_servers=stack.settings.kafka.bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    with closing(consumer):
        log = kafka.TopicPartition(f"{stack.settings.kafka.topic_prefix}documents.dlq", 0)
        consumer.assign([log])
        consumer.seek_to_beginning()
        end = consumer.end_offsets([log])[log]
        while consumer.position(log) < end:
            for records in consumer.poll(timeout_ms=1000).values():
                yield from (json.loads(record.value) for record in records)


def _recorded(stack: BenchmarkStack) -> int:
    """Return how many positions are a state in the table of documents, or a letter, or both."""
    rows = DeltaTable(f"{stack.settings.lake.uri}/tables/documents").to_pyarrow_table(
        columns=["partition", "offset"]
    )
    states = set(zip(rows["partition"].to_pylist(), rows["offset"].to_pylist(), strict=True))
    letters = {(letter["partition"], letter["offset"]) for letter in _letters(stack)}
    assert rows.num_rows == len(states)  # noqa: S101 - a state twice would hide one that is lost
    return len(states | letters)
