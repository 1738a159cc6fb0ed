"""The supervisor with small children, then the whole stack as a user starts it."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from deltalake import DeltaTable

from freshline import config
from freshline.embedded import state
from freshline.embedded.child import Child
from freshline.embedded.layout import Layout
from freshline.embedded.part import Backoff, Recipe
from freshline.embedded.recipes import Origin
from freshline.embedded.supervisor import AlreadyRunning, Supervisor
from freshline.errors import MissingPart
from tests.support.waiting import wait_for

pytestmark = pytest.mark.integration

SLEEPER = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"


def gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


class Stack:
    """A supervisor of rooms that are given, in a thread; broker and redis are said to be the user's own."""

    def __init__(self, folder: Path, scripts: Mapping[str, str]) -> None:
        self.layout = Layout(folder.resolve())
        self.events: list[tuple[str, dict[str, object]]] = []
        self.error: Exception | None = None
        self._scripts = scripts
        overrides = [f"stack.directory={folder}", "kafka.bootstrap=127.0.0.1:1", "redis.url=none"]
        self.supervisor = Supervisor(
            Origin(settings=config.load(overrides, {}).settings, arguments=(), environ=os.environ),
            apply_topics=lambda kafka: self._note("applied", {"bootstrap": kafka.bootstrap}),
            listen=self._note,
            rooms=lambda _: [self._recipe(name) for name in scripts],
            backoff=Backoff(first=0.05),
        )
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.supervisor.stop()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def named(self, event: str) -> list[dict[str, object]]:
        return [details for name, details in self.events if name == event]

    def has(self, event: str, times: int) -> bool:
        return len(self.named(event)) == times

    def pid(self, part: str) -> int:
        found = state.read(self.layout.root)
        assert found is not None
        return next(p.process.pid for p in found.parts if p.name == part and p.process)

    def _recipe(self, name: str) -> Recipe:
        started = self.layout.root / f"{name}.started"
        argv = [sys.executable, "-c", self._scripts[name], str(started)]
        return Recipe(
            name=name,
            start=lambda: Child(argv, self.layout.log(name)),
            ready=started.exists,
            address=lambda: "nowhere",
            room=True,
        )

    def _run(self) -> None:
        try:
            self.supervisor.run()
        except Exception as error:  # noqa: BLE001 - handed to the test
            self.error = error

    def _note(self, event: str, details: dict[str, object]) -> None:
        self.events.append((event, details))


@contextmanager
def running(folder: Path, scripts: Mapping[str, str]) -> Iterator[Stack]:
    stack = Stack(folder, scripts)
    stack.start()
    try:
        wait_for(lambda: stack.named("running") or stack.error, what="ready", within=30)
        assert stack.error is None
        yield stack
    finally:
        stack.stop()


def test_what_ends_is_started_again_after_a_growing_pause(tmp_path: Path) -> None:
    with running(tmp_path, {"stream": SLEEPER, "worker-1": SLEEPER}) as stack:
        other, pids = stack.pid("worker-1"), []
        for count in (1, 2, 3):
            pids.append(stack.pid("stream"))
            os.kill(pids[-1], signal.SIGKILL)
            wait_for(partial(stack.has, "started", 2 + count), what="restart", within=20)
            wait_for(lambda: not gone(stack.pid("stream")), what="new state", within=20)
        assert [each["pause"] for each in stack.named("restarting")] == [0.05, 0.1, 0.2]
        assert stack.named("restarting")[0]["why"] == "ended with code -9"
        assert len({*pids, stack.pid("stream")}) == 4
        assert stack.pid("worker-1") == other
        found = state.running(tmp_path)
        assert found is not None
        assert [(part.name, part.restarts) for part in found.parts] == [("stream", 3), ("worker-1", 0)]
    assert stack.error is None
    assert gone(other)
    lines = stack.layout.log("supervisor").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines if "restarting" in line] == ["restarting"] * 3


def test_one_folder_has_one_supervisor(tmp_path: Path) -> None:
    with running(tmp_path, {"stream": SLEEPER}):
        second = Stack(tmp_path, {"stream": SLEEPER})
        second.start()
        second.stop()
        assert isinstance(second.error, AlreadyRunning)
        assert f"{tmp_path.resolve()} already (stream nowhere)" in str(second.error)
        assert second.events == []
    with running(tmp_path, {"stream": SLEEPER}) as third:
        assert third.error is None


def test_a_part_that_ends_before_it_is_ready_ends_the_start_with_its_own_words(tmp_path: Path) -> None:
    stack = Stack(tmp_path, {"worker-1": SLEEPER, "stream": "print('no table here'); raise SystemExit(2)"})
    stack.start()
    wait_for(lambda: stack.named("ended"), what="end", within=30)
    stack.stop()
    assert isinstance(stack.error, MissingPart)
    assert "stream ended with code 2 before it was ready" in str(stack.error)
    assert "no table here" in str(stack.error)
    found = state.read(tmp_path)
    assert found is not None
    assert [part.process for part in found.parts] == [None, None]


def test_a_stop_while_starting_ends_what_has_started(tmp_path: Path) -> None:
    stack = Stack(tmp_path, {"stream": "import time; time.sleep(600)"})
    stack.start()
    wait_for(lambda: stack.named("started"), what="start", within=30)
    pid = stack.pid("stream")
    stack.stop()
    assert stack.error is None
    assert gone(pid)
    assert stack.named("applied") == [{"bootstrap": "127.0.0.1:1"}]


class User:
    """Somebody with a shell, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        environ = {k: v for k, v in os.environ.items() if not k.startswith("FRESHLINE_")}
        self._environ = {**environ, "FRESHLINE_MODELS__BACKEND": "tiny", "FRESHLINE_SPARK__TASKS": "1"}

    def types(self, *words: str, code: int = 0, given: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "freshline.cli", *words],
            cwd=self._folder,
            env=self._environ,
            input=given,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + (done.stderr if code else "")

    def status(self, code: int = 0) -> dict[str, dict[str, Any]]:
        return {row["part"]: row for row in json.loads(self.types("status", "--json", code=code))}


def until(look: Callable[[], Any], what: str) -> Any:
    return wait_for(look, what=what, within=120, every=0.5)


@pytest.mark.timeout(1200)
def test_a_user_starts_asks_kills_and_ends_the_whole_stack(
    jars: dict[str, list[Path]], tmp_path: Path
) -> None:
    assert jars
    user = User(tmp_path)
    (tmp_path / "tea.md").write_text("# Tea\n\nTea is served at four.\n")
    try:
        user.types("up", "--detach")
        first = user.status()
        assert {name: row["health"] for name, row in first.items()} == dict.fromkeys(
            ["redis", "broker", "stream", "worker-1", "tail", "archive"], "ready"
        )
        user.types("publish", "tea.md", "-", "--collection", "notes", code=2, given="no id")
        published = user.types("publish", "tea.md", "--collection", "notes", "--wait", "--timeout", "100")
        words = ("publish", "tea.md", "--collection", "notes", "--wait-durable", "--json", "--timeout", "100")
        (took,) = json.loads(user.types(*words))
        assert 0 < took["answerable_seconds"] <= took["durable_seconds"] < 100

        def hits(*words: str, given: str = "") -> Any:
            typed = ("ask", "When is tea served?", "--no-generate", "--json", *words)
            return json.loads(user.types(*typed, given=given))["hits"]

        assert [hit["doc_id"] for hit in hits()] == ["tea.md"]
        assert hits("--after", "-", "--max-staleness", "0", given=published) == hits()
        assert hits("--where", "$doc_id^=tea", "--filter", '{"$time": {"$gt": "2020-01-01"}}') == hits()
        assert hits("--where", "$doc_id!=tea.md") == []
        assert user.status()["stream"]["lag"] == 0
        responses = tmp_path / ".freshline" / "lake" / "tables" / "responses"
        until(lambda: len(DeltaTable(str(responses)).to_pyarrow_table()) >= 5, "five archived answers")
        found = state.running(tmp_path / ".freshline")
        assert found is not None
        os.kill(found.supervisor.pid, signal.SIGKILL)
        pids = [part.process.pid for part in found.parts if part.process]
        until(lambda: all(map(gone, pids)), "no orphan")
        assert user.status(code=1) == {}
        user.types("up", "--detach")
        again = user.status()
        assert again["broker"]["address"] == first["broker"]["address"]
        assert hits()[0]["doc_id"] == "tea.md"
        pids = [row["pid"] for row in again.values()]
    finally:
        user.types("down")
    assert all(map(gone, pids))
