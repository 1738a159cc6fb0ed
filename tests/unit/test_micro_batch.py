from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from freshline.coverage import Coverage
from freshline.errors import UserError
from freshline.index.entries import Files, Generation
from freshline.index.manifest import Manifest
from freshline.ingest.one_pass import PassPlan
from freshline.ingest.result import PassResult
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from streaming.micro_batch import Overlap, Steps
from streaming.origin import Restarted
from tests.support.identities import FakeIdentities


@dataclass
class Box:
    """Remembers what was delivered, as the group's offsets would."""

    delivered: list[tuple[int, Coverage]] = field(default_factory=list)

    def deliver(self, files: Files, end: Coverage) -> None:
        if (files.version, end) not in self.delivered:
            self.delivered.append((files.version, end))

    def close(self) -> None:
        pass


@dataclass
class Driver:
    """One driver over a shared lake; the pass writes nothing and reports clocks."""

    lake: Lake
    box: Box
    plans: list[PassPlan] = field(default_factory=list)
    notified: list[int] = field(default_factory=list)
    ids: FakeIdentities = field(default_factory=FakeIdentities)

    def steps(self) -> Steps:
        return Steps(
            manifest=Manifest(self.lake),
            lake=self.lake,
            dead_letters=self.box,
            notify=self.notified.append,
            run_pass=self.run_pass,
            generation=0,
            origin=self.ids.origin(),
        )

    def run_pass(self, frame: Any, plan: PassPlan) -> PassResult:
        self.plans.append(plan)
        return PassResult(clocks=frame, accepted=1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(Storage(str(tmp_path)))
    made.create()
    manifest = Manifest(made)
    first = Generation(generation=0, status="serving", fingerprint="f", chunker="c", shards=3)
    manifest.append(manifest.fold(), [first], writer="test")
    return made


def at(offset: int) -> Coverage:
    return {"documents": {0: offset}}


def test_batches_are_numbered_and_clocks_carried_on(lake: Lake) -> None:
    driver = Driver(lake, Box())
    steps = driver.steps()
    steps.run({"documents": {0: 70}}, at(0), at(5))
    steps.run({"documents": {1: 40}}, at(5), {"documents": {0: 9, 1: 2}})
    steps.settle()
    state = Manifest(lake).fold()
    assert state.cover is not None
    assert (state.cover.batch, state.cover.start, state.cover.end) == (2, at(5), {"documents": {0: 9, 1: 2}})
    assert state.cover.clocks == {"documents": {0: 70, 1: 40}}
    assert state.cover.newest_event_ms == 70
    assert [plan.clocks for plan in driver.plans] == [{}, {"documents": {0: 70}}]
    assert [plan.shards for plan in driver.plans] == [3, 3]
    assert driver.box.delivered == [(1, at(5)), (2, {"documents": {0: 9, 1: 2}})]


def test_a_batch_that_spark_runs_again_is_skipped(lake: Lake) -> None:
    driver = Driver(lake, Box())
    steps = driver.steps()
    assert steps.run({}, at(0), at(5)) is not None
    assert steps.run({}, at(0), at(5)) is None
    steps.settle()
    assert len(driver.plans) == 1
    assert len(driver.box.delivered) == 1


def test_a_second_driver_that_was_overtaken_decides_nothing(lake: Lake) -> None:
    one, two = Driver(lake, Box()), Driver(lake, Box())
    first, second = one.steps(), two.steps()
    first.run({}, at(0), at(5))
    with pytest.raises(Overlap, match="covers"):
        second.run({}, at(0), at(7))
    assert two.plans == []
    assert Manifest(lake).fold().coverage == at(5)


def test_overtaken_between_pass_and_decision_decides_nothing(lake: Lake) -> None:
    slow, fast = Driver(lake, Box()), Driver(lake, Box())

    class Slow(Driver):
        def run_pass(self, frame: Any, plan: PassPlan) -> PassResult:
            fast.steps().run({}, at(0), at(3))
            return super().run_pass(frame, plan)

    slow = Slow(lake, Box())
    with pytest.raises(Overlap):
        slow.steps().run({}, at(0), at(7))
    assert Manifest(lake).fold().coverage == at(3)
    assert slow.box.delivered == []


def test_other_decisions_in_between_do_not_stop_a_batch(lake: Lake) -> None:
    class Interrupted(Driver):
        def run_pass(self, frame: Any, plan: PassPlan) -> PassResult:
            manifest = Manifest(self.lake)
            manifest.append(
                manifest.fold(), [Files(application="backfill-1", version=0, files=())], writer="test"
            )
            return super().run_pass(frame, plan)

    driver = Interrupted(lake, Box())
    assert driver.steps().run({}, at(0), at(7)) is not None
    assert Manifest(lake).fold().coverage == at(7)


def test_a_start_finishes_the_newest_cover(lake: Lake) -> None:
    died = Driver(lake, Box()).steps()
    died.run({}, at(0), at(5))
    died.settle()
    started = Driver(lake, Box())
    steps = started.steps()
    steps.finish(steps.manifest.fold())
    assert started.box.delivered == [(1, at(5))]
    assert started.notified == [2]  # the manifest's second decision; the first is the generation


def test_an_accepted_gap_is_covered_without_files(lake: Lake) -> None:
    driver = Driver(lake, Box())
    steps = driver.steps()
    steps.run({}, at(0), at(5))
    steps.skip(at(5), at(50))
    assert steps.manifest.fold().coverage == at(50)
    assert steps.manifest.fold().files["stream"].files == ()


def test_covers_name_cluster_and_topic(lake: Lake) -> None:
    Driver(lake, Box()).steps().run({}, at(0), at(5))
    cover = Manifest(lake).fold().cover
    assert cover is not None
    assert (cover.cluster, cover.topics) == ("cluster-a", {"documents": "topic-1"})


def test_what_was_read_of_a_topic_that_was_replaced_is_not_decided(lake: Lake) -> None:
    class Replaced(Driver):
        def run_pass(self, frame: Any, plan: PassPlan) -> PassResult:
            self.ids.id = "topic-2"
            return super().run_pass(frame, plan)

    with pytest.raises(Restarted, match="topic-1 is now topic-2"):
        Replaced(lake, Box()).steps().run({}, at(0), at(5))
    assert Manifest(lake).fold().cover is None


def test_a_replaced_topic_that_looks_covered_is_not_skipped(lake: Lake) -> None:
    driver = Driver(lake, Box())
    steps = driver.steps()
    steps.run({}, at(0), at(5))
    driver.ids.id = "topic-2"
    with pytest.raises(Restarted):
        steps.run({}, at(0), at(3))


def test_a_topic_that_begins_again_is_covered_from_0_with_clocks_above_all_before(lake: Lake) -> None:
    driver = Driver(lake, Box())
    first = driver.steps()
    first.run({"documents": {0: 70, 1: 90}}, at(0), {"documents": {0: 5, 1: 6}})
    first.settle()
    driver.ids.id = "topic-2"
    steps = driver.steps()
    steps.finish(steps.manifest.fold())
    steps.restart([0, 1, 2])
    cover = Manifest(lake).fold().cover
    assert cover is not None
    assert (cover.batch, cover.start, cover.end) == (2, {}, {"documents": {0: 0, 1: 0, 2: 0}})
    assert cover.clocks == {"documents": {0: 91, 1: 91, 2: 91}}  # 90 is the greatest before
    assert cover.topics == {"documents": "topic-2"}
    steps.run({}, {"documents": {0: 0, 1: 0, 2: 0}}, at(3))
    steps.settle()
    assert Manifest(lake).fold().coverage == {"documents": {0: 3, 1: 0, 2: 0}}
    # the last batch of the first topic is finished without its offsets: they mean nothing in the second
    assert driver.box.delivered[1:] == [
        (1, {}),
        (2, {"documents": {0: 0, 1: 0, 2: 0}}),
        (3, {"documents": {0: 3, 1: 0, 2: 0}}),
    ]


def test_another_cluster_is_refused_unless_accepted(lake: Lake) -> None:
    driver = Driver(lake, Box())
    driver.steps().run({}, at(0), at(5))
    cover = Manifest(lake).fold().cover
    other = FakeIdentities(cluster="cluster-b").origin()  # the same topic id: it counts for nothing there
    with pytest.raises(UserError, match=r"cluster-a.*cluster-b.*accept_cluster"):
        other.judge(cover)
    assert other.judge(cover, accept_cluster=True) == "restarted"
    driver.ids.cluster = "cluster-b"
    steps = driver.steps()
    steps.restart([0])
    assert Manifest(lake).fold().coverage == at(0)


def test_a_cover_of_an_earlier_release_is_adopted(lake: Lake) -> None:
    driver = Driver(lake, Box(), ids=FakeIdentities(cluster="", id=""))
    driver.steps().run({}, at(0), at(5))
    now = Driver(lake, Box())
    steps = now.steps()
    assert steps.origin.judge(steps.manifest.fold().cover) == "same"
    steps.run({}, at(5), at(9))
    cover = Manifest(lake).fold().cover
    assert cover is not None
    assert (cover.start, cover.topics) == (at(5), {"documents": "topic-1"})


def test_a_lake_that_was_filled_from_a_topic_of_another_name_goes_on(lake: Lake) -> None:
    steps = Driver(lake, Box()).steps()
    steps.run({}, {"old.documents": {0: 0}}, {"old.documents": {0: 7}})
    steps.run({}, at(0), at(5))
    assert steps.manifest.fold().coverage == {"documents": {0: 5}, "old.documents": {0: 7}}
