"""Merging part by part: any history, any grouping, any parts; states, and what late events find, are the rules'."""

from collections.abc import Sequence

import faiss
import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from freshline.index.entries import Add
from freshline.index.layout import Segment
from freshline.index.merge import merge
from freshline.index.parts import parts_of
from freshline.index.segment import SEGMENT_ROWS, SEGMENT_STATES
from freshline.index.vectors import make_index
from freshline.revision import Kind, Revision
from tests.support.segments import DIMENSION, Event, tables, vector

KEYS = [f"c/{letter}" for letter in "abcdefgh"]
#: (key, kind, version, clock); the place in the list is the offset
drawn_states = st.lists(
    st.tuples(
        st.sampled_from(KEYS),
        st.sampled_from([Kind.PUT, Kind.PUT, Kind.DELETE, Kind.FLOOR]),
        st.integers(0, 3),
        st.integers(0, 4),
    ),
    min_size=1,
    max_size=24,
)


def events(drawn: Sequence[tuple[str, Kind, int, int]]) -> list[Event]:
    return [
        Event(
            key, Revision(0 if kind == Kind.FLOOR else version, clock, 0, offset), kind, (f"{key} {offset}",)
        )
        for offset, (key, kind, version, clock) in enumerate(drawn)
    ]


def segment(rows: pa.Table, states: pa.Table, vectors: np.ndarray) -> Segment:
    add = Add(
        segment="s", shard=0, generation=0, path="s", files={}, rows=rows.num_rows, states=states.num_rows,
        bytes=0, fingerprint="f", format=1,
    )  # fmt: skip
    return Segment(add, make_index(vectors), rows, states)


def live(states: Sequence[tuple[str, str, Revision]]) -> dict[str, Revision]:
    """Brute force from the rules: per key the greatest revision above every null record, if it is a put."""
    found = {}
    for key in {key for key, _, _ in states}:
        floors = [revision[1:] for name, kind, revision in states if name == key and kind == Kind.FLOOR]
        above = [
            (revision, kind)
            for name, kind, revision in states
            if name == key and kind != Kind.FLOOR and all(revision[1:] > floor for floor in floors)
        ]
        if above and max(above)[1] == Kind.PUT:
            found[key] = max(above)[0]
    return found


def states_in(segments: Sequence[Segment]) -> list[tuple[str, str, Revision]]:
    return [
        (row["key"], row["kind"], Revision(row["version"], row["clock"], row["partition"], row["offset"]))
        for one in segments
        for row in one.states.to_pylist()
    ]


def merged(segments: Sequence[Segment], parts: Sequence[str]) -> list[Segment]:
    results = [merge(segments, now_ms=0, part=part) for part in parts]
    return [segment(one.rows, one.states, one.vectors) for one in results]


@settings(deadline=None, max_examples=200)  # a busy machine is no failure
@given(st.data(), drawn_states, drawn_states)
def test_any_parts_of_any_grouping_keep_what_is_live_and_what_late_events_need(
    data: st.DataObject, past: list[tuple[str, Kind, int, int]], late: list[tuple[str, Kind, int, int]]
) -> None:
    everything = events([*past, *late])
    old, new = everything[: len(past)], everything[len(past) :]
    segments = []
    while old:
        size = data.draw(st.integers(1, len(old)), label="events of a segment")
        segments.append(segment(*tables(old[:size])))
        old = old[size:]
    for _ in range(data.draw(st.integers(1, 3), label="compactions")):
        chosen = data.draw(
            st.lists(st.sampled_from(range(len(segments))), min_size=1, unique=True), label="group"
        )
        parts = parts_of(data.draw(st.sampled_from([1, 2, 4, 8]), label="parts"), 1)
        rest = [one for place, one in enumerate(segments) if place not in chosen]
        segments = [*rest, *merged([segments[place] for place in chosen], parts)]
    said = [(one.key, str(one.kind), one.revision) for one in everything]
    assert live(states_in(segments)) == live(said[: len(past)])
    later = [(one.key, str(one.kind), one.revision) for one in new]
    assert live([*states_in(segments), *later]) == live(said)  # late ones lose, or win, as they would have
    check_rows(segments, live(said[: len(past)]))


def check_rows(segments: Sequence[Segment], expected: dict[str, Revision]) -> None:
    """Every live state has its row and vector, exactly once; each row belongs to its own key's state."""
    found: dict[str, list[int]] = {}
    for one in segments:
        states = one.states.to_pylist()
        vectors = one.vectors()
        for row, values in zip(one.rows.to_pylist(), vectors, strict=True):
            state = states[row["state"]]
            assert state["key"] == row["key"]
            assert row["text"] == f"{row['key']} {state['offset']}"
            np.testing.assert_array_equal(values, vector(row["text"]))
            found.setdefault(row["key"], []).append(state["offset"])
    assert all(found[key].count(revision.offset) == 1 for key, revision in expected.items())


class Counted:
    """Segments that are made when their turn comes, and how many are held at a time."""

    def __init__(self, made: Sequence[Segment]) -> None:
        self._made = made
        self.held = self.most = 0

    def __iter__(self):  # type: ignore[no-untyped-def] # noqa: ANN204
        for one in self._made:
            self.held += 1
            self.most = max(self.most, self.held)
            yield one
            self.held -= 1


def test_one_input_is_held_at_a_time() -> None:
    made = [segment(*tables([Event(f"c/{n}", Revision(0, n + 1, 0, n))])) for n in range(5)]
    counted = Counted(made)
    assert merge(counted, now_ms=0).rows.num_rows == 5
    assert counted.most == 1


def test_codes_are_no_obstacle_and_only_the_chosen_rows_are_copied() -> None:
    count = 5000
    vectors = np.random.default_rng(1).normal(size=(count, DIMENSION)).astype(np.float32)
    rows, states, _ = tables([Event(f"c/{n}", Revision(0, n + 1, 0, n)) for n in range(count)])
    large = segment(rows, states, vectors)
    (delete,) = [segment(*tables([Event("c/7", Revision(0, count + 1, 0, count), Kind.DELETE)]))]
    result = merge([large, delete], now_ms=0, part="101")
    keys = result.rows["key"].to_pylist()
    numbers = [int(key.removeprefix("c/")) for key in keys]
    assert keys == sorted(keys)
    assert 7 not in numbers
    np.testing.assert_array_equal(result.vectors, vectors[numbers])
    assert isinstance(large.index, faiss.IndexRefine | faiss.IndexFlatIP)


def test_a_part_may_be_empty() -> None:
    one = segment(*tables([Event("c/a", Revision(0, 1, 0, 1))]))
    sizes = {part: merge([one], now_ms=0, part=part) for part in ("0", "1")}
    assert sorted(result.rows.num_rows for result in sizes.values()) == [0, 1]
    assert sorted(result.states.num_rows for result in sizes.values()) == [0, 1]
    assert all(result.vectors.shape == (result.rows.num_rows, DIMENSION) for result in sizes.values())
    assert all(result.rows.schema == SEGMENT_ROWS for result in sizes.values())
    assert all(result.states.schema == SEGMENT_STATES for result in sizes.values())
