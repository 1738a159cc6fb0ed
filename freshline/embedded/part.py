"""One supervised part: started, and started again with a growing pause when it ends. Knows no order among parts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from freshline.clock import Clock
from freshline.embedded import state
from freshline.embedded.child import Child
from freshline.embedded.waiting import late, refuse_ended
from freshline.errors import MissingPart

#: (event, details): one line of the supervisor's log
Tell = Callable[..., None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to start a part and how to know that it is ready."""

    name: str
    start: Callable[[], Child]
    ready: Callable[[], bool]
    address: Callable[[], str]
    patience: float = 60.0  # seconds from start to ready
    room: bool = False  # one of ours: ended before the parts that it writes to


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Pauses before restarts, in seconds: first, doubled each time, up to most; forgotten after a calm run."""

    first: float = 0.5
    most: float = 30.0
    calm: float = 60.0

    def pause(self, failures: int) -> float:
        """Return the pause after the nth failure in a row.

        >>> [Backoff().pause(n) for n in (1, 2, 3, 8)]
        [0.5, 1.0, 2.0, 30.0]
        """
        return float(min(self.first * 2 ** (failures - 1), self.most))


class Part:
    """A recipe's running child. One thread calls it."""

    def __init__(self, recipe: Recipe, clock: Clock, tell: Tell, backoff: Backoff) -> None:
        self.recipe = recipe
        self._clock = clock
        self._tell = tell
        self._backoff = backoff
        self._child: Child | None = None
        self._process: state.Process | None = None
        self._since = 0.0
        self._failures = 0
        self._due = 0.0
        self.restarts = 0

    def start(self) -> None:
        """Start it. Raises MissingPart where it cannot be started."""
        self._child = self.recipe.start()
        self._process = state.process_of(self._child.pid)
        self._since = self._clock.monotonic()
        self._tell("started", part=self.recipe.name, pid=self._child.pid)

    def is_ready(self) -> bool:
        """Look once. Raises MissingPart with the end of its log where it has ended or takes too long."""
        assert self._child is not None  # noqa: S101 - started by the caller
        running = round(self._clock.monotonic() - self._since, 1)
        refuse_ended(self.recipe.name, self._child)
        if self.recipe.ready():
            self._tell("ready", part=self.recipe.name, seconds=running)
            return True
        if running > self.recipe.patience:
            raise late(self.recipe.name, self._child, running)
        return False

    def tend(self) -> bool:
        """Note its end, and start it again when its pause is over; True where anything changed."""
        if self._child is not None:
            return self._note_end(self._child)
        if self._clock.monotonic() < self._due:
            return False
        try:
            self.restarts += 1
            self.start()
        except MissingPart as error:
            self._schedule(str(error))
        return True

    def stop(self, grace: float) -> None:
        """SIGTERM, grace seconds, SIGKILL."""
        if self._child is not None:
            code = self._child.stop(grace)
            self._tell("stopped", part=self.recipe.name, code=code)
            self._child = self._process = None

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        if self._child is not None:
            self._child.terminate()

    def shown(self, log: Path) -> state.Part:
        """Return what the state file says of it."""
        return state.Part(
            name=self.recipe.name,
            process=self._process,
            restarts=self.restarts,
            address=self.recipe.address(),
            log=str(log),
        )

    def _note_end(self, child: Child) -> bool:
        if (code := child.poll()) is None:
            return False
        child.stop(0)
        self._child = self._process = None
        if self._clock.monotonic() - self._since > self._backoff.calm:
            self._failures = 0
        self._schedule(f"ended with code {code}")
        return True

    def _schedule(self, why: str) -> None:
        self._failures += 1
        pause = self._backoff.pause(self._failures)
        self._due = self._clock.monotonic() + pause
        self._tell("restarting", part=self.recipe.name, why=why, pause=pause)
