"""Which of the entries that came follow on from the manifest: offsets by hand."""

from typing import Any

import pytest

from freshline.settings import TailSettings
from serving.tail import book as module
from serving.tail.book import Book, Epoch
from tests.support.tail_entries import EPOCH, TOPIC, entry, manifest, offsets, state


def new(ends: dict[int, int], **limits: Any) -> Book:
    """Return a book that has seen a manifest."""
    made = Book(TOPIC, TailSettings(**limits))
    made.beyond(manifest(ends))
    return made


def put(book: Book, start: int, end: int, *, partition: int = 0, epoch: Epoch = EPOCH, **how: Any) -> bool:
    """Add an entry with one document for each offset."""
    states = [
        state(offset, f"d{offset}", f"text {offset}", partition=partition) for offset in range(start, end)
    ]
    return book.add(entry(start, end, *states, partition=partition, **how), epoch)


def covered(book: Book, ends: dict[int, int]) -> dict[int, int]:
    """Return what is answerable beside a manifest."""
    return book.beyond(manifest(ends)).coverage[TOPIC]


def test_contiguous_entries_are_answerable_and_a_gap_waits() -> None:
    book = new({0: 10, 1: 5})
    assert put(book, 8, 12)
    assert put(book, 17, 20)
    assert put(book, 12, 15)
    view = book.beyond(manifest({0: 10, 1: 5}))
    assert view.coverage == {TOPIC: {0: 15, 1: 5}}
    assert offsets(view.segments) == [[10, 11], [12, 13, 14]]
    assert view.newest_event_ms == 1014
    assert put(book, 15, 17)
    assert covered(book, {0: 10, 1: 5}) == {0: 20, 1: 5}
    assert book.held == module.Held(documents=12, bytes=book.held.bytes, entries=4, ahead=10)


def test_the_same_segments_come_back_until_they_are_covered() -> None:
    book = new({0: 10})
    put(book, 8, 12)
    put(book, 12, 15)
    first = book.beyond(manifest({0: 10})).segments
    again = book.beyond(
        manifest({0: 13})
    ).segments  # the second one is covered in part: whole until all of it is
    assert [id(one) for one in again] == [id(first[1])]
    assert offsets(again) == [[12, 13, 14]]
    assert book.beyond(manifest({0: 15})).segments == ()
    assert book.held == module.Held(0, 0, 0, 0)


def test_what_comes_twice_or_overlaps_counts_once() -> None:
    book = new({0: 10})
    assert put(book, 10, 13)
    assert not put(book, 10, 13)
    assert covered(book, {0: 10}) == {0: 13}
    assert not put(book, 11, 13)  # ends where we are
    assert put(book, 11, 16)  # of another owner: from 13 on
    assert offsets(book.beyond(manifest({0: 10})).segments) == [[10, 11, 12], [13, 14, 15]]


def test_of_two_that_follow_on_the_longer_one_is_taken() -> None:
    book = new({0: 10})
    put(book, 10, 11)
    put(book, 9, 14)
    assert offsets(book.beyond(manifest({0: 10})).segments) == [[10, 11, 12, 13]]
    assert book.held.entries == 1


def test_a_range_in_which_nothing_counts_carries_on() -> None:
    book = new({0: 10})
    assert book.add(entry(10, 14), EPOCH)
    assert put(book, 14, 15)
    view = book.beyond(manifest({0: 10}))
    assert (view.coverage, offsets(view.segments)) == ({TOPIC: {0: 15}}, [[14]])
    assert not book.add(entry(15, 15), EPOCH)


def test_a_partition_that_the_manifest_does_not_know_begins_at_0() -> None:
    book = new({0: 10})
    put(book, 0, 2, partition=3)
    assert covered(book, {0: 10}) == {0: 10, 3: 2}


@pytest.mark.parametrize("epoch", [Epoch("topic-2", 0), Epoch("topic-1", 1)])
def test_entries_of_another_creation_or_generation_are_left_out(epoch: Epoch) -> None:
    book = new({0: 10})
    assert not put(book, 10, 12, epoch=epoch, topic_id=epoch.topic_id)
    assert not put(book, 10, 12, topic_id="topic-2")
    assert covered(book, {0: 10}) == {0: 10}


def test_topic_ids_that_nobody_knows_are_no_reason() -> None:
    book = new({0: 10})
    assert put(book, 10, 12, topic_id="")
    assert covered(book, {0: 10}) == {0: 12}


@pytest.mark.parametrize("change", [{"topic_id": "topic-2"}, {"generation": 1}])
def test_another_creation_or_generation_begins_with_nothing(change: dict[str, Any]) -> None:
    book = new({0: 10})
    put(book, 10, 12)
    assert covered(book, {0: 10}) == {0: 12}
    assert book.beyond(manifest({0: 10}, **change)).coverage == {TOPIC: {0: 10}}
    assert book.epoch != EPOCH
    assert book.beyond(manifest({0: 10})).coverage == {TOPIC: {0: 10}}


def test_nothing_is_wanted_before_a_first_batch() -> None:
    book = Book(TOPIC, TailSettings())
    assert book.epoch is None
    assert not put(book, 0, 1)


@pytest.mark.parametrize(("limits", "most"), [({"max_documents": 2}, 4), ({"max_bytes": 1}, 1)])
def test_there_is_room_until_the_manifest_has_to_advance(limits: dict[str, int], most: int) -> None:
    book = new({0: 10}, **limits)
    for offset in range(10, 10 + most):
        assert book.has_room(0)
        put(book, offset, offset + 1)
    assert not book.has_room(0)  # twice what the owner may have ahead
    assert book.has_room(1)
    assert covered(book, {0: 10 + most}) == {0: 10 + most}
    assert book.has_room(0)


def test_entries_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ENTRIES", 2)
    book = new({0: 10})
    put(book, 10, 11)
    put(book, 15, 16)  # behind a gap: it counts too
    assert not book.has_room(0)


def test_a_manifest_that_went_back_is_followed() -> None:
    book = new({0: 10})
    put(book, 8, 12)
    assert offsets(book.beyond(manifest({0: 10})).segments) == [[10, 11]]
    assert offsets(book.beyond(manifest({0: 8})).segments) == [[8, 9, 10, 11]]
