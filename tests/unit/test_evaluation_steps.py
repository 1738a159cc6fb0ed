"""The steps of an evaluation that need no broker: waiting, deepening, a stack's folder."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from batch.evaluation import publish as evaluate_publish
from batch.evaluation import search as evaluate_search
from batch.evaluation.modes import Side, named_modes, own_side, sides
from batch.evaluation.publish import wait_until_covered
from batch.evaluation.search import Finder, Questions
from freshline.embedded import temporary
from freshline.embedded.state import process_of
from freshline.errors import MissingPart, TransientError
from freshline.index.entries import Cover
from freshline.index.manifest import Manifest
from freshline.index.state import ManifestState
from freshline.reranking.overlap import OverlapReranker
from freshline.retrieval.policy import Policy
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.snapshot import Snapshot
from freshline.settings import RetrievalSettings, Settings


class Told:
    """Stands where a screen would."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int, int]] = []

    def __call__(self, what: str, done: int, total: int) -> None:
        self.steps.append((what, done, total))


class Growing:
    """A manifest that covers one record more at each look, up to `most`."""

    def __init__(self, most: int) -> None:
        self.looks, self.most = 0, most

    def fold(self) -> ManifestState:
        self.looks += 1
        end = {"documents": {0: min(self.looks, self.most)}}
        return ManifestState(cover=Cover(batch=1, start={}, end=end, clocks={}))


def test_waiting_tells_how_far_it_is() -> None:
    told = Told()
    wait_until_covered(cast("Manifest", Growing(3)), {"documents": {0: 3}}, told)
    assert told.steps == [("indexed", 1, 3), ("indexed", 2, 3), ("indexed", 3, 3)]


def test_waiting_ends_where_a_room_has_ended_or_nothing_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended() -> None:
        raise MissingPart("streaming ended with code 2")

    with pytest.raises(MissingPart, match="code 2"):
        wait_until_covered(cast("Manifest", Growing(1)), {"documents": {0: 3}}, Told(), ended)
    monkeypatch.setattr(evaluate_publish, "_STALL", 0.05)
    with pytest.raises(TransientError, match=r"stood still for 0\.05 s at 2 of 3"):
        wait_until_covered(cast("Manifest", Growing(2)), {"documents": {0: 3}}, Told())


class Hit:
    """What a finder reads of one."""

    def __init__(self, doc_id: str, score: float) -> None:
        self.doc_id, self.score = doc_id, score


def searching(monkeypatch: pytest.MonkeyPatch, chunks: Sequence[str]) -> list[int]:
    """Let every search find these chunks' documents, best first; return the list of the ks it is asked for."""
    asked: list[int] = []

    def search(_: Snapshot, requests: Sequence[SearchRequest], *__: object, **___: Any) -> list[list[Hit]]:
        asked.append(requests[0].k)
        found = [Hit(document, 1.0 - n / 1000) for n, document in enumerate(chunks)]
        return [found[: request.k] for request in requests]

    monkeypatch.setattr(evaluate_search, "search", search)
    return asked


def finder(*, drop_same: bool = False) -> Finder:
    return Finder(Snapshot(fingerprint="f"), Side("dense", Policy()), 0, drop_same)


ONE = Questions({"q": "text"}, np.zeros((1, 2), np.float32))


def test_where_chunks_are_of_few_documents_it_is_searched_deeper(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = searching(monkeypatch, ["a"] * 5 + ["b", "a", "c", "d"])
    told = Told()
    assert list(finder().run(ONE, 3, told)["q"]) == ["a", "b", "c"]
    assert asked == [3, 12]
    assert told.steps == [("dense", 1, 1)]


def test_all_there_is_is_less_than_k(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = searching(monkeypatch, ["a", "b"])
    assert list(finder().run(ONE, 3, Told())["q"]) == ["a", "b"]
    assert asked == [3]


def test_a_querys_own_document_is_left_out_where_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    searching(monkeypatch, ["q", "a", "b", "c"])
    assert list(finder().run(ONE, 3, Told())["q"]) == ["q", "a", "b"]
    assert list(finder(drop_same=True).run(ONE, 3, Told())["q"]) == ["a", "b", "c"]


def test_modes_are_the_settings_policy_in_each_mode() -> None:
    assert named_modes("", reranker=True) == ["dense", "lexical", "hybrid", "reranked"]
    assert named_modes("hybrid, dense,hybrid", reranker=False) == ["hybrid", "dense"]
    settings = Settings(retrieval=RetrievalSettings(mode="lexical", depth=77))
    reranker = OverlapReranker()
    made = sides(["dense", "hybrid", "reranked"], settings, reranker)
    assert [(side.name, side.policy.mode, side.policy.depth, side.reranker) for side in made] == [
        ("dense", "dense", 77, None),
        ("hybrid", "hybrid", 77, None),
        ("reranked", "hybrid", 77, reranker),
    ]
    assert own_side(settings, reranker).policy.mode == "lexical"


def test_a_killed_commands_folder_goes_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    own = process_of(os.getpid())
    assert own is not None
    owners = {"dead": f"{own.pid} {own.started - 1000}", "alive": f"{own.pid} {own.started}", "unknown": ""}
    for name, owner in owners.items():
        folder = tmp_path / f"freshline-temporary-{name}"
        folder.mkdir()
        (folder / "owner").write_text(owner)
    temporary.sweep()
    left = {folder.name.rpartition("-")[2] for folder in tmp_path.iterdir()}
    assert left == {"alive", "unknown"}
