"""A whole Freshline in a temporary folder for one command: broker, stream, one worker; Redis where it is asked for.

Ended with the block, whatever happens in it; were this process killed, guards end its children, and the next start of
one removes the folder. It has a broker and a lake of its own: whatever the user's settings name stays untouched.
Without Redis no embedding is reused. Knows no table and no manifest.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from freshline import topics
from freshline.config import load
from freshline.embedded import broker, jars, java, recipes, redis_server, state
from freshline.embedded.child import Child
from freshline.errors import ConfigError, MissingPart
from freshline.settings import Settings, SparkSettings

#: What each stack has of its own; a flag that names one of these would be ignored, so it is refused.
OWN = frozenset(
    {"kafka.bootstrap", "kafka.security", "kafka.topic_prefix", "redis.url", "lake.uri", "stack.directory"}
)
_ROOMS = ("streaming", "serving")
_PREFIX = "freshline-temporary-"
_OWNER = "owner"
_SCRATCH = "tmp"


@dataclass(frozen=True, slots=True)
class TemporaryStack:
    """Settings with its addresses, and the folder of its logs: streaming.log, serving.log."""

    settings: Settings
    folder: Path
    rooms: Mapping[str, Child]
    #: starts a further process of Python module, name of its log, words; ended with the stack
    start: Callable[[str, str, Sequence[str]], Child]

    def check(self) -> None:
        """Raise MissingPart with the end of its log where a room has ended."""
        for room, child in self.rooms.items():
            if (code := child.poll()) is not None:
                raise MissingPart(
                    f"{room} ended with code {code}. The last lines of its log:\n{child.tail()}"
                )


def refuse_own(overrides: Sequence[str]) -> None:
    """Raise ConfigError where section.key=value names what a temporary stack has of its own."""
    for each in overrides:
        if (key := each.partition("=")[0].strip()) in OWN:
            raise ConfigError(
                f"--set {each}: this command runs a stack of its own, so {key} cannot be chosen. Leave it out."
            )


@contextmanager
def temporary_stack(
    overrides: Sequence[str],
    environ: Mapping[str, str],
    *,
    redis: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[TemporaryStack]:
    """Start everything and give it; `overrides` are section.key=value, `tell` hears what is being started.

    Raises ConfigError, MissingPart. The rooms may still be loading their models: what is published waits for them.
    """
    refuse_own(overrides)
    with ExitStack() as stack:
        folder = _folder(stack)
        plain = load(overrides, environ).settings
        tell("broker")
        jars.resolve(plain)
        address = _broker(stack, folder, plain, environ)
        url = _redis(stack, folder, environ) if redis else "none"
        words = (*overrides, *_own(plain, folder, address, url))
        settings = load(words, environ).settings
        topics.apply(settings.kafka)
        tell("stream and worker")
        (folder / _SCRATCH).mkdir()  # what a room makes for itself goes with the folder, too
        room_environ = recipes.room_environment(settings, environ) | {"TMPDIR": str(folder / _SCRATCH)}

        def start(module: str, log: str, others: Sequence[str] = ()) -> Child:
            child = Child(
                [*recipes.python(), "-m", module, *recipes.as_words((*words, *others))],
                folder / f"{log}.log",
                room_environ,
            )
            stack.callback(child.stop)
            return child

        yield TemporaryStack(settings, folder, {room: start(room, room) for room in _ROOMS}, start)


def _own(plain: Settings, folder: Path, broker_address: str, redis_url: str) -> tuple[str, ...]:
    local = plain.spark.master.startswith("local")  # a cluster's executors cannot reach a folder here
    own = {
        "spark.master": plain.spark.master if local else SparkSettings().master,
        "kafka.bootstrap": broker_address,
        "kafka.security": "plaintext",
        "kafka.topic_prefix": "",
        "redis.url": redis_url,
        "lake.uri": str(folder / "lake"),
        "stack.directory": str(folder),
        "observability.port": "0",
        "observability.record": "",
    }
    return tuple(f"{key}={value}" for key, value in own.items())


def _folder(stack: ExitStack) -> Path:
    """Make the folder, marked with its owner."""
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    own = state.process_of(os.getpid())
    (folder / _OWNER).write_text(f"{own.pid} {own.started}" if own else "")
    return folder


def sweep() -> None:
    """Remove the folders of commands that were killed."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if _abandoned(left):
            shutil.rmtree(left, ignore_errors=True)


def _abandoned(folder: Path) -> bool:
    """Whether the folder says whose it was, and that process is no more."""
    try:
        pid, started = (folder / _OWNER).read_text().split()
        return not state.alive(state.Process(pid=int(pid), started=float(started)))
    except (OSError, ValueError):
        return False


def _broker(stack: ExitStack, folder: Path, plain: Settings, environ: Mapping[str, str]) -> str:
    node = broker.start(
        broker.BrokerSettings(
            directory=folder / "broker", jars=jars.broker_jars(plain), java=java.find(environ)
        )
    )
    stack.callback(node.stop)
    return node.address


def _redis(stack: ExitStack, folder: Path, environ: Mapping[str, str]) -> str:
    server = redis_server.start(
        redis_server.RedisServerSettings(directory=folder / "redis", binary=redis_server.find(environ))
    )
    stack.callback(server.stop)
    return server.url
