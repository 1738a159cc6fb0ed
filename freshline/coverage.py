"""Which events a derived thing covers: {topic: {partition: next offset to read}}.

A partition that is not named is covered up to nothing (next offset 0 means the same). Transaction markers and
compacted offsets count as covered. Coverages are plain dictionaries, never changed in place.
"""

Coverage = dict[str, dict[int, int]]


def next_offset(coverage: Coverage, topic: str, partition: int) -> int:
    """Next offset to read, 0 where nothing is covered."""
    return coverage.get(topic, {}).get(partition, 0)


def merge(left: Coverage, right: Coverage) -> Coverage:
    """Cover what either covers: the greater next offset, partition by partition."""
    topics = left.keys() | right.keys()
    return {
        topic: {
            partition: max(next_offset(left, topic, partition), next_offset(right, topic, partition))
            for partition in sorted(left.get(topic, {}).keys() | right.get(topic, {}).keys())
        }
        for topic in sorted(topics)
    }


def missing(have: Coverage, want: Coverage) -> Coverage:
    """Return what of `want` is not in `have`: {topic: {partition: how many offsets}}; empty when all is there."""
    gaps = {
        topic: {
            partition: offset - next_offset(have, topic, partition)
            for partition, offset in partitions.items()
            if offset > next_offset(have, topic, partition)
        }
        for topic, partitions in want.items()
    }
    return {topic: partitions for topic, partitions in gaps.items() if partitions}


def covers(have: Coverage, want: Coverage) -> bool:
    """Whether every event below `want` is below `have`."""
    return not missing(have, want)
