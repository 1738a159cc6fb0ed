"""Slots that processes share, and calls that a crew shares. Every wait has a deadline."""

import subprocess
import sys
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from freshline.embedding import cores as module
from freshline.embedding.cores import Cores, cores_of_this_machine
from freshline.embedding.crew import Call, Crew

_DEADLINE = 20.0
_HOLD = """
import sys
from pathlib import Path
from freshline.embedding.cores import Cores
with Cores(Path(sys.argv[1]), 1).spare() as had:
    print(had, flush=True)
    sys.stdin.read()
"""


def test_so_many_slots_are_had_by_whoever_asks_and_no_more(tmp_path: Path) -> None:
    one, other = Cores(tmp_path, 2), Cores(tmp_path, 2)
    with ExitStack() as held:
        assert held.enter_context(one.spare())
        assert held.enter_context(other.mine())
        assert not held.enter_context(one.spare())
        assert not held.enter_context(other.mine())  # it goes on without one
    with one.spare() as first, one.spare() as second:
        assert first
        assert second


def test_a_slot_is_free_when_its_process_was_killed(tmp_path: Path) -> None:
    cores = Cores(tmp_path, 1)
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        with cores.spare() as had:
            assert not had
        holder.kill()
        holder.wait(_DEADLINE)
    with cores.spare() as had:
        assert had


def test_who_waits_for_a_slot_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", _DEADLINE)
    cores, taken = Cores(tmp_path, 1), threading.Event()

    def wait() -> None:
        with cores.mine() as had:
            if had:
                taken.set()

    with cores.spare():
        waiting = threading.Thread(target=wait, daemon=True)
        waiting.start()
        assert not taken.wait(0.05)
    assert taken.wait(_DEADLINE)
    waiting.join(_DEADLINE)


def test_the_slots_of_another_users_folder_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("os.getuid", lambda: 12345)  # not the one who makes the folder
    with cores_of_this_machine(4).mine() as had:
        assert not had
    assert list((tmp_path / "freshline-cores-12345").iterdir()) == []


def test_a_helper_joins_in_where_a_core_is_free(tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=_DEADLINE)  # breaks unless two calls are under way at once
    workers: set[int] = set()

    def work(member: int, _: Call) -> None:
        both.wait()
        workers.add(member)

    Crew(Cores(tmp_path, 2), helpers=1).run([[0], [1]], work)
    assert workers == {0, 1}


def test_each_call_is_worked_on_once(tmp_path: Path) -> None:
    done: Counter[int] = Counter()
    crew = Crew(Cores(tmp_path, 3), helpers=2)
    for _ in range(3):  # a crew serves again and again
        crew.run([[number] for number in range(200)], lambda _, call: done.update(call))
    assert done == Counter(dict.fromkeys(range(200), 3))
    crew.run([], lambda *_: pytest.fail("there is nothing to do"))


def test_no_helper_where_other_tasks_hold_the_cores(tmp_path: Path) -> None:
    workers: Counter[int] = Counter()
    with Cores(tmp_path, 2).mine():  # another task embeds
        crew = Crew(Cores(tmp_path, 2), helpers=1)
        crew.run([[number] for number in range(50)], lambda member, _: workers.update([member]))
    assert workers == {0: 50}


@pytest.mark.parametrize("guilty", [0, 1])
def test_what_a_call_raises_is_raised_whoever_made_it(tmp_path: Path, guilty: int) -> None:
    both = threading.Barrier(2, timeout=_DEADLINE)
    crew = Crew(Cores(tmp_path, 2), helpers=1)

    def work(member: int, _: Call) -> None:
        both.wait()
        if member == guilty:
            raise ValueError(f"member {member}")

    with pytest.raises(ValueError, match=f"member {guilty}"):
        crew.run([[0], [1]], work)
    with Cores(tmp_path, 2).spare() as first, Cores(tmp_path, 2).spare() as second:
        assert first  # nothing is left locked
        assert second
