"""What the benchmarks on a running stack compute of what they are told: stages, loads, quantiles, documents."""

from concurrent.futures import Future
from pathlib import Path

import pytest

from benchmarks.edit_stream import edits
from benchmarks.engines import Found
from benchmarks.freshness_figures import _bins, quantiles
from benchmarks.live_documents import chunk_texts, documents, probe, renamed
from benchmarks.live_phases import _Due, settle, timed
from benchmarks.stages import STAGES, PlannedBatches, _Moment, _of_one
from freshline.client import Published
from freshline.settings import ModelSettings, Settings
from schemas.messages import DocumentEvent, Response

EVENT = DocumentEvent(schema_version=1, collection="bench", doc_id="7", content="Tea is at four.")


def found(offset: int) -> Found:
    """Sent at 100 s, kept at 100.01, asked at 100.02; the question waited 1.4 s and was answered after 1.43."""
    return Found(
        key="bench/7",
        seconds=1.46,
        sent=100.0,
        asked=100.02,
        answered=101.46,
        published=Published(topic="documents", partition=2, offset=offset, timestamp=100_010),
        response=Response(
            schema_version=1,
            query_id="q",
            query_sha256="",
            status="answered",
            timings={"queue": 1.4, "total": 1.43},
        ),
    )


def moments(*at: float) -> list[_Moment]:
    """Batches that end at offsets 10, 20, 30 … of partition 2."""
    return [_Moment(when, {"documents": {2: 10 * number}}) for number, when in enumerate(at, start=1)]


def test_each_stage_is_the_time_between_its_two_moments() -> None:
    """Offset 10 is the first that the batch ending at 20 holds: planned at 100.5, decided at 101.3."""
    split = _of_one(found(10), moments(99.0, 100.5, 102.0), moments(99.5, 101.3, 103.0))
    assert split == pytest.approx([0.01, 0.49, 0.8, 0.12, 0.03, 0.01])
    assert len(STAGES) == len(split or [])
    assert sum(split or []) == pytest.approx(1.46)


@pytest.mark.parametrize("offset", [9, 30])
def test_a_probe_before_or_behind_all_known_batches_has_no_stages(offset: int) -> None:
    """9 was in the oldest batch known or one before it; 30 is in none."""
    assert _of_one(found(offset), moments(99.0, 100.5, 102.0), moments(99.5, 101.3, 103.0)) is None


def test_planned_batches_are_read_from_sparks_offsets_in_their_order(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints" / "1-a" / "offsets"
    folder.mkdir(parents=True)
    for number in (10, 9):
        (folder / str(number)).write_text(f'v1\n{{}}\n{{"documents":{{"2":{number}}}}}')
    (folder / ".10.crc").write_text("")
    planned = PlannedBatches(tmp_path)
    planned.look()
    (folder / "9").unlink()  # Spark keeps two
    planned.look()
    assert [moment.end for moment in planned.moments()] == [{"documents": {2: 9}}, {"documents": {2: 10}}]


def test_what_is_due_adds_up_to_the_rate() -> None:
    """2.5 a second: after .3 s none, after .4 one, after 2 s five in all."""
    due = _Due(2.5)
    assert [due.until(0.3), due.until(0.4), due.until(2.0), due.until(2.0)] == [0, 1, 4, 0]


def test_quantiles_of_a_hundred_values() -> None:
    """Of 1 … 100 the median is 50.5; 99 of them are below 100."""
    p50, p99 = quantiles("wait", [float(n) for n in range(100, 0, -1)], (60.0, 99.0))
    assert (p50.name, p50.value, p50.spread, p50.holds) == ("wait p50", 50.5, (1.0, 100.0), True)
    assert (p99.name, p99.value, p99.holds) == ("wait p99", 100.0, False)


def test_shares_of_a_histogram() -> None:
    """Two bins to a tenfold: .2 is in .1 … .316, nothing is in .316 … 1, 2, 2 and 3 are in 1 … 3.16."""
    line = _bins("all", [3.0, 0.2, 2.0, 2.0], bins=2)
    assert list(line.x) == pytest.approx([0.1778, 0.5623, 1.778], rel=1e-3)
    assert list(line.y) == [0.25, 0, 0.75]


def test_no_chunk_of_one_copy_is_a_chunk_of_another() -> None:
    events, settings = documents(1, 3), Settings()
    first, second = (set(chunk_texts(renamed(events, name), settings)) for name in ("load0", "load1"))
    assert len(first) == len(second) >= 6  # 2,500 characters never fit into one chunk
    assert not first & second


def test_fifty_probes_are_told_apart_by_their_first_words() -> None:
    asked = {(probe(number, [EVENT], "p").content or "")[:30] for number in range(50)}
    assert len(asked) == 50


class _Silent:
    """An engine that never answers, or fails."""

    def __init__(self) -> None:
        self.answer: Future[object] = Future()

    def ask(self, _: str) -> "Future[object]":
        return self.answer


def test_a_failed_question_has_no_latency_and_is_not_passed_over() -> None:
    engine, seconds = _Silent(), list[float]()
    asked = timed(engine, "When is tea?", seconds)  # type: ignore[arg-type]
    engine.answer.set_exception(RuntimeError("gone"))
    assert seconds == []
    with pytest.raises(RuntimeError, match="gone"):
        settle([asked])


def test_an_edit_stream_is_the_same_for_everyone_and_names_the_chunks_that_are_new() -> None:
    settings = Settings(models=ModelSettings(backend="tiny"))
    texts = ["One is here. Two is here. Three is here.", "Alpha is there. Beta is there."]
    originals = [
        DocumentEvent(schema_version=1, collection="c", doc_id=f"{n}", content=text)
        for n, text in enumerate(texts)
    ]
    mine, theirs = edits(originals, settings, seed=3), edits(originals, settings, seed=3)
    before = originals
    for _ in range(3):
        now = next(mine)
        assert next(theirs) == now
        # each document is one chunk, and a sentence of it was replaced
        assert now.new == {(f"c/{event.doc_id}", event.content) for event in now.documents}
        assert all("It was changed to " in (event.content or "") for event in now.documents)
        assert not {event.content for event in before} & {event.content for event in now.documents}
        before = list(now.documents)
