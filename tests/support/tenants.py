"""A corpus of 50 tenants and who may see what of it, by brute force: shares no code with Freshline's masks.

Documents are of one tenant, shared by two, of a group, of one user, public, or of nobody; some have expired, some are
deleted, and some were published anew under another acl, half of them after everybody could see them. Vectors are of
small whole numbers, so every inner product is exact, however it is added up, and ties are many.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from freshline.clock import ManualClock
from freshline.index.compaction import compact
from freshline.index.entries import Add
from freshline.index.segment import SEGMENT_ROWS, SEGMENT_STATES, write_segment
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.snapshot import Snapshot
from tests.support.filters import Time, meets
from tests.support.segments import FINGERPRINT, new_index

NOW_MS = 1_700_000_000_000
TENANTS, GROUPS, USERS = 50, 10, 200
DIMENSION = 16
WORDS = tuple(
    f"{first}{second}" for first in ("river", "stone", "cloud", "paint") for second in ("bank", "work", "way")
)
LANDS = ("France", "Italy", "Peru", "Chad")

Vectors = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class State:
    """One state of a document; deleted: it holds nothing."""

    doc_id: str
    clock: int
    texts: tuple[str, ...] = ()
    acl: tuple[str, ...] = ()
    expires_ms: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    title: str | None = None
    deleted: bool = False

    @property
    def collection(self) -> str:
        """A document keeps its collection."""
        return f"c{int(self.doc_id) % 3}"

    def chunk_ids(self) -> list[str]:
        """Return ids that tell states apart."""
        return [f"{self.doc_id}@{self.clock}#{place}" for place in range(len(self.texts))]


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A live chunk as brute force sees it."""

    chunk_id: str
    text: str
    acl: frozenset[str]
    expires_ms: int | None
    fields: dict[str, Any]


class Tenants:
    """A corpus with its snapshot. A plain class: hypothesis and pytest would print all of it."""

    def __init__(self, folder: Path, *, documents: int, seed: int) -> None:
        self._pick = random.Random(seed)  # noqa: S311 - a corpus, not a secret
        first = [self._state(str(number), number) for number in range(documents)]
        again = [
            self._anew(one, documents + place) for place, one in enumerate(first) if one_in(self._pick, 5)
        ]
        self._states = [*first, *again]
        newest = {state.doc_id: state for state in self._states}
        live = [state for state in newest.values() if not state.deleted]
        self.chunks = [chunk for state in live for chunk in _chunks(state)]
        everything = [text for state in self._states for text in state.texts]
        drawn = np.random.default_rng(seed).integers(-3, 4, (len(everything), DIMENSION)).astype(np.float32)
        self._vectors = dict(
            zip(everything, drawn, strict=True)
        )  # each text is there once: it holds a number
        self.snapshot = self._publish(folder, cuts=7)

    def _acl(self) -> tuple[str, ...]:
        pick, tenant = self._pick, f"tenant:{self._pick.randrange(TENANTS)}"
        kinds = {
            "tenant": (tenant,),
            "two": (tenant, f"tenant:{pick.randrange(TENANTS)}"),
            "group": (f"group:{pick.randrange(GROUPS)}",),
            "user": (f"user:{pick.randrange(USERS)}",),
            "public": ("public",),
            "public and tenant": (tenant, "public"),
            "nobody": (),
        }
        return kinds[pick.choices(list(kinds), (60, 12, 8, 6, 6, 3, 5))[0]]

    def _state(self, doc_id: str, clock: int) -> State:
        pick = self._pick
        metadata = {"year": pick.randrange(1990, 2025), "land": pick.choice(LANDS), "draft": one_in(pick, 2)}
        return State(
            doc_id=doc_id,
            clock=NOW_MS - 1_000_000 + clock,
            texts=tuple(
                f"{' '.join(pick.sample(WORDS, 3))} n{doc_id}x{clock}x{place}"
                for place in range(pick.randint(1, 3))
            ),
            acl=self._acl(),
            expires_ms=NOW_MS + pick.choice((-1, 0, 1, 10**9)) if one_in(pick, 8) else None,
            metadata={key: value for key, value in metadata.items() if not one_in(pick, 6)},
            title=None if one_in(pick, 3) else f"Title {pick.choice(LANDS)}",
        )

    def _anew(self, old: State, clock: int) -> State:
        if one_in(self._pick, 3):
            return State(doc_id=old.doc_id, clock=NOW_MS - 1_000_000 + clock, deleted=True)
        return self._state(old.doc_id, clock)

    def _publish(self, folder: Path, cuts: int) -> Snapshot:
        index = new_index(folder)
        size = -(-len(self._states) // cuts)
        for start in range(0, len(self._states), size):
            add = self._segment(index.storage, self._states[start : start + size])
            index.manifest.append(index.manifest.fold(), [add], "test")
        reader = SnapshotReader(index.storage, index.manifest, FINGERPRINT)
        reader.refresh()  # what compaction moves is then moved in memory, not loaded anew
        group = list(index.manifest.fold().segments.values())[1:4]
        assert compact(index.storage, index.manifest, group, clock=ManualClock(NOW_MS / 1000)) == "done"
        reader.refresh()
        return reader.current

    def _segment(self, storage: Any, states: Sequence[State]) -> Add:
        rows = [row for place, state in enumerate(states) for row in _rows(state, place)]
        return write_segment(
            storage,
            rows=pa.Table.from_pylist(rows, SEGMENT_ROWS),
            states=pa.Table.from_pylist([_state_row(state) for state in states], SEGMENT_STATES),
            vectors=np.stack([self._vectors[row["text"]] for row in rows]),
            fingerprint_id=FINGERPRINT,
            generation=0,
            shard=0,
        )

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """Return float64[n, d]: the vectors of the live chunks."""
        return np.stack([self._vectors[chunk.text] for chunk in self.chunks]).astype(np.float64)

    @cached_property
    def ids(self) -> NDArray[np.str_]:
        """Return the ids of the live chunks."""
        return np.array([chunk.chunk_id for chunk in self.chunks])

    def may_see(self, principals: frozenset[str]) -> NDArray[np.bool_]:
        """Return which live chunks somebody may see now."""
        who = principals | {"public"}
        return np.array(
            [
                any(one in who for one in chunk.acl)
                and (chunk.expires_ms is None or chunk.expires_ms > NOW_MS)
                for chunk in self.chunks
            ]
        )

    def meeting(self, said: dict[str, Any] | None) -> NDArray[np.bool_]:
        """Return which live chunks meet a filter."""
        return np.array([said is None or meets(chunk.fields, said) for chunk in self.chunks])

    def holding(self, text: str) -> NDArray[np.bool_]:
        """Return which live chunks hold a word of a text."""
        wanted = set(text.split())
        return np.array([bool(wanted & set(chunk.text.split())) for chunk in self.chunks])


def one_in(pick: random.Random, many: int) -> bool:
    """Return true once in so many."""
    return pick.randrange(many) == 0


def _chunks(state: State) -> list[Chunk]:
    title = {} if state.title is None else {"$title": state.title}
    fields = {
        **state.metadata, **title, "$time": Time(state.clock), "$collection": state.collection, "$doc_id": state.doc_id,
    }  # fmt: skip
    return [
        Chunk(
            chunk_id=chunk_id,
            text=text,
            acl=frozenset(state.acl),
            expires_ms=state.expires_ms,
            fields=fields | ({"$heading": heading_of(place)} if place else {}),
        )
        for place, (chunk_id, text) in enumerate(zip(state.chunk_ids(), state.texts, strict=True))
    ]


def heading_of(place: int) -> str:
    """Return the heading of a document's chunk: the first one has none."""
    return f"Part {place}" if place else ""


def _expiry(state: State) -> datetime | None:
    return None if state.expires_ms is None else datetime.fromtimestamp(state.expires_ms / 1000, UTC)


def _state_row(state: State) -> dict[str, Any]:
    return {
        "key": f"{state.collection}/{state.doc_id}", "kind": "delete" if state.deleted else "put", "version": 0,
        "clock": state.clock, "partition": 0, "offset": state.clock, "expires_at": _expiry(state),
    }  # fmt: skip


def _rows(state: State, place: int) -> list[dict[str, Any]]:
    return [
        {
            "chunk_id": chunk_id, "state": place, "key": f"{state.collection}/{state.doc_id}",
            "collection": state.collection, "doc_id": state.doc_id, "title": state.title, "ordinal": ordinal,
            "start": 0, "end": len(text), "heading": heading_of(ordinal), "text": text,
            "metadata": json.dumps(state.metadata),
            "acl": list(state.acl), "expires_at": _expiry(state),
        }
        for ordinal, (chunk_id, text) in enumerate(zip(state.chunk_ids(), state.texts, strict=True))
    ]  # fmt: skip
