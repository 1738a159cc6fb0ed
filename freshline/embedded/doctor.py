"""What the stack needs of a machine, checked one by one; each problem says how to mend it. Changes nothing."""

import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from freshline.embedded import jars, java, ports, redis_server, state
from freshline.errors import MissingPart, UserError
from freshline.settings import Settings

_GIB = 2**30
_DISK = 2.0  # GiB: broker segments, tables and a model beside a small corpus
#: GiB: broker 0.5, the driver's Python and JVM 1.5, redis 0.3; and for each task or worker, which hold a model
_MEMORY, _MEMORY_OF_MODEL = 2.3, 1.4
_PYTHON = (3, 11)
_WITHOUT_TAIL = "answers are as fresh as the newest micro-batch, and as right"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One check: what was found, or what is wrong and how to mend it."""

    name: str
    ok: bool
    says: str


def examine(settings: Settings, environ: Mapping[str, str]) -> list[Finding]:
    """Run every check; none stops another."""
    checks: dict[str, Callable[[], str]] = {
        "python": _python,
        "java": lambda: _java(environ),
        "redis": lambda: _redis(settings, environ),
        "tail": lambda: _tail(settings, environ),
        "memory": lambda: _memory(settings),
        "disk": lambda: _disk(settings),
        "ports": lambda: _ports(settings),
        "jars": lambda: _jars(settings),
        "model": lambda: _model(settings),
        "generator": lambda: _generator(settings),
    }
    return [_finding(name, check) for name, check in checks.items()]


def _finding(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name=name, ok=True, says=check())
    except UserError as error:
        return Finding(name=name, ok=False, says=str(error))


def _python() -> str:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _PYTHON:
        raise MissingPart(
            f"Python {found}, expected 3.11 or later: make the virtual environment with python3.11."
        )
    return f"Python {found}"


def _java(environ: Mapping[str, str]) -> str:
    found = java.find(environ)
    return f"Java {java.check(found)} ({found})"


def _redis(settings: Settings, environ: Mapping[str, str]) -> str:
    if settings.redis.url:
        return "set by redis.url"
    return str(redis_server.find(environ))


def _tail(settings: Settings, environ: Mapping[str, str]) -> str:
    """Say whether answers are fresher than the lake, and what is in the way."""
    serving = settings.serving
    if not settings.tail.enabled:
        return f"off by tail.enabled: {_WITHOUT_TAIL}"
    if settings.redis.url == "none":
        return f"off, because redis.url is none: {_WITHOUT_TAIL}"
    if serving.shards or serving.peers or serving.peer_port:
        return f"off for a worker that shares its shards with peers: {_WITHOUT_TAIL}"
    try:
        return _answers(settings.redis.url) if settings.redis.url else f"by {redis_server.find(environ).name}"
    except MissingPart as error:
        raise MissingPart(f"No Redis, so no fresh tail: {_WITHOUT_TAIL}. {error}") from error


def _answers(url: str) -> str:
    from redis.exceptions import RedisError  # noqa: PLC0415

    from freshline.cache.guard import connect  # noqa: PLC0415

    where = url.rpartition("@")[2]
    try:
        connect(url).ping()
    except (RedisError, OSError) as error:
        why = type(error).__name__
        raise MissingPart(f"redis.url: {where} does not answer ({why}): start it, or set none.") from error
    return f"by {where}"


def _memory(settings: Settings) -> str:
    import psutil  # noqa: PLC0415 - comes with the embedded extra

    if state.running(Path(settings.stack.directory)):
        return "the stack runs"
    models = settings.spark.tasks + settings.stack.workers
    needed = _MEMORY + _MEMORY_OF_MODEL * models
    free = psutil.virtual_memory().available / _GIB
    if free < needed:
        raise MissingPart(
            f"{free:.1f} GiB of memory are free, expected {needed:.1f}: end other programs, or run less at once "
            "(--set spark.tasks=1 --set stack.workers=1)."
        )
    return f"{free:.1f} GiB free, {needed:.1f} needed"


def _disk(settings: Settings) -> str:
    folder = Path(settings.stack.directory).resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / _GIB
    if free < _DISK:
        raise MissingPart(
            f"{free:.1f} GiB are free in {folder}, expected {_DISK}: free some, or set stack.directory elsewhere."
        )
    return f"{free:.0f} GiB free in {folder}"


def _ports(settings: Settings) -> str:
    wanted = {
        "stack.kafka_port": settings.stack.kafka_port,
        "stack.redis_port": settings.stack.redis_port,
        "observability.port": settings.observability.port,
    }
    fixed = {key: port for key, port in wanted.items() if port}
    ours = {ports.port_of(address) for address in state.addresses(Path(settings.stack.directory)).values()}
    for key, port in fixed.items():
        if port not in ours and not ports.is_free(port):
            raise MissingPart(
                f"{key} = {port} is occupied{_by(port)}: end that program, choose another port, or set 0 to have a "
                "free one chosen."
            )
    return f"free: {', '.join(map(str, fixed.values()))}" if fixed else "free ones are chosen at the start"


def _by(port: int) -> str:
    """Return who listens there, as far as this user may see."""
    import psutil  # noqa: PLC0415

    try:
        for link in psutil.net_connections("inet"):
            if link.status == psutil.CONN_LISTEN and link.laddr.port == port and link.pid:
                return f" by {psutil.Process(link.pid).name()} (pid {link.pid})"
    except psutil.Error:
        pass
    return ""


def _jars(settings: Settings) -> str:
    cache = jars.cache_folder(settings)
    for name, pinned in jars.read_lock().items():
        folder = pinned.folder(cache, name)
        wrong = jars.missing(pinned, folder) or jars.damaged(pinned, folder)
        if wrong:
            raise MissingPart(
                f"{len(wrong)} of {len(pinned.jars)} jars for {name} are missing or damaged in {folder} (first: "
                f"{wrong[0]}): remove that folder if it is there, then run: python -m freshline.embedded.jars"
            )
    return f"complete in {cache}"


def _generator(settings: Settings) -> str:
    from freshline.generation.available import available  # noqa: PLC0415 - reads the weights

    return available(settings)


def _model(settings: Settings) -> str:
    from freshline.embedding.identity import fingerprint_of  # noqa: PLC0415 - reads the weights

    return f"{settings.models.embedder}, fingerprint {fingerprint_of(settings.models).id[:12]}"
