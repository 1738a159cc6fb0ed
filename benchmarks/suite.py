"""Run the benchmarks of `make bench`, one process each; a failure does not keep the others from being measured.

A process writes to a file of its own, which takes the place of the earlier one when it is whole. A benchmark that takes
longer than three times its budget is stopped: a wait that never ends would cost the others their turn.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.names import NAMES, TOTAL, budgets, is_there
from benchmarks.written import how_far, read
from freshline.errors import UserError

_PATIENCE = 3  # times its budget
#: What a process that is stopped gets to take its own children down, seconds.
_GRACE = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one benchmark; `failure` is why there is no file, `missed` are goals as they are told."""

    name: str
    seconds: float = 0.0
    failure: str | None = None
    missed: Sequence[str] = ()
    absent: bool = False


def chosen(only: Sequence[str]) -> list[str]:
    """Return the benchmarks to run, all by default. Raises UserError for a name that is not known."""
    unknown = [name for name in only if name not in NAMES]
    if unknown:
        raise UserError(f"no benchmark {unknown[0]!r}; there is: {', '.join(NAMES)}")
    return list(only) or list(budgets())


def run_all(names: Sequence[str], out: Path, *, seed: int, quick: bool) -> list[Outcome]:
    """Run them one after the other, saying which and how long; files go to out/NAME.json."""
    out.mkdir(parents=True, exist_ok=True)
    outcomes = []
    for place, name in enumerate(names, start=1):
        if not is_there(name):
            print(f"==> {name} ({place} of {len(names)}): not there yet, passed over", flush=True)
            outcomes.append(Outcome(name, absent=True))
            continue
        budget = NAMES[name].budget
        planned = f", about {budget} s" if budget and not quick else ""
        print(f"==> {name} ({place} of {len(names)}{planned})", flush=True)
        try:
            outcomes.append(_run(name, out, seed=seed, quick=quick))
        except KeyboardInterrupt:
            outcomes.append(Outcome(name, failure="interrupted; what follows it was not begun"))
            return outcomes
        print(f"    {_told(outcomes[-1])}", flush=True)
    return outcomes


def summary(outcomes: Sequence[Outcome]) -> list[str]:
    """Return what went wrong, in lines: failures, missed goals, what is not there, time beyond the budget."""
    lines = [f"{one.name} failed: {one.failure}" for one in outcomes if one.failure]
    lines += [f"{one.name}: {missed}" for one in outcomes for missed in one.missed]
    lines += [f"{one.name} is not there yet" for one in outcomes if one.absent]
    took = sum(one.seconds for one in outcomes)
    if took > TOTAL:
        lines.append(f"all took {took:,.0f} s, they should stay under {TOTAL:,} s")
    return lines


def good(outcomes: Sequence[Outcome]) -> bool:
    """Whether nothing failed and every goal was kept."""
    return not any(one.failure or one.missed for one in outcomes)


def _run(name: str, out: Path, *, seed: int, quick: bool) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="freshline-bench-") as folder:
        file = Path(folder) / f"{name}.json"
        command = [sys.executable, "-m", "benchmarks", name, "--json", str(file), "--seed", str(seed)]
        started = time.monotonic()
        code = _finished([*command, *(["--quick"] if quick else [])], NAMES[name].budget)
        seconds = time.monotonic() - started
        if code is None:
            return Outcome(name, seconds, f"stopped after {seconds:,.0f} s, {_PATIENCE} times its budget")
        if not file.exists():
            return Outcome(name, seconds, _why(code))
        (out / file.name).write_bytes(file.read_bytes())
        return Outcome(name, seconds, missed=[how_far(figure) for figure in read(file).missed])


def _why(code: int) -> str:
    """Return why there is no file: a negative code is the signal that ended the process."""
    if code < 0:
        return f"ended by signal {-code} ({signal.Signals(-code).name})"
    return f"exit code {code}, what it printed says why"


def _finished(command: Sequence[str], budget: int | None) -> int | None:
    """Return the exit code, None where the process had to be stopped. What interrupts this wait stops it too."""
    # in a session of its own: Ctrl-C comes once, from here, and not a second time while it tidies up
    process = subprocess.Popen(command, env=os.environ, start_new_session=True)
    try:
        return process.wait(_PATIENCE * budget if budget else None)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs: first so that it can take its own processes down, then with all of them."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_GRACE)


def _told(one: Outcome) -> str:
    budget = NAMES[one.name].budget
    beyond = f", {one.seconds - budget:.0f} s beyond its budget" if budget and one.seconds > budget else ""
    said = (
        f"FAILED after {one.seconds:.0f} s: {one.failure}" if one.failure else f"done in {one.seconds:.0f} s"
    )
    return "\n    ".join([said + beyond, *(f"MISSED {missed}" for missed in one.missed)])
