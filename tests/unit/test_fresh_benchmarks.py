"""What freshness and fresh_edits compute: the tail's stages, counts, verdicts by the producer's clock."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import cast

import msgspec
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from benchmarks import asked_again
from benchmarks.asked_again import AskedAgain
from benchmarks.edit_history import History, State, verdict
from benchmarks.editing import Told, changed_values
from benchmarks.engines import Found, Freshline
from benchmarks.fresh_edits_figures import Side as EditedSide
from benchmarks.fresh_edits_figures import as_stamped, by_age, figures, judged
from benchmarks.freshness_figures import beside, cited, half_load
from benchmarks.freshness_side import Side
from benchmarks.live_phases import Phases, Steady
from benchmarks.tail_process import totals
from benchmarks.tail_stages import STAGES, AppendedEntries, of_one, split
from benchmarks.timed_probes import TimedProbe
from freshline.client import Published
from freshline.coverage import Coverage
from schemas.messages import AsOf, Citation, DocumentEvent, Query, Response, ResponseHit

# the tail's stages


class _Streams:
    """Two entries of partition 2, offsets 5 to 9 at 100.04 s and 10 to 12 at 100.06 s; the latter comes twice."""

    def __init__(self) -> None:
        self.asked: list[dict[int, str]] = []
        self._entries = [
            ("100040-0", 5, 10),
            ("100060-0", 10, 13),
            ("100090-0", 10, 13),
            ("100095-0", None, 0),
        ]

    def read(
        self, after: Mapping[int, str], _: float
    ) -> Mapping[int, Sequence[tuple[str, bytes | None]]] | None:
        self.asked.append(dict(after))
        if not self._entries:
            return None
        number, start, end = self._entries.pop(0)
        return {2: [(number, None if start is None else _entry(start, end))]}

    def close(self) -> None:
        """Nothing is open."""


def _entry(start: int, end: int) -> bytes:
    span = {"topic": "documents", "topic_id": "t", "partition": 2, "start": start, "end": end, "clock": 7}
    return msgspec.msgpack.encode(
        {"format": 1, "range": span, "generation": 1, "segments": [b"not looked at"]}
    )


def appended() -> AppendedEntries:
    streams = _Streams()
    found = AppendedEntries(streams, 4)  # type: ignore[arg-type]
    for _ in range(5):
        found.look()
    assert streams.asked[0] == {0: "", 1: "", 2: "", 3: ""}
    assert streams.asked[-1] == {0: "", 1: "", 2: "100095-0", 3: ""}
    return found


def probed(offset: int) -> Found:
    """Sent at 100 s, kept at 100.01, asked at 100.02; the question waited 55 ms and was answered after 70."""
    return Found(
        key="bench/7",
        seconds=0.1,
        sent=100.0,
        asked=100.02,
        answered=100.1,
        published=Published("documents", 2, offset, 100_010),
        response=answer(timings={"queue": 0.055, "total": 0.07}),
    )


def answer(**fields: object) -> Response:
    bare = Response(schema_version=1, query_id="q", query_sha256="", status="answered")
    return replace(bare, **fields)  # type: ignore[arg-type]


def test_each_stage_of_the_tail_is_the_time_between_its_two_moments() -> None:
    """Offset 12 was first appended at 100.06: 50 ms after the broker had it; taken up at 100.075, made at 100.09."""
    split_ = of_one(probed(12), appended())
    assert split_ == pytest.approx([0.01, 0.05, 0.015, 0.015, 0.01])
    assert len(STAGES) == len(split_ or [])


@pytest.mark.parametrize("offset", [4, 13])
def test_a_probe_that_no_entry_held_has_no_stages(offset: int) -> None:
    assert of_one(probed(offset), appended()) is None
    assert split(appended(), [probed(offset)]) == {stage: [] for stage in STAGES}


def test_a_probe_answered_before_its_entry_was_appended_was_the_streams() -> None:
    """Taken up at 100.05: offset 10 was appended at 100.06."""
    early = replace(probed(10), response=answer(timings={"queue": 0.03, "total": 0.04}))
    assert of_one(early, appended()) is None


def test_only_what_grows_is_taken_by_name_and_label() -> None:
    registry = CollectorRegistry()
    Counter("embedded", "texts", registry=registry).inc(7)
    Gauge("backlog", "records", registry=registry).set(9)
    stages = Histogram("stage", "s", ["stage"], registry=registry)
    for stage, seconds in [("a", 0.25), ("a", 0.25), ("b", 0.25)]:
        stages.labels(stage=stage).observe(seconds)
    assert totals(generate_latest(registry).decode()) == {
        "embedded_total": 7,
        "stage_count a": 2,
        "stage_sum a": 0.5,
        "stage_count b": 1,
        "stage_sum b": 0.25,
    }


# sides


def side(name: str, seconds: Sequence[float], *, cites: bool) -> Side:
    citation = Citation(
        chunk_id="c",
        collection="bench",
        doc_id="7",
        title=None,
        uri=None,
        heading="",
        page=None,
        start=0,
        end=3,
        quote="Tea",
    )
    found = [
        replace(probed(12), seconds=each, response=answer(citations=(citation,) if cites else ()))
        for each in seconds
    ]
    steady = Steady(found=found, missed=1, answered=[0.02])
    return Side(
        name, cast("Freshline", None), cast("Phases", None), 6.5, half=[steady, steady], idle=[steady]
    )


def test_only_answers_that_cite_the_document_count_as_cited() -> None:
    assert cited(side("with", [0.05, 0.07], cites=True).found) == [0.05, 0.07, 0.05, 0.07]
    assert cited(side("with", [0.05], cites=False).found) == []
    other = replace(probed(12), key="bench/8", response=side("with", [0.05], cites=True).found[0].response)
    assert cited([other]) == []


def test_ratios_are_of_medians_and_what_is_not_there_is_not_a_number() -> None:
    """.05, .06, .9 has the median .06; .1 and .2 have .15: .4. Asked again .12: .8. Idle has the same probes."""
    tail, again = side("with", [0.05, 0.06, 0.9], cites=True), side("again", [0.12], cites=True)
    peer = side("Pathway", [0.1, 0.2], cites=False)
    assert [figure.value for figure in beside(tail, again, peer)] == pytest.approx([0.4, 0.8, 0.4])
    assert [figure.holds for figure in beside(tail, again, peer)] == [True, None, None]
    assert math.isnan(beside(side("with", [0.05], cites=False), again, peer)[0].value)
    assert tail.missed == 3
    assert half_load(tail).startswith("6.5 documents/s")


# asked again and again


class _Engine:
    """Answers the third question about a document with it, the ones before without."""

    name = "Freshline"

    def __init__(self) -> None:
        self.queries: list[Query] = []

    def keep(self, _: DocumentEvent) -> Published:
        return Published("documents", 2, 12, 100_010)

    def submit(self, query: Query) -> "Future[Response]":
        self.queries.append(query)
        hit = ResponseHit(chunk_id="c", collection="bench", doc_id="7", start=0, end=3, score=1.0, text="Tea")
        future: Future[Response] = Future()
        future.set_result(answer(hits=(hit,) if len(self.queries) == 3 else ()))
        return future


def test_a_probe_is_asked_again_until_an_answer_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked_again, "AGAIN", 0.001)
    engine = _Engine()
    event = DocumentEvent(schema_version=1, collection="bench", doc_id="7", content="Tea is at four.")
    found = AskedAgain(cast("Freshline", engine)).probe(event).result(10)
    assert found.key == "bench/7"
    assert [query.text for query in engine.queries] == ["Tea is at four."] * 3
    assert all(query.min_offsets is None for query in engine.queries)


# edits

PROBE = TimedProbe("What is the GDP?", "ao#Economy", "GDP", [("2024-01", "1"), ("2024-03", "3")])


def history() -> History:
    """Three states: sent at 0, 10, 20 s and acknowledged .1 s later, at offsets 4, 7 and 9 of partition 2."""
    made = History()
    for number, (sent, month) in enumerate([(0.0, "2024-01"), (10.0, "2024-03"), (20.0, "2024-04")]):
        text = ["GDP: 1\nArea: 9\nKing: A", "GDP: 3\nArea: 9\nKing: A", "GDP: 3\nArea: 9\nKing: B"][number]
        state = State("ao#Economy", text, month, sent)
        state.acknowledge(Published("documents", 2, [4, 7, 9][number], 0), sent + 0.1)
        made.add(state)
    return made


def told(passages: Sequence[str], *, asked: float, answered: float, seen: int | None = None) -> Told:
    coverage: Coverage = {"documents": {2: 100 if seen is None else seen}}
    hits = tuple(
        ResponseHit(
            chunk_id=text, collection="factbook", doc_id="ao#Economy", start=0, end=1, score=1.0, text=text
        )
        for text in passages
    )
    elsewhere = replace(hits[0], doc_id="bo#Economy", text="GDP: 77") if hits else None
    stamp = AsOf(coverage=coverage, seq=1, generation=1, generator="g", newest_event_age=None)
    response = answer(hits=(*hits, *([elsewhere] if elsewhere else ())), as_of=stamp)
    return Told(PROBE, asked, answered, response)


@pytest.mark.parametrize(
    ("passages", "asked", "answered", "expected"),
    [
        (["GDP: 1"], 5.0, 5.1, "right"),  # before the first edit
        (["GDP: 1"], 10.05, 10.2, "right"),  # sent, not acknowledged when asked: both may be
        (["GDP: 3"], 10.05, 10.2, "right"),
        (["GDP: 1"], 10.2, 10.3, "outdated"),  # acknowledged at 10.1
        (["GDP: 3"], 9.0, 9.5, "outdated"),  # not sent before 10: no state of that time holds it
        (["GDP: 3"], 9.0, 10.5, "right"),  # it was sent before the answer
        (["Area: 9"], 15.0, 15.1, "missing"),
        (
            ["GDP: 3", "King: A"],
            25.0,
            25.1,
            "outdated",
        ),  # one passage of a superseded state spoils the answer
        (["GDP: 3", "King: B"], 25.0, 25.1, "right"),
        ([], 25.0, 25.1, "missing"),
    ],
)
def test_answers_are_judged_by_what_was_current_from_question_to_answer(
    passages: list[str], asked: float, answered: float, expected: str
) -> None:
    assert judged(told(passages, asked=asked, answered=answered), history()) == expected


def test_no_answer_is_missing() -> None:
    assert judged(Told(PROBE, 5.0, 65.0, None), history()) == "missing"


def test_what_stands_nowhere_is_outdated_whatever_else_is_right() -> None:
    assert verdict(["GDP: 3", "planted"], ["GDP: 3"], ["GDP: 3", "King: B"]) == "outdated"


@pytest.mark.parametrize(
    ("passage", "seen", "holds"),
    [
        ("GDP: 1", 7, True),  # below 7: the state at offset 4 alone
        ("GDP: 3", 7, False),
        ("GDP: 3", 8, True),
        ("GDP: 1", 8, False),
        ("GDP: 1", 4, False),  # nothing yet
    ],
)
def test_a_stamp_names_the_one_state_that_an_answer_may_hold(passage: str, seen: int, *, holds: bool) -> None:
    assert as_stamped(told([passage], asked=0.0, answered=99.0, seen=seen), history()) is holds


def test_an_edit_changes_the_values_whose_line_differs() -> None:
    first, second, third = history()._states["ao#Economy"]
    assert changed_values([PROBE], None, first) == [PROBE]
    assert changed_values([PROBE], first, second) == [PROBE]
    assert changed_values([PROBE], second, third) == []
    assert changed_values([PROBE], None, replace(first, event_time="2023-12")) == []  # no value yet


def test_shares_times_and_ages_of_one_side() -> None:
    """Four questions: right, outdated .15 s after the acknowledgement, missing, unanswered; one names the edit."""
    made = history()
    edit = made.newest("ao#Economy")
    one = EditedSide(
        "with",
        [
            told(["GDP: 1"], asked=5.0, answered=5.1, seen=5),
            told(["GDP: 1"], asked=10.25, answered=10.35, seen=7),
            told(["Area: 9"], asked=15.0, answered=15.2),
            Told(PROBE, 15.0, 75.0, None),
            replace(told(["GDP: 3"], asked=20.12, answered=20.3, seen=5), edit=edit),
        ],
        durable=[1.0, 3.0],
    )
    values = {figure.name: figure.value for figure in figures(one, made)}
    assert {kind: values[f"with: {kind}"] for kind in ("right", "outdated", "missing")} == {
        "right": 0.25,
        "outdated": 0.25,
        "missing": 0.5,
    }
    assert (values["with: naming the edit: right"], values["with: naming the edit: outdated"]) == (1, 0)
    assert values["with: edit → an answer that has seen it p50"] == pytest.approx(0.3)
    assert values["with: answers not as their stamp says"] == 1  # the last one names offsets below 5
    assert (values["with: questions without an answer"], values["with: last edit → all durable"]) == (1, 2)
    (line,) = by_age([one], made).lines
    assert (list(line.x), list(line.y)) == ([0.2, 5.0], [1.0, 0.0])


def test_what_is_behind_all_is_known_by_partition() -> None:
    assert history().ends() == {"documents": {2: 10}}
