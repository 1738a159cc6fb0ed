"""Which states are kept: enough for any future, and never more than needed, whatever the order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from freshline.index.keyfold import Kept, KeyFold, Place
from freshline.revision import Kind, Revision
from tests.support.segments import Event, tables

#: (kind, version, clock, partition) of one key; the place in the list is the offset, so positions differ
states = st.lists(
    st.tuples(
        st.sampled_from([Kind.PUT, Kind.DELETE, Kind.FLOOR]),
        st.integers(0, 3),
        st.integers(0, 4),
        st.integers(0, 1),
    ),
    max_size=8,
)


def events(drawn: list[tuple[Kind, int, int, int]], start: int = 0) -> list[Event]:
    return [
        Event("c/k", Revision(0 if kind == Kind.FLOOR else version, clock, partition, offset), kind)
        for offset, (kind, version, clock, partition) in enumerate(drawn, start)
    ]


def live(all_events: list[Event]) -> Revision | None:
    """Brute force from the rules."""
    floors = [event.revision[1:] for event in all_events if event.kind == Kind.FLOOR]
    above = [
        event
        for event in all_events
        if event.kind != Kind.FLOOR and all(event.revision[1:] > floor for floor in floors)
    ]
    newest = max(above, key=lambda event: event.revision, default=None)
    return newest.revision if newest and newest.kind == Kind.PUT else None


def folded(all_events: list[Event]) -> tuple[KeyFold, dict[str, Kept | None]]:
    fold = KeyFold()
    before: dict[str, Kept | None] = {}
    _, table, _ = tables(all_events)
    fold.add(0, table, before)
    return fold, before


def live_of(fold: KeyFold, before: dict[str, Kept | None]) -> Revision | None:
    changes = list(fold.changes(before))
    assert len(changes) <= 1  # one key
    return changes[0].after.revision if changes and changes[0].after else None


@settings(deadline=None, max_examples=300)  # a busy machine is no failure
@given(states.filter(bool), st.randoms(use_true_random=False))
def test_the_live_state_is_that_of_the_rules_in_any_order(
    drawn: list[tuple[Kind, int, int, int]], order: object
) -> None:
    shuffled = events(drawn)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert live_of(*folded(shuffled)) == live(shuffled)


@settings(deadline=None, max_examples=300)  # a busy machine is no failure
@given(states.filter(bool), states)
def test_what_is_kept_is_enough_for_whatever_comes(
    past: list[tuple[Kind, int, int, int]], future: list[tuple[Kind, int, int, int]]
) -> None:
    old, new = events(past), events(future, start=len(past))
    fold, _ = folded(old)
    kept = [old[place.state] for place in fold.places("c/k")]
    everything, rest = live([*old, *new]), [*kept, *new]
    assert live(rest) == everything


@settings(deadline=None, max_examples=300)  # a busy machine is no failure
@given(states.filter(bool))
def test_nothing_kept_is_superfluous(drawn: list[tuple[Kind, int, int, int]]) -> None:
    old = events(drawn)
    fold, _ = folded(old)
    kept = [old[place.state] for place in fold.places("c/k")]
    floors = [one for one in kept if one.kind == Kind.FLOOR]
    assert len(floors) <= 1
    for one in kept:
        others = [other for other in kept if other is not one and other.kind != Kind.FLOOR]
        if one.kind == Kind.FLOOR:
            continue
        assert all(floor.revision[1:] <= one.revision[1:] for floor in floors)
        assert not any(
            other.revision > one.revision and other.revision[1:] > one.revision[1:] for other in others
        )


def test_a_state_that_only_a_higher_version_hides_is_kept() -> None:
    hiding, hidden = Event("c/k", Revision(7, 10, 0, 1)), Event("c/k", Revision(3, 40, 0, 4))
    assert folded([hiding, hidden])[0].places("c/k") == [Place(0, 0), Place(0, 1)]
    floor = Event("c/k", Revision(0, 30, 1, 9), Kind.FLOOR)
    assert live_of(*folded([hiding, hidden, floor])) == hidden.revision


def test_the_worked_example_of_the_revision_rules() -> None:
    history = [
        Event("c/k", Revision(7, 10, 0, 1)),
        Event("c/k", Revision(3, 20, 0, 2)),
        Event("c/k", Revision(0, 30, 0, 3), Kind.FLOOR),
        Event("c/k", Revision(1, 40, 0, 4)),
    ]
    assert live_of(*folded(history[:1])) == Revision(7, 10, 0, 1)
    assert live_of(*folded(history[:2])) == Revision(7, 10, 0, 1)
    assert live_of(*folded(history[:3])) is None
    assert live_of(*folded(history)) == Revision(1, 40, 0, 4)


def test_a_state_that_is_stored_again_lies_at_its_new_place() -> None:
    put, floor = Event("c/k", Revision(0, 5, 0, 5)), Event("c/k", Revision(0, 2, 0, 2), Kind.FLOOR)
    fold, _ = folded([put, floor])
    assert fold.places("c/k") == [Place(0, 1), Place(0, 0)]
    _, again, _ = tables([floor, put])
    before: dict[str, Kept | None] = {}
    fold.add(9, again, before)
    assert fold.places("c/k") == [Place(9, 0), Place(9, 1)]
    ((was, now),) = fold.changes(before)
    assert was is not None
    assert now is not None
    assert (was.revision, was.place, now.place) == (now.revision, Place(0, 0), Place(9, 1))
    assert not fold.refers_to(0, ["c/k"])
    assert fold.refers_to(9, ["c/k"])
