"""The twin of the tail's streams, where a test makes it fail."""

from concurrent.futures import ThreadPoolExecutor

from freshline.cache.memory_tail import MemoryTail, MemoryTails


def test_away_everything_is_none_and_nothing_is_lost() -> None:
    server = MemoryTails()
    tail = MemoryTail(server)
    first = tail.append(0, b"a")
    assert first is not None
    server.become("away")
    assert (tail.append(0, b"b"), tail.entries(0), tail.read({0: ""}, 60.0)) == (None, None, None)
    tail.trim(0, str(int(first) + 1))
    server.become("up")
    assert tail.entries(0) == [(first, b"a")]


def test_frozen_what_was_to_be_appended_comes_at_the_thaw() -> None:
    server = MemoryTails()
    tail, other = MemoryTail(server), MemoryTail(server)
    server.become("frozen")
    assert (tail.append(0, b"a"), tail.entries(0), other.read({0: ""}, 60.0)) == (None, None, None)
    server.become("up")
    kept = other.entries(0)
    assert kept is not None
    assert [value for _, value in kept] == [b"a"]


def test_who_waits_learns_of_the_failure_and_of_the_end() -> None:
    server = MemoryTails()
    tail = MemoryTail(server)
    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(tail.read, {0: ""}, 60.0)
        server.become("away")
        assert heard.result(10.0) is None
        server.become("up")
        heard = pool.submit(tail.read, {0: ""}, 60.0)
        tail.close()
        assert heard.result(10.0) == {}


def test_after_a_flush_only_the_new_is_read_with_ids_that_go_on_or_begin_anew() -> None:
    server = MemoryTails()
    tail = MemoryTail(server)
    (last,) = [tail.append(0, value) for value in (b"a", b"b", b"c")][2:]
    assert last is not None
    server.flush()
    assert (tail.entries(0), tail.read({0: last}, 0.0)) == ([], {})
    after = tail.append(0, b"d")
    assert tail.read({0: last}, 0.0) == {0: [(after, b"d")]}
    server.flush(behind=True)
    anew = tail.append(0, b"e")
    assert tail.read({0: last}, 0.0) == {0: [(anew, b"e")]}


def test_what_is_not_ours_is_none_and_left_out_of_entries() -> None:
    server = MemoryTails()
    tail = MemoryTail(server, "g")
    foreign = server.append(("g", 0), None)
    ours = tail.append(0, b"a")
    assert tail.read({0: ""}, 0.0) == {0: [(foreign, None), (ours, b"a")]}
    assert tail.entries(0) == [(ours, b"a")]
