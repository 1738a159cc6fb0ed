"""Check a lake: every named file, then the index against the tables, at one moment, beside a running stream.

    1  moment    what the manifest has decided and the tables hold            freshline.integrity.moment
    2  hashes    every file that an entry names: there, of its size and sha256
    3  read      tables and live segments of the serving generation, each once, set down on a scratch disk by key
    4  compare   part by part: states, rows to the last bit of their vectors

`quick` ends after 2. Where the tables are damaged nothing can be compared, and a shard with a damaged segment is not:
it must be rebuilt anyway.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from freshline.errors import IntegrityError
from freshline.index.entries import Add, Generation
from freshline.integrity import segments, tables
from freshline.integrity.compare import compare
from freshline.integrity.files import segment_damage
from freshline.integrity.finding import Finding, Findings
from freshline.integrity.moment import Moment, table_damage, take_moment
from freshline.integrity.spill import Spill
from freshline.lake.storage import Storage

Tell = Callable[[str], None]


@dataclass(slots=True)
class Report:
    """What was looked at and what was found."""

    seq: int
    segments: int = 0
    table_files: int = 0
    #: live files whose sha256 nobody knows: their rows are compared
    merged_files: int = 0
    states: int = 0
    rows: int = 0
    #: shards whose rows were compared
    compared: list[int] = field(default_factory=list)
    #: what had been decided and was applied first
    applied: tuple[str, ...] = ()
    findings: Findings = field(default_factory=Findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What to check. `shards` None = all; `now`: by which expiry is judged, aware."""

    now: datetime
    shards: frozenset[int] | None = None
    quick: bool = False
    tell: Tell = lambda _: None


def check(storage: Storage, scope: Scope) -> Report:
    """Return what was found. Raises IntegrityError where the manifest itself cannot be read, TransientError."""
    scope.tell("the manifest")
    moment = take_moment(storage)  # 1
    report = Report(seq=moment.state.seq, applied=moment.applied)
    run = _Check(storage, scope, moment, report)
    run.hash_tables()  # 2
    serving = moment.state.serving
    adds = [
        add for add in moment.state.segments.values() if scope.shards is None or add.shard in scope.shards
    ]
    report.segments = len(adds)
    if scope.quick or serving is None or report.findings.tables:
        run.hash_segments(adds)
        return report
    run.hash_segments([add for add in adds if add.generation != serving.generation])
    mine = [add for add in adds if add.generation == serving.generation]
    run.compare(serving, mine, open_spill(moment, serving, scope.shards))  # 3, 4
    return report


def open_spill(moment: Moment, serving: Generation, shards: frozenset[int] | None) -> Spill:
    """Return a place with as many parts as the tables' rows ask for."""
    rows = sum(file.rows for name in ("documents", "chunks") for file in moment.tables[name])
    return Spill(shards=serving.shards, rows=rows, wanted=shards)


@dataclass(frozen=True, slots=True)
class _Check:
    """One check: what it finds goes into the report."""

    storage: Storage
    scope: Scope
    moment: Moment
    report: Report

    def hash_tables(self) -> None:
        files = [file for live in self.moment.tables.values() for file in live]
        self.report.table_files = len(files)
        self.report.merged_files = sum(file.sha256 is None for file in files)
        self.scope.tell(f"{len(files)} files of the tables")
        self._note(table_damage(self.storage, self.moment))

    def hash_segments(self, adds: Sequence[Add]) -> None:
        for number, add in enumerate(adds):
            self.scope.tell(f"segment {number + 1} of {len(adds)}")
            self._note(segment_damage(self.storage, add))

    def compare(self, serving: Generation, adds: Sequence[Add], spill: Spill) -> None:
        self.scope.tell("documents and chunks")
        try:
            dimension = tables.set_down(self.storage, self.moment, serving.generation, spill)  # 3
        except IntegrityError as error:
            self._note([Finding(kind="unreadable", shard=None, where="tables", detail=str(error))])
            return
        damaged = self._read(adds, (serving, dimension), spill)
        for shard, part in spill.places():  # 4
            self.scope.tell(f"shard {shard}, part {part + 1} of {spill.parts}")
            self._note(self._part(spill, shard, part, skip=shard in damaged))
        self.report.compared = sorted({shard for shard, _ in spill.places()} - damaged)

    def _read(self, adds: Sequence[Add], wanted: segments.Wanted, spill: Spill) -> set[int]:
        """Read the segments; return the shards of those that cannot be read."""
        damaged: set[int] = set()
        for number, add in enumerate(adds):
            self.scope.tell(f"segment {number + 1} of {len(adds)}")
            found = segments.set_down(self.storage, add, wanted, number, spill)
            self._note(found)
            damaged |= {add.shard} if found else set()
        return damaged

    def _part(self, spill: Spill, shard: int, part: int, *, skip: bool) -> Iterator[Finding]:
        wanted, torn = tables.expected(spill, shard, part)
        yield from torn
        if not skip:
            self.report.states += wanted.states.num_rows
            self.report.rows += wanted.rows.num_rows
            yield from compare(wanted, segments.held(spill, shard, part), shard, self.scope.now)

    def _note(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.report.findings.add(finding)
