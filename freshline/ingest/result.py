"""What a task of the one pass tells the driver: names of files and numbers, never document content."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from freshline.index.entries import Add, DataFile
from freshline.ingest.record import Clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class PassResult:
    """Files written and counts. Results of several tasks add up."""

    files: tuple[DataFile, ...] = ()
    segments: tuple[Add, ...] = ()
    clocks: Clocks = field(default_factory=dict)
    accepted: int = 0
    rejected: int = 0
    chunks: int = 0
    embedded: int = 0
    reject_codes: dict[str, int] = field(default_factory=dict)

    @property
    def newest_event_ms(self) -> int | None:
        """Return the greatest broker timestamp read, None where nothing was."""
        return max((ms for partitions in self.clocks.values() for ms in partitions.values()), default=None)


def add_up(results: Iterable[PassResult]) -> PassResult:
    """Sum results; a partition is read by one task only, so clocks do not meet."""
    total = list(results)
    clocks: Clocks = {}
    codes: dict[str, int] = {}
    for result in total:
        for topic, partitions in result.clocks.items():
            clocks.setdefault(topic, {}).update(partitions)
        for code, count in result.reject_codes.items():
            codes[code] = codes.get(code, 0) + count
    return PassResult(
        files=tuple(file for result in total for file in result.files),
        segments=tuple(segment for result in total for segment in result.segments),
        clocks=clocks,
        accepted=sum(result.accepted for result in total),
        rejected=sum(result.rejected for result in total),
        chunks=sum(result.chunks for result in total),
        embedded=sum(result.embedded for result in total),
        reject_codes=codes,
    )
