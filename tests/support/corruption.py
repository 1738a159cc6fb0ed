"""A lake before and after its newest batch, and what may happen to the bytes of any file that the batch wrote.

The lake is append-only, so "after" is "before" and some more files: a reader that serves "before" sees the batch come
when they are laid beside. What is live afterwards is told by tests.support.oracle alone.
"""

import json
import random
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np

from freshline.clock import ManualClock
from freshline.index.manifest import Manifest
from freshline.ingest.record import RawRecord
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.retrieval.policy import Policy
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.search import search
from freshline.retrieval.snapshot import Snapshot
from tests.support import oracle
from tests.support.history_steps import Batch
from tests.support.memory import FAST
from tests.support.small_stack import SmallStack, empty_lakes, small_parts

SHARDS = 3
_BATCHES = 4
_KEYS = 15
_START = 1_700_000_000_000
NOW_MS = _START + 10**6


@dataclass(frozen=True)
class Twins:
    """Folders of the lake before and after its newest batch; neither is ever changed."""

    before: Path
    after: Path
    expected: dict[str, list[str]]  # words by key, after
    fingerprint: str

    @property
    def new_files(self) -> list[Path]:
        """Return what the newest batch wrote, relative."""
        there = {path.relative_to(self.before) for path in self.before.rglob("*")}
        mine = (path for path in self.after.rglob("*") if path.is_file())
        return sorted(
            path.relative_to(self.after) for path in mine if path.relative_to(self.after) not in there
        )


@contextmanager
def twins() -> Iterator[Twins]:
    """Write the history, batch by batch, through the stream's own code."""
    with empty_lakes() as lakes, TemporaryDirectory(dir=FAST) as folder:
        before, after = Path(folder) / "before", Path(folder) / "after"
        shutil.copytree(lakes[SHARDS], after)
        stack, done, offset = SmallStack(after), list[oracle.Read | oracle.CreatedAnew](), 0
        for number in range(_BATCHES):
            if number == _BATCHES - 1:
                shutil.copytree(after, before)
            records = [_record(offset + place, number) for place in range(12)]
            offset += len(records)
            stack.batch(records, {0: offset, 1: 0}, Batch(1))
            done += [_read(record) for record in records]
        live = oracle.live(done, "2100-01-01")
        words = {key: event["content"].split() for key, event in live.items()}
        yield Twins(before, after, words, small_parts(after).fingerprint_id)


def _record(offset: int, batch: int) -> RawRecord:
    """Return an event of one of 15 documents; every ninth is a null value, every seventh has a version."""
    key = f"c/{(7 * offset + batch) % _KEYS}"
    parts = (f"common state{offset} part{n} has ten words in each paragraph." for n in range(1 + offset % 4))
    body = {"schema_version": 1, "collection": "c", "doc_id": key[2:], "content": "\n\n".join(parts)}
    body |= {"title": f"title {offset}", "metadata": {"batch": batch}, "acl": ["public"]}
    if offset % 7 == 0:
        body["version"] = 1 + offset % 3
    value = None if offset % 9 == 0 else json.dumps(body).encode()
    return RawRecord("documents", 0, offset, _START + offset, key.encode(), value)


def _read(record: RawRecord) -> oracle.Read:
    event = json.loads(record.value) if record.value else None
    return oracle.Read(record.partition, record.offset, record.timestamp, (record.key or b"").decode(), event)


@dataclass
class Scene:
    """A copy of "before" that a reader serves."""

    folder: Path
    twins: Twins

    def __post_init__(self) -> None:
        shutil.copytree(self.twins.before, self.folder)
        self.storage = Storage(str(self.folder))
        self.clock = ManualClock()
        self.reader = self.new_reader()
        assert self.reader.refresh()

    def new_reader(self) -> SnapshotReader:
        """Return a reader that has seen nothing yet."""
        return SnapshotReader(
            self.storage, Manifest(Lake(self.storage)), self.twins.fingerprint, clock=self.clock
        )

    def publish(self) -> None:
        """Lay the newest batch's files beside the others."""
        shutil.copytree(self.twins.after, self.folder, dirs_exist_ok=True)


Answers = list[tuple[object, ...]]
MODES: tuple[Literal["dense", "lexical"], ...] = ("dense", "lexical")


def answers(snapshot: Snapshot) -> Answers:
    """Return everything that searches find, with scores to the last bit."""
    dimension = next(iter(snapshot.segments.values())).rows.segment.vectors().shape[1]
    query = np.random.default_rng(5).normal(size=(1, dimension)).astype(np.float32)
    found: Answers = []
    for mode in MODES:
        (hits,) = search(
            snapshot,
            [SearchRequest(text="common words", k=100)],
            query,
            now_ms=NOW_MS,
            policy=Policy(mode=mode),
        )
        found += [(mode, hit.chunk_id, hit.key, hit.start, hit.title, hit.text, hit.score) for hit in hits]
    return found


def words(snapshot: Snapshot) -> dict[str, list[str]]:
    """Return the words of each document that a dense search finds, in order."""
    found: dict[str, list[tuple[int, str]]] = {}
    for mode, _, key, start, _, text, _ in answers(snapshot):
        if mode == "dense":
            found.setdefault(str(key), []).append((int(str(start)), str(text)))
    return {
        key: [word for _, text in sorted(set(parts)) for word in text.split()] for key, parts in found.items()
    }


@dataclass(frozen=True)
class Corruption:
    """What happens to a file, and a number that says how."""

    kind: str
    file: Path  # relative
    number: int

    def apply(self, folder: Path, others: list[Path]) -> bool:
        """Do it; `others`: files of the same name elsewhere. False where the bytes stay what they were."""
        path, draw = folder / self.file, random.Random(self.number)  # noqa: S311 - places, not secrets
        whole = path.read_bytes()
        changed = DAMAGES[self.kind](whole, draw, [(folder / other).read_bytes() for other in others])
        if changed is None:
            path.unlink()
        else:
            path.write_bytes(changed)
        return changed != whole


def _bit(whole: bytes, draw: random.Random, _: list[bytes]) -> bytes:
    place = draw.randrange(len(whole))
    return whole[:place] + bytes([whole[place] ^ 1 << draw.randrange(8)]) + whole[place + 1 :]


def _byte(whole: bytes, draw: random.Random, _: list[bytes]) -> bytes:
    place = draw.randrange(len(whole))
    return whole[:place] + bytes([(whole[place] + draw.randrange(1, 256)) % 256]) + whole[place + 1 :]


def _cut(whole: bytes, draw: random.Random, _: list[bytes]) -> bytes:
    return whole[: draw.randrange(len(whole))]


def _last(whole: bytes, _draw: random.Random, _: list[bytes]) -> bytes:
    return whole[:-1]


def _grow(whole: bytes, draw: random.Random, _: list[bytes]) -> bytes:
    return whole + draw.randbytes(draw.randrange(1, 17))


def _zeros(whole: bytes, draw: random.Random, _: list[bytes]) -> bytes:
    """A block that never reached the disk."""
    place = draw.randrange(len(whole))
    return (whole[:place] + bytes(64) + whole[place + 64 :])[: len(whole)]


def _other(_whole: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    return draw.choice(others)


def _relabelled(whole: bytes, draw: random.Random, _: list[bytes]) -> bytes:
    """Another embedder's fingerprint, or another hash, in the place of what stands there; else a byte."""
    found = list(re.finditer(rb"[0-9a-f]{16}", whole))
    if not found:
        return _byte(whole, draw, [])
    place = draw.choice(found).start()
    return whole[:place] + draw.randbytes(8).hex().encode() + whole[place + 16 :]


DAMAGES: dict[str, Callable[[bytes, random.Random, list[bytes]], bytes | None]] = {
    "bit": _bit,
    "byte": _byte,
    "cut": _cut,
    "last": _last,
    "empty": lambda *_: b"",
    "grow": _grow,
    "zeros": _zeros,
    "missing": lambda *_: None,
    "relabelled": _relabelled,
    "other": _other,  # a file of the same name from elsewhere: swapped, or an older one put back
}
