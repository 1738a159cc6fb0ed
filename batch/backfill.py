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

from freshline.errors import Conflict, TransientError
from freshline.index.entries import Entry, Files
from freshline.index.manifest import Manifest, ManifestState
from freshline.ingest.one_pass import PassPlan
from freshline.ingest.result import PassResult
from freshline.lake.tables import Lake

_PREFIX = "backfill-"
_TRIES = 50

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
        self._apply(self.manifest.fold())  # what an earlier run left undone
        number = self._register()  # 1
        plan = PassPlan(generation=self.generation, shards=self.shards, clocks={})
        result = self.run_pass(number, plan)  # 2
        files = Files(application=f"{_PREFIX}{number}", version=1, files=result.files)
        state = self._append(lambda _: [files, *result.segments])  # 3
        self._apply(state)  # 4
        self.notify(state.seq)
        return number, result

    def _register(self) -> int:
        taken = 0

        def entry(state: ManifestState) -> list[Entry]:
            nonlocal taken
            taken = 1 + max(map(_number, state.files), default=0)
            return [Files(application=f"{_PREFIX}{taken}", version=0, files=())]

        self._append(entry)
        return taken

    def _append(self, entries: Callable[[ManifestState], list[Entry]]) -> ManifestState:
        for _ in range(_TRIES):
            state = self.manifest.fold()
            try:
                return self.manifest.append(state, entries(state), writer="backfill")
            except Conflict:
                continue
        raise TransientError(f"the manifest was busy {_TRIES} times in a row; run the backfill again")

    def _apply(self, state: ManifestState) -> None:
        for files in state.files.values():
            self.lake.apply(files)


def _number(application: str) -> int:
    return int(application.removeprefix(_PREFIX)) if application.startswith(_PREFIX) else 0
