"""Every class of bad document through the real broker and stream, between good ones: one right outcome each.

All are published at once and wait once; then each case is looked at by itself, with readers that share no code with
Freshline. The classes are in tests/support/bad_input.py.
"""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from freshline.cli import main as cli
from freshline.client import Asker
from freshline.settings import KafkaSettings
from tests.support import independent
from tests.support.bad_input import MAX_BYTES, Case, all_cases, value_of, write_content
from tests.support.raw_producer import Raw, write_raw
from tests.support.rooms import Room
from tests.support.spine import Spine, document
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

PARTITIONS = 4
NAMES = [one.name for one in all_cases(Path("/nowhere"))]
Position = tuple[int, int]


@dataclass
class Outcome:
    """What became of everything, read once."""

    spine: Spine
    stream: Room
    cases: dict[str, Case]
    places: dict[str, Position]
    good: dict[str, str]
    letters: dict[Position, list[tuple[bytes | None, dict[str, Any]]]] = field(default_factory=dict)
    rejects: dict[Position, list[str]] = field(default_factory=dict)
    states: Counter[Position] = field(default_factory=Counter)


@pytest.fixture(scope="module")
def outcome(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    folder = tmp_path_factory.mktemp("bad-input")
    root = folder / "content"
    root.mkdir()
    write_content(root)
    spine = Spine(broker, folder, f"bad-{os.getpid()}")
    spine.settings |= {
        "collections.open": "false",
        "collections.docs.max_bytes": MAX_BYTES,
        "collections.small.max_bytes": 1000,
        "collections.notes.max_bytes": MAX_BYTES,
        "limits.content_roots": root,
        "limits.parse_seconds": 10,
    }
    try:
        cases = all_cases(root)
        places, good, ends = publish(spine, cases)
        stream = spine.start("streaming", stream__max_records=150)
        spine.start("serving")
        spine.wait_until_covered(ends, room=stream, within=240)
        made = Outcome(spine, stream, {one.name: one for one in cases}, places, good)
        wait_for(lambda: read(made), what="dead letters up to the last batch", within=30)
        yield made
    finally:
        spine.close()


def publish(spine: Spine, cases: list[Case]) -> tuple[dict[str, Position], dict[str, str], dict[str, int]]:
    """Write each case with a good document before it, a key's records to one partition; return the places."""
    logs: dict[int, list[tuple[str | None, Raw]]] = defaultdict(list)
    good: dict[str, str] = {}
    for number, one in enumerate(cases):
        key, value = document(number, f"Good document {number} tells of subject {number * 7}.")
        good[key.decode()] = json.loads(value)["content"]
        logs[number % PARTITIONS].append((None, Raw(key, value)))
        logs[crc32(one.record.key or b"") % PARTITIONS].append((one.name, one.record))
    places: dict[str, Position] = {}
    ends: dict[str, int] = {}
    for partition, records in logs.items():
        offsets = write_raw(
            spine.broker, spine.topic("documents"), [record for _, record in records], partition=partition
        )
        ends[str(partition)] = offsets[-1] + 1
        places |= {
            name: (partition, offset)
            for (name, _), offset in zip(records, offsets, strict=True)
            if name is not None
        }
    return places, good, ends


def read(made: Outcome) -> bool:
    """Read letters, rejects and states; whether all are there: the tables and then the letters follow the manifest."""
    letters: dict[Position, list[tuple[bytes | None, dict[str, Any]]]] = defaultdict(list)
    for key, letter in independent.dead_letters(made.spine.broker, made.spine.topic("documents.dlq")):
        letters[letter["partition"], letter["offset"]].append((key, letter))
    rejects: dict[Position, list[str]] = defaultdict(list)
    for row in independent.rows(made.spine.lake, "rejects"):
        rejects[row["partition"], row["offset"]].append(row["code"])
    made.letters, made.rejects = dict(letters), dict(rejects)
    made.states = Counter(
        (row["partition"], row["offset"]) for row in independent.rows(made.spine.lake, "documents")
    )
    applied = made.states.keys() | rejects.keys()
    return letters.keys() == rejects.keys() and applied >= set(made.places.values())


@pytest.mark.parametrize("name", NAMES)
def test_one_right_outcome(outcome: Outcome, name: str) -> None:
    one, place = outcome.cases[name], outcome.places[name]
    found = outcome.letters.get(place, [])
    codes = [letter["code"] for _, letter in found]
    right = [[] if one.code is None else [one.code], *([[one.also]] if one.also else [])]
    assert codes in right, found
    assert outcome.rejects.get(place, []) == codes
    assert outcome.states[place] == (codes in ([], ["empty_document"]))
    value = one.record.value or b""
    for key, letter in found:
        assert key == (one.record.key if len(one.record.key or b"") <= 4096 else None)
        assert (letter["sha256"], letter["size"]) == (sha256(value).hexdigest(), len(value))
        assert letter["topic"] == outcome.spine.topic("documents")
        shown = letter["preview"] + letter["detail"]
        assert shown.isascii()
        assert shown.isprintable()


def test_nothing_else_is_there(outcome: Outcome) -> None:
    places = set(outcome.places.values())
    assert len(places) == len(outcome.cases)
    assert outcome.letters.keys() <= places
    assert len(outcome.states.keys() - places) == len(outcome.good)


def test_the_query_never_died(outcome: Outcome) -> None:
    assert outcome.stream.process.poll() is None
    lines = [json.loads(line) for line in outcome.stream.log.read_text().splitlines() if line.startswith("{")]
    assert [line for line in lines if line.get("level") in {"error", "critical"}] == []
    assert (
        sum(line.get("event") == "batch_decided" for line in lines) >= 3
    )  # bad and good were batched together


def test_good_documents_are_live_once_and_answerable(outcome: Outcome) -> None:
    live = Counter(row.key for row in independent.live_index(outcome.spine.lake))
    assert {key: live[key] for key in outcome.good} == dict.fromkeys(outcome.good, 1)
    settings = KafkaSettings(bootstrap=outcome.spine.broker, topic_prefix=f"{outcome.spine.prefix}.")
    with Asker(settings) as asker:
        for key, content in outcome.good.items():
            response = asker.ask(content, collections=("docs",), generate=False, timeout=60)
            assert key in {f"{hit.collection}/{hit.doc_id}" for hit in response.hits}, response


def test_nothing_of_a_document_stands_in_the_log(outcome: Outcome) -> None:
    log = outcome.stream.log.read_bytes()
    assert b"Tea at four" not in log
    assert b"etc/passwd" not in log
    assert not [byte for byte in log if byte < 9 or byte == 27]


def test_what_is_replayed_takes_the_way_of_any_record(
    outcome: Outcome, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Last in this file. One record mended by hand, one whose cause was not mended: a state, and one more letter."""
    spine = outcome.spine
    sets = ["--set", f"kafka.bootstrap={spine.broker}", "--set", f"kafka.topic_prefix={spine.prefix}."]
    mended = tmp_path / "mended.json"
    mended.write_bytes(value_of("mended", content="The mended kettle whistles at dawn."))

    def replay(name: str, *words: str) -> tuple[int, int]:
        partition, offset = outcome.places[name]
        with pytest.raises(SystemExit) as ended:
            cli.main(["dlq", "replay", f"documents:{partition}:{offset}", "--yes", *words, *sets])
        assert not ended.value.code, capsys.readouterr()
        newest = max(
            independent.committed_records(spine.broker, spine.topic("documents")),
            key=lambda record: record.timestamp,
        )
        spine.wait_until_covered({str(newest.partition): newest.offset + 1}, room=outcome.stream)
        return newest.partition, newest.offset

    state = replay("key-null", "--file", str(mended))
    letter = replay("unknown-collection")
    wait_for(lambda: read(outcome) and letter in outcome.letters, what="the letter", within=30)
    assert [told["code"] for _, told in outcome.letters[letter]] == ["unknown_collection"]
    assert state not in outcome.letters
    (row,) = [row for row in independent.live_index(spine.lake) if row.key == "docs/mended"]
    assert row.text == "The mended kettle whistles at dawn."
