from freshline.ingest.record import RawRecord, RunningClocks


def record(partition: int, offset: int, timestamp: int) -> RawRecord:
    return RawRecord("documents", partition, offset, timestamp, b"k", b"v")


def test_clock_is_the_running_maximum_of_its_own_partition() -> None:
    clocks = RunningClocks({"documents": {0: 50}})
    # by hand: partition 0 starts at 50; 40 is behind it, 60 ahead, 55 behind again; partition 1 starts at 0
    seen = [
        clocks.advance(record(p, o, t))
        for p, o, t in [(0, 1, 40), (1, 1, 7), (0, 2, 60), (0, 3, 55), (1, 2, 5)]
    ]
    assert seen == [50, 7, 60, 60, 7]
    assert clocks.seen == {"documents": {0: 60, 1: 7}}


def test_a_cut_between_batches_changes_no_clock() -> None:
    events = [record(0, n, t) for n, t in enumerate([3, 9, 4, 9, 12, 1])]
    whole = RunningClocks({})
    expected = [whole.advance(e) for e in events]
    for cut in range(len(events) + 1):
        first = RunningClocks({})
        got = [first.advance(e) for e in events[:cut]]
        second = RunningClocks(first.seen)
        got += [second.advance(e) for e in events[cut:]]
        assert got == expected
