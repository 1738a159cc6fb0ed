"""What a task of the one pass tells the driver: names of files and numbers, never document content."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from freshline.coverage import Coverage
from freshline.index.entries import Add, DataFile
from freshline.ingest.record import Clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class PassResult:
    """Files written and counts. Results of several tasks add up.

    `left` is where tasks stopped taking records (freshline.ingest.budget.Budget).
    """

    files: tuple[DataFile, ...] = ()
    segments: tuple[Add, ...] = ()
    clocks: Clocks = field(default_factory=dict)
    left: Coverage = field(default_factory=dict)
    accepted: int = 0
    rejected: int = 0
    chunks: int = 0
    embedded: int = 0
    #: of the records taken, as the budget counts them
    bytes: int = 0
    reject_codes: dict[str, int] = field(default_factory=dict)

    @property
    def newest_event_ms(self) -> int | None:
        """Return the greatest broker timestamp read, None where nothing was."""
        return max((ms for partitions in self.clocks.values() for ms in partitions.values()), default=None)


def add_up(results: Iterable[PassResult]) -> PassResult:
    """Sum results; a partition is read by one task only, so clocks and offsets do not meet."""
    total = list(results)
    codes: Counter[str] = Counter()
    for result in total:
        codes.update(result.reject_codes)
    return PassResult(
        files=tuple(file for result in total for file in result.files),
        segments=tuple(segment for result in total for segment in result.segments),
        clocks=_joined(result.clocks for result in total),
        left=_joined(result.left for result in total),
        accepted=sum(result.accepted for result in total),
        rejected=sum(result.rejected for result in total),
        chunks=sum(result.chunks for result in total),
        embedded=sum(result.embedded for result in total),
        bytes=sum(result.bytes for result in total),
        reject_codes=dict(codes),
    )


def _joined(maps: Iterable[dict[str, dict[int, int]]]) -> dict[str, dict[int, int]]:
    joined: dict[str, dict[int, int]] = {}
    for one in maps:
        for topic, partitions in one.items():
            joined.setdefault(topic, {}).update(partitions)
    return joined
