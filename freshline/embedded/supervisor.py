"""Runs the stack's parts in one folder until it is told to stop. Knows their order; recipes know how each starts.

1. Take the folder's lock: one supervisor a folder. 2. Fetch jars that are not there. 3. Broker, redis-server.
4. Topics. 5. Stream and workers, together; wait until each says that it is ready.
6. Tend: restart what ends, with a growing pause. 7. Stop in the opposite order: SIGTERM, 15 s, SIGKILL.
Every change goes to state.json; every event to logs/supervisor.log and to `tell`.
"""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from freshline.clock import Clock, SystemClock
from freshline.embedded import jars, recipes, state
from freshline.embedded.layout import Layout
from freshline.embedded.part import Backoff, Part, Recipe
from freshline.errors import UserError
from freshline.settings import KafkaSettings

_GRACE = 15.0  # seconds from SIGTERM to SIGKILL
_LOOK = 0.2  # seconds between looks at the children

_LINES: list[Any] = [
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.JSONRenderer(),
]

#: (event, {detail: value})
Listener = Callable[[str, dict[str, object]], None]


class AlreadyRunning(UserError):  # noqa: N818 - reads as what it says
    """Another supervisor holds the folder."""


class Supervisor:
    """One stack. run() returns when stop() was called.

    apply_topics brings a cluster's topics to their contracts; rooms gives the recipes for known addresses.
    """

    def __init__(
        self,
        origin: recipes.Origin,
        apply_topics: Callable[[KafkaSettings], object],
        listen: Listener,
        rooms: Callable[[Mapping[str, str]], list[Recipe]],
        *,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._origin = origin
        self._apply_topics = apply_topics
        self._listen = listen
        self._rooms = rooms
        self._clock = clock or SystemClock()
        self._backoff = backoff or Backoff()
        self._layout = Layout(Path(origin.settings.stack.directory).resolve())
        self._parts: list[Part] = []
        self._addresses: dict[str, str] = {}
        self._stopping = threading.Event()
        self._ready = False

    def stop(self) -> None:
        """Make run() end; may be called by a signal's handler or another thread."""
        self._stopping.set()

    def run(self) -> None:
        """Run the stack. Raises AlreadyRunning, or MissingPart where a part does not come up."""
        self._layout.create()
        with lock(self._layout), self._layout.log("supervisor").open("a") as log:
            self._log = structlog.wrap_logger(structlog.PrintLogger(log), processors=_LINES)
            try:
                with suppress(_Stopped):
                    self._start()
                    self._tend()
            finally:
                self._end()

    def _start(self) -> None:
        jars.resolve(self._origin.settings, self._tell_jar)
        last = state.read(self._layout.root)
        self._start_base(last.addresses if last else {})
        self._tell("topics")
        self._apply_topics(replace(self._origin.settings.kafka, bootstrap=self._addresses["kafka.bootstrap"]))
        rooms = [self._start_part(recipe) for recipe in self._rooms(self._addresses)]
        while rooms and not self._stopping.wait(_LOOK):
            rooms = [part for part in rooms if not part.is_ready()]
        self._ready = not self._stopping.is_set()
        self._save()
        self._tell("running")

    def _start_base(self, last: Mapping[str, str]) -> None:
        settings = self._origin.settings
        self._addresses = {
            "kafka.bootstrap": settings.kafka.bootstrap,
            "redis.url": settings.redis.url,
            "lake.uri": settings.lake.uri or str(self._layout.lake),
        }
        if not settings.redis.url:
            redis = recipes.RedisRecipe(self._origin, self._layout, last.get("redis.url", ""))
            self._start_part(redis.recipe())
            self._addresses["redis.url"] = redis.url
        if not settings.kafka.bootstrap:
            broker = recipes.BrokerRecipe(self._origin, self._layout, last.get("kafka.bootstrap", ""))
            self._start_part(broker.recipe())
            self._addresses["kafka.bootstrap"] = broker.address

    def _start_part(self, recipe: Recipe) -> Part:
        if self._stopping.is_set():
            raise _Stopped
        self._tell("starting", part=recipe.name)
        part = Part(recipe, self._clock, self._tell, self._backoff)
        part.start()
        self._parts.append(part)
        self._save()
        return part

    def _tend(self) -> None:
        while not self._stopping.wait(_LOOK):
            changed = [part.tend() for part in self._parts]
            if any(changed):
                self._save()

    def _end(self) -> None:
        """Rooms first and together, so that what they still have to write finds broker and redis."""
        self._ready = False
        rooms = [part for part in self._parts if part.recipe.room]
        for part in rooms:
            part.terminate()
        for part in [*rooms, *reversed(self._parts)]:
            part.stop(_GRACE)
        self._save()
        self._tell("ended")

    def _save(self) -> None:
        own = state.process_of(os.getpid())
        assert own is not None  # noqa: S101 - it is this process
        parts = [part.shown(self._layout.log(part.recipe.name)) for part in self._parts]
        now = state.State(supervisor=own, ready=self._ready, addresses=self._addresses, parts=parts)
        with suppress(OSError):  # a full disk must not end what runs
            state.write(self._layout.root, now)

    def _tell_jar(self, name: str, done: int, of: int) -> None:
        self._tell("jar", name=name, done=done, of=of)

    def _tell(self, event: str, **details: object) -> None:
        with suppress(OSError):  # a full disk must not end what runs
            self._log.info(event, **details)
        self._listen(event, details)


class _Stopped(Exception):  # noqa: N818 - no error: run() was told to end while starting
    """Raised between two steps of the start."""


@contextmanager
def lock(layout: Layout) -> Iterator[None]:
    """Hold the folder; the system lets go of it however this process ends. Raises AlreadyRunning."""
    with layout.lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise already_running(layout) from error
        yield


def already_running(layout: Layout) -> AlreadyRunning:
    """Return the error for a folder that is held, with what runs there."""
    found = state.read(layout.root)
    parts = ", ".join(f"{part.name} {part.address}".strip() for part in found.parts) if found else "starting"
    return AlreadyRunning(
        f"A stack runs in {layout.root} already ({parts}): `freshline status` shows it, `freshline down` ends it."
    )
