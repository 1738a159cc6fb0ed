"""`freshline evaluate` as a user runs it: broker, stream and worker of its own, ended whatever happens."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import ir_measures
import psutil
import pytest

from tests.support.beir import write_beir
from tests.support.rooms import Room
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

WORDS = (
    "garden",
    "river",
    "lantern",
    "orchard",
    "bridge",
    "safe",
    "attic",
    "clock",
    "library",
    "platform",
    "oven",
    "museum",
)
CORPUS = {f"doc {n}": (word.title(), f"The {word} is closed on day {n}.") for n, word in enumerate(WORDS)}
QUERIES = {f"q{n}": f"When is the {word} closed?" for n, word in enumerate(WORDS[:6])}
QRELS = [(f"q{n}", f"doc {n}", 1) for n in range(6)]


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    long = " ".join(f"Sentence {n} speaks of nothing in particular." for n in range(120))
    corpus = {**CORPUS, "long": ("", long), "blank": ("", ""), "bad\nid": ("Refused", "by the contract")}
    return write_beir(tmp_path / "small", corpus, QUERIES, [*QRELS, ("q0", "gone", 1)])


def command(directory: Path, *words: str) -> Room:
    """Start the command with temporary files below the directory."""
    (directory / "tmp").mkdir()
    argv = [sys.executable, "-m", "freshline.cli", "evaluate", *words, "--set", "models.backend=tiny"]
    # what the user's own settings name is not there: the evaluation must not go near it
    own = {"FRESHLINE_KAFKA__BOOTSTRAP": "127.0.0.1:9", "FRESHLINE_LAKE__URI": str(directory / "untouched")}
    return Room("evaluate", argv, directory, {"TMPDIR": str(directory / "tmp"), **own})


@pytest.fixture
def room(tmp_path: Path, beir: Path) -> Iterator[Room]:
    reranked = ("models.reranker=late-interaction", "retrieval.rerank_budget=60")
    words = [word for each in reranked for word in ("--set", each)]
    made = command(tmp_path, str(beir), "--keep", str(tmp_path / "runs"), *words)
    yield made
    made.close()


def test_a_folder_becomes_a_kept_run(tmp_path: Path, room: Room) -> None:
    assert room.wait_until_dead(240) == 0, room.tail()
    (folder,) = (tmp_path / "runs").iterdir()
    told = json.loads((folder / "run.json").read_text())
    corpus = told["corpus"]
    assert (corpus["documents"], corpus["published"], corpus["empty"], corpus["refused"]) == (15, 13, 1, 1)
    assert (corpus["dead_letters"], corpus["unknown"]) == (0, 1)
    assert corpus["chunks"] > 13  # the long one has several
    assert told["reranker"].startswith("late-interaction")
    assert told["worker"] == {"asked": 6, "same": 6, "k": 10}

    qrels = [
        ir_measures.Qrel(query, document, grade) for query, document, grade in [*QRELS, ("q0", "gone", 1)]
    ]
    for mode in ("dense", "lexical", "hybrid", "reranked"):  # by another reader of the very files
        run = [
            ir_measures.ScoredDoc(one.query_id, one.doc_id.replace("%20", " "), one.score)
            for one in ir_measures.read_trec_run(str(folder / f"{mode}.trec"))  # type: ignore[no-untyped-call]
        ]
        expected = ir_measures.calc_aggregate([ir_measures.nDCG @ 10, ir_measures.AP @ 100], qrels, run)
        found = {ir_measures.parse_measure(name): value for name, value in told["means"][mode].items()}
        assert {name: found[name] for name in expected} == pytest.approx(expected)
        # every document is found by its best chunk, once
        assert len({one.doc_id for one in run if one.query_id == "q1"}) == sum(
            o.query_id == "q1" for o in run
        )
    assert told["means"]["lexical"]["RR@10"] == 1.0  # each question names its document's own word
    assert len({one.doc_id for one in run if one.query_id == "q1"}) == 13

    assert not list((tmp_path / "tmp").glob("freshline-*"))
    assert not (tmp_path / "untouched").exists()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_an_evaluation_that_is_ended_leaves_nothing(
    room: Room, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    parent = psutil.Process(room.process.pid)

    def started() -> list[psutil.Process]:
        assert room.process.poll() is None, room.tail()
        children = parent.children(recursive=True)
        return children if any(child.name() == "java" for child in children) else []

    children = wait_for(started, what="the broker", within=60)
    os.kill(room.process.pid, number)
    assert room.wait_until_dead(60) == code, room.tail()
    wait_for(lambda: not any(map(alive, children)), what="the children's end", within=30)
    if number != signal.SIGKILL:  # the next start removes the folder of a command that was killed
        assert not list((tmp_path / "tmp").glob("freshline-*"))
    assert "Traceback" not in room.log.read_text()


def alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
