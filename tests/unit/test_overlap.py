"""Steps 3 to 5 of a batch beside the pass of the next: order, failures, a clean end. Every wait has a deadline."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from freshline.coverage import Coverage
from freshline.errors import Fenced, TransientError
from freshline.index.entries import Files, Generation
from freshline.index.manifest import Manifest
from freshline.ingest.one_pass import PassPlan
from freshline.ingest.result import PassResult
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from streaming import micro_batch
from streaming.beside import Beside
from streaming.micro_batch import Steps
from tests.support.identities import FakeIdentities

_DEADLINE = 20.0


@dataclass
class Driver:
    """Notes in `said` what happens in which order; `letters` and `passing` are called in step 5 and in the pass."""

    lake: Lake
    letters: Callable[[], None] = lambda: None
    passing: Callable[[], None] = lambda: None
    left: Coverage = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def steps(self) -> Steps:
        return Steps(
            manifest=Manifest(self.lake),
            lake=self.lake,
            dead_letters=self,
            notify=lambda seq: self.said.append(f"notify {seq}"),
            run_pass=self.run_pass,
            generation=0,
            origin=FakeIdentities().origin(),
            task_bytes=7,
        )

    def run_pass(self, _: Any, plan: PassPlan) -> PassResult:
        assert plan.task_bytes == 7
        self.passing()
        self.said.append("pass")
        return PassResult(left=self.left)

    def deliver(self, files: Files, end: Coverage) -> None:
        self.letters()
        self.said.append(f"letters {files.version} {end['documents'][0]}")

    def close(self) -> None:
        self.said.append("closed")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(Storage(str(tmp_path)))
    made.create()
    manifest = Manifest(made)
    first = Generation(generation=0, status="serving", fingerprint="f", chunker="c", shards=1)
    manifest.append(manifest.fold(), [first], writer="test")
    return made


def at(offset: int) -> Coverage:
    return {"documents": {0: offset}}


def covered(lake: Lake) -> Coverage:
    return Manifest(lake).fold().coverage


def test_a_pass_runs_while_the_batch_before_is_finished_and_its_decision_waits(lake: Lake) -> None:
    delivering, passed = threading.Event(), threading.Event()
    coverage_in_letters: list[Coverage] = []

    def letters() -> None:
        delivering.set()
        assert passed.wait(_DEADLINE), "the second pass did not run beside"
        threading.Event().wait(0.3)  # time enough for a decision that does not wait
        coverage_in_letters.append(covered(lake))

    def passing() -> None:
        if driver.said:  # the second one
            assert delivering.wait(_DEADLINE)
            passed.set()

    driver = Driver(lake, letters, passing)
    steps = driver.steps()
    steps.run({}, at(0), at(5))
    steps.run({}, at(5), at(9))
    steps.settle()
    assert coverage_in_letters == [at(5), at(9)]  # nothing else was decided before the first was finished
    # the first decision of the manifest is the generation; notify comes first, as readers see the batch already
    order = [line for line in driver.said if line != "pass"]
    assert order == ["notify 2", "letters 1 5", "notify 3", "letters 2 9"]


def test_a_failure_beside_keeps_the_next_batch_from_being_decided(lake: Lake) -> None:
    def letters() -> None:
        raise OSError("no space left")

    driver = Driver(lake, letters)
    steps = driver.steps()
    assert steps.run({}, at(0), at(5)) is not None
    with pytest.raises(TransientError, match="after a decision: OSError: no space left"):
        steps.run({}, at(5), at(9))
    assert covered(lake) == at(5)
    with pytest.raises(TransientError, match="no space left"):  # and stays
        steps.check()
    steps.close()
    driver.letters = lambda: None
    again = driver.steps()
    again.finish(again.manifest.fold())
    assert driver.said[-1] == "letters 1 5"


def test_a_fence_beside_is_told_as_it_is(lake: Lake) -> None:
    def letters() -> None:
        raise Fenced("a newer driver")

    steps = Driver(lake, letters).steps()
    steps.run({}, at(0), at(5))
    with pytest.raises(Fenced, match="a newer driver"):
        steps.settle()


def test_a_clean_end_waits_for_what_is_in_hand(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro_batch, "_CLOSE_WITHIN", _DEADLINE)
    closing = threading.Event()

    def letters() -> None:
        assert closing.wait(_DEADLINE)

    driver = Driver(lake, letters)
    steps = driver.steps()
    steps.run({}, at(0), at(5))
    threading.Timer(0.05, closing.set).start()
    steps.close()
    assert driver.said[-2:] == ["letters 1 5", "closed"]


def test_what_a_pass_left_is_not_covered(lake: Lake) -> None:
    driver = Driver(lake, left={"documents": {1: 3}})
    steps = driver.steps()
    steps.run({}, at(0), {"documents": {0: 5, 1: 8}})
    assert covered(lake) == {"documents": {0: 5, 1: 3}}
    driver.left = {}
    steps.run({}, {"documents": {0: 5, 1: 3}}, {"documents": {0: 5, 1: 8}})
    assert covered(lake) == {"documents": {0: 5, 1: 8}}


def test_beside_does_one_piece_of_work_at_a_time() -> None:
    beside, go, said = Beside(), threading.Event(), []

    def first() -> None:
        assert go.wait(_DEADLINE)
        said.append("first")

    beside.start(first)
    assert not beside.wait(0.0)
    threading.Timer(0.05, go.set).start()
    beside.start(lambda: said.append("second"))
    beside.join()
    assert said == ["first", "second"]
    assert beside.wait(0.0)
