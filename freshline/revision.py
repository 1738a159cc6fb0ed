"""Which of two states of a document is newer.

A revision is (version or 0, clock, partition, offset). The clock is the running maximum of broker timestamps
within a partition: a function of the log alone, the same for every reader however batches are cut. A backfilled
document has clock 0 and (run, row) in the last two places, so it is below any Kafka event of its version.

A record with a null value is a *floor*: it deletes every state of its key whose (clock, partition, offset) is
below its own, whatever the version. Live = the greatest revision above the floor, if it is a put and not expired.

Worked example, one key, all in partition 0:
    offset 1, clock 10, version 7, put      revision (7, 10, 0, 1)
    offset 2, clock 20, version 3, put      revision (3, 20, 0, 2)   late: recorded, not live
    offset 3, clock 30, null value          floor (30, 0, 3)         both are below it: nothing is live
    offset 4, clock 40, version 1, put      revision (1, 40, 0, 4)   above the floor: live
"""

from enum import StrEnum
from typing import NamedTuple


class Position(NamedTuple):
    """Where a state stands in the order of arrival: floors compare by it."""

    clock: int
    partition: int
    offset: int


class Revision(NamedTuple):
    """The order of states of one key."""

    version: int
    clock: int
    partition: int
    offset: int

    @property
    def position(self) -> Position:
        """The revision without its version."""
        return Position(self.clock, self.partition, self.offset)


class Kind(StrEnum):
    """What an accepted event does to its key."""

    PUT = "put"
    DELETE = "delete"  # ordered by version
    FLOOR = "floor"  # a null value: everything below its position


#: Below every floor that an event can set.
NO_FLOOR = Position(-1, -1, -1)
