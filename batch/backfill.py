"""Backfill: the one pass over finite input.

    1  register   an empty Files entry takes the run's number by compare-and-set
    2  one pass   executors write files that nobody sees yet
    3  decide     one manifest commit names the files and segments: the whole run becomes visible at once
    4  apply      the files are committed to their tables with txn = ("backfill-<run>", 1)

A run that died before step 3 leaves nothing visible; one that died before step 4 is applied by the next start of
the stream or of a backfill.
"""

from collections.abc import Callable
from dataclasses import dataclass

from freshline.index.entries import Entry, Files
from freshline.index.manifest import Manifest, ManifestState
from freshline.ingest.one_pass import PassPlan
from freshline.ingest.result import PassResult
from freshline.lake.tables import Lake

_PREFIX = "backfill-"
_WRITER = "backfill"

RunPass = Callable[[int, PassPlan], PassResult]


@dataclass(frozen=True, slots=True)
class Backfill:
    """One run over its ports; `run_pass(run, plan)` reads the source under that run's number."""

    manifest: Manifest
    lake: Lake
    run_pass: RunPass
    generation: int
    shards: int
    notify: Callable[[int], None]

    def run(self) -> tuple[int, PassResult]:
        """Return (the run's number, what it did)."""
        for left in self.manifest.fold().files.values():  # what an earlier run left undone
            self.lake.apply(left)
        number = self._register()  # 1
        plan = PassPlan(generation=self.generation, shards=self.shards, clocks={})
        result = self.run_pass(number, plan)  # 2
        files = Files(application=f"{_PREFIX}{number}", version=1, files=result.files)
        state = self.manifest.decide(lambda _: [files, *result.segments], _WRITER)  # 3
        self.lake.apply(files)  # 4
        self.notify(state.seq)
        return number, result

    def _register(self) -> int:
        taken = 0

        def entry(state: ManifestState) -> list[Entry]:
            nonlocal taken
            taken = 1 + max(map(_number, state.files), default=0)
            return [Files(application=f"{_PREFIX}{taken}", version=0, files=())]

        self.manifest.decide(entry, _WRITER)
        return taken


def _number(application: str) -> int:
    return int(application.removeprefix(_PREFIX)) if application.startswith(_PREFIX) else 0
