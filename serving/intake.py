"""What a record of `queries` turns out to be: a question, a question to refuse, or no question at all.

Pure: knows neither what was answered before nor the time.
"""

from dataclasses import dataclass
from functools import cached_property

from freshline.coverage import Coverage, merge
from freshline.transport.port import Record, TopicPartition
from schemas.codec import InvalidQuery, decode_query, query_sha256
from schemas.messages import Query
from schemas.reject import Rejected


@dataclass(frozen=True)
class Asked:
    """A question with the position that it came from. `sha256` tells bodies under one query_id apart."""

    record: Record
    query: Query
    #: the offsets that `max_staleness` stands for, once they are known (serving.staleness)
    floor: Coverage | None = None
    #: seconds since the oldest event that it missed although it waited, where that is known
    late_by: float | None = None

    @property
    def wanted(self) -> Coverage:
        """Return the offsets that the answer must cover, as far as they are known."""
        return merge(self.query.min_offsets or {}, self.floor or {})

    @property
    def query_id(self) -> str:
        """Return the query's own id."""
        return self.query.query_id

    @cached_property
    def sha256(self) -> str:
        """Return the digest of the body."""
        return query_sha256(self.record.value or b"")

    @property
    def partition(self) -> TopicPartition:
        """Return where it stands."""
        return TopicPartition(self.record.topic, self.record.partition)


@dataclass(frozen=True)
class Refused:
    """A question that gets an error response: its query_id could be read. `detail` goes to the asker."""

    record: Record
    query_id: str
    code: str
    detail: str

    @cached_property
    def sha256(self) -> str:
        """Return the digest of the body."""
        return query_sha256(self.record.value or b"")


@dataclass(frozen=True)
class Unreadable:
    """A record that nobody can be answered about: it becomes a dead letter."""

    record: Record
    code: str
    detail: str


Intake = Asked | Refused | Unreadable

CONTRADICTION = "as_of asks for the past and max_staleness for the present: leave one out"


def read(record: Record) -> Intake:
    """Decode one record. Never raises, whatever the bytes."""
    try:
        query = decode_query(record.key, record.value)
    except InvalidQuery as exc:
        return Refused(record, exc.query_id, exc.code, exc.detail)
    except Rejected as exc:
        return Unreadable(record, exc.code, exc.detail)
    if query.as_of is not None and query.max_staleness is not None:
        return Refused(record, query.query_id, "invalid_query", CONTRADICTION)
    return Asked(record, query)
