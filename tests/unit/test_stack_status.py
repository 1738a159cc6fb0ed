"""`freshline status`: what parts say of themselves stands beside Kafka's lag; the tail and the archive in few lines."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from freshline.cli.stack_view import tail_lines
from freshline.embedded import state, status
from freshline.embedded.layout import Layout
from freshline.embedded.status import Row
from freshline.observability import serve_health
from freshline.settings import ObservabilitySettings, Settings

HELD = {"documents": 3, "bytes": 9000, "entries": 2, "ahead": 4}


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give what looks at a stack of parts that this process is, each with its account."""
    monkeypatch.setattr(status, "_lag", lambda *_: 7)
    me = state.Process(pid=os.getpid(), started=psutil.Process().create_time())
    layout = Layout(tmp_path)
    layout.run("any").parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:

        def look(accounts: Mapping[str, Mapping[str, object]]) -> dict[str, Row]:
            for name, account in accounts.items():
                settings = Settings(observability=ObservabilitySettings(record=str(layout.run(name))))
                opened.enter_context(serve_health(settings, name, lambda account=account: account))  # type: ignore[misc]
            parts = [state.Part(name=name, process=me) for name in accounts]
            state.write(tmp_path, state.State(supervisor=me, parts=parts))
            return {row.part: row for row in status.look(Settings(), layout)}

        yield look


def test_tail_and_archive_say_themselves_how_far_they_are(stack: Any) -> None:
    aside = {"0": "backlog", "1": None}
    rows = stack(
        {
            "stream": {"ready": True},
            "tail": {"ready": True, "backlog": 512, "aside": aside},
            "worker-1": {"ready": True, "tail": HELD, "shards": {"of": 4, "held": [0, 1]}},
            "archive": {"ready": False, "behind": 21},
        }
    )
    assert {name: row.lag for name, row in rows.items()} == {
        "stream": 7,  # Kafka's word, as before
        "tail": 512,
        "worker-1": 7,
        "archive": 21,
    }
    assert {name: row.health for name, row in rows.items()} == {
        "stream": "ready",
        "tail": "ready",
        "worker-1": "ready",
        "archive": "not ready",
    }
    assert (rows["worker-1"].tail, rows["worker-1"].shards, rows["stream"].tail) == (HELD, "0,1 of 4", None)
    assert tail_lines(rows.values()) == [
        "tail: 3 documents in worker-1 are answerable and not durable yet",
        "tail: left to the stream: partition 0 (backlog)",
    ]
    assert msgspec.json.decode(msgspec.json.encode(rows["tail"]))["tail"] == {"aside": aside}


def test_a_stack_without_a_tail_says_so(stack: Any) -> None:
    rows = stack({"worker-1": {"ready": True, "tail": None}, "archive": {"ready": True}})
    assert rows["archive"].lag is None  # it has not looked yet
    assert tail_lines(rows.values()) == ["tail: none; answers are as fresh as the newest micro-batch"]


def test_a_tail_without_anything_beyond_the_lake_says_so(stack: Any) -> None:
    rows = stack(
        {
            "worker-1": {"ready": True, "tail": HELD | {"documents": 0}},
            "tail": {"tail": {"aside": {"0": None}}},
        }
    )
    assert tail_lines(rows.values()) == ["tail: nothing is answered from that is not durable"]
