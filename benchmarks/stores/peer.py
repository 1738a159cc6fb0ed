"""A store as the benchmark sees it: a child process with an owner and deadlines, asked over a socket.

1. listen at FOLDER/NAME.sock, start the child           Peer.start
2. wait for what it says once it holds all vectors       Peer.start
3. one order, one answer                                 Peer.ask
4. close the socket, end the child                       Peer.close
"""

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.stores.install import installed
from freshline.embedded.child import Child
from freshline.errors import UserError

_Kind = TypeVar("_Kind")
_ROOT = Path(__file__).parents[2]
#: Seconds to build a store, and to answer one order.
BUILD, ANSWER = 60.0, 30.0
_GRACE = 5.0


class PeerError(UserError):
    """A store cannot be installed, started or asked; the message says why, for the report."""


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """What a child says once it can be asked."""

    what: str
    settings: tuple[int, ...]
    filters: bool
    seconds: float


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Ask the first `questions`, `batch` in one call, of rows with part < share."""

    setting: int
    questions: int
    batch: int = 1
    share: int = 100
    k: int = 10


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """found[q] are at most k rows."""

    seconds: float
    found: tuple[tuple[int, ...], ...]


class _Error(msgspec.Struct, frozen=True, kw_only=True):
    error: str


def parsed(line: str, kind: type[_Kind]) -> _Kind:
    """Return what a child said. Raises PeerError where that is an error, or neither.

    >>> parsed('{"seconds": 0.5, "found": [[2, 1], []]}', Answer)
    Answer(seconds=0.5, found=((2, 1), ()))
    """
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.MsgspecError as error:
        try:
            told = msgspec.json.decode(line, type=_Error).error
        except msgspec.MsgspecError:
            told = f"it said {line[:80]!r}: {error}" if line else "it ended without a word"
        raise PeerError(told) from error


def rows_of(answer: Answer, k: int) -> NDArray[np.int64]:
    """Return int64[q, k], -1 where fewer were found."""
    found = np.full((len(answer.found), k), -1, np.int64)
    for place, rows in enumerate(answer.found):
        found[place, : len(rows)] = rows[:k]
    return found


@dataclass(eq=False)
class Peer:
    """A running store. Close it."""

    name: str
    hello: Hello
    _child: Child
    _connection: socket.socket
    _lines: TextIO

    @classmethod
    def start(cls, name: str, folder: Path) -> "Peer":
        """Start a store over folder/{vectors,part,asked}.npy. Raises PeerError."""
        try:
            python = installed(name)
        except RuntimeError as error:
            raise PeerError(f"it cannot be installed: {error}") from error
        with socket.socket(socket.AF_UNIX) as listener:  # step 1
            listener.bind(str(folder / f"{name}.sock"))
            listener.listen(1)
            listener.settimeout(BUILD)
            argv = [str(python), "-m", "benchmarks.stores.child", name, str(folder)]
            child = Child(argv, folder / f"{name}.log", _environ(folder), cwd=_ROOT)
            try:
                connection, _ = listener.accept()
            except TimeoutError as error:
                child.stop(_GRACE)
                raise PeerError(f"it does not start: {child.tail(1)}") from error
        connection.settimeout(BUILD)
        lines = connection.makefile("rw", encoding="utf-8")
        peer = cls(name, Hello(what=name, settings=(), filters=False, seconds=0.0), child, connection, lines)
        try:
            peer.hello = peer._told(Hello)  # step 2
        except PeerError:
            peer.close()
            raise
        connection.settimeout(ANSWER)
        return peer

    def ask(self, order: Order) -> Answer:  # step 3
        """Return the answer. Raises PeerError, after which the store is to be closed."""
        self._lines.write(msgspec.json.encode(order).decode() + "\n")
        self._lines.flush()
        return self._told(Answer)

    def close(self) -> None:  # step 4
        """End it."""
        self._lines.close()
        self._connection.close()
        if self._child.wait(_GRACE) is None:
            self._child.stop(_GRACE)

    def _told(self, kind: type[_Kind]) -> _Kind:
        try:
            return parsed(self._lines.readline(), kind)
        except OSError as error:  # TimeoutError is one
            raise PeerError(f"it says nothing: {error}") from error


def _environ(folder: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(_ROOT), "HOME": str(folder), "PATH": "/usr/bin:/bin"}
