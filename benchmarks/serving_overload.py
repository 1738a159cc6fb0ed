"""Three times as many questions as a worker can answer, for a minute: what becomes of each, and of its memory.

Every question has the deadline that an asker gives by itself; one in twenty has none, and is answered however late: its
`timings` say how long it waited. Every question must end, in time, late and marked, or refused with a code.
"""

import time
from collections import Counter
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from benchmarks.engines import Freshline, question, steadily
from benchmarks.live_phases import Phases
from benchmarks.report import Figure, Goal
from benchmarks.stack import BenchmarkStack
from freshline.errors import FreshlineError
from schemas.messages import Response

_TICK = 50.0  # steps a second
_DEADLINE = 5.0  # seconds
_NONE = 20  # one question in so many has no deadline
_DRAINED = 120.0  # seconds
#: An answer that waited longer in the queue is late.
_LATE = 1.0


def overload(
    stack: BenchmarkStack, engine: Freshline, phases: Phases, *, rate: float, seconds: float
) -> list[Figure]:
    """Return what happened: counts, the worker's memory, and how long the rest took once the load was over."""
    asked: list[Future[Response]] = []
    before = most = _rss(stack)

    def step(tick: int) -> None:
        nonlocal most
        while len(asked) < (tick + 1) * rate / _TICK:
            asked.append(_ask(engine, phases, len(asked)))
        if tick % int(_TICK) == 0:
            most = max(most, _rss(stack))

    steadily(_TICK, seconds, step)
    over = time.monotonic()
    outcomes = Counter(_outcome(one, over + _DRAINED) for one in asked)
    drained = time.monotonic() - over
    most = max(most, _rss(stack))
    return [
        Figure(name="overload: questions", value=len(asked), unit=""),
        Figure(name="overload: offered", value=len(asked) / seconds, unit="questions/s"),
        *(
            Figure(name=f"overload: {name} ÷ asked", value=count / len(asked), unit="")
            for name, count in sorted(outcomes.items())
            if name != "lost"
        ),
        Figure(
            name="overload: neither answered nor refused", value=outcomes["lost"], unit="", goal=Goal("≤", 0)
        ),
        Figure(name="overload: the rest drained after", value=drained, unit="s", goal=Goal("≤", 60)),
        Figure(
            name="overload: worker's memory, most ÷ before", value=most / before, unit="", goal=Goal("≤", 1.5)
        ),
    ]


def _ask(engine: Freshline, phases: Phases, number: int) -> "Future[Response]":
    deadline = datetime.now(UTC) + timedelta(seconds=_DEADLINE)
    query = replace(
        question(phases.question(number), generate=True), deadline=deadline if number % _NONE else None
    )
    return engine.submit(query)


def _outcome(one: "Future[Response]", until: float) -> str:
    try:
        response = one.result(max(0.0, until - time.monotonic()))
    except (FreshlineError, TimeoutError):
        return "lost"
    if response.status == "error":
        return f"refused ({response.code})"
    return "answered late" if response.timings["queue"] > _LATE else "answered"


def _rss(stack: BenchmarkStack) -> int:
    import psutil  # noqa: PLC0415 - comes with the embedded extra

    worker = psutil.Process(stack.pids[1])
    return sum(int(each.memory_info().rss) for each in (worker, *worker.children(recursive=True)))
