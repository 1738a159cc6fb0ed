"""A table of parsers that do what a library must never do: for the processes of freshline.parsing.isolated in tests.

The media type is the name of the function.
"""

import ctypes
import importlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn, cast

from freshline.parsing.plain import plain_document
from freshline.parsing.port import ParsedDocument, Parser
from schemas.reject import Rejected

_seen: list[bytes] = []  # what this process has parsed


def parser_for(media_type: str) -> Parser:
    """Return the parser of that name; `missing` needs a library that nobody has, `crowded` one with room to load."""
    if media_type == "missing":
        importlib.import_module("no_such_library")
    if media_type == "crowded":
        if _seen:
            raise ImportError("failed to map segment from shared object")
        return echo
    return cast("Parser", globals()[media_type])


def echo(content: bytes) -> ParsedDocument:
    _seen.append(content)
    return plain_document(content.decode())


def pid(_content: bytes) -> ParsedDocument:
    return plain_document(str(os.getpid()))


def hang(_content: bytes) -> NoReturn:
    """Use the processor for ever and hear no polite request."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        pass


def wait(_content: bytes) -> ParsedDocument:
    """Wait for ever with the interpreter's lock held, without use of the processor."""
    ctypes.PyDLL(None).pause()
    raise AssertionError


def crash(_content: bytes) -> NoReturn:
    """Read address 0: SIGSEGV."""
    ctypes.string_at(0)
    raise AssertionError


def leave(content: bytes) -> NoReturn:
    """End the process with the exit code in content."""
    os._exit(int(content))


def eat(_content: bytes) -> NoReturn:
    """Take a terabyte."""
    bytearray(2**40)
    raise AssertionError


def leak(content: bytes) -> ParsedDocument:
    """Take as many bytes as content says and never give them back."""
    _seen.append(b"x" * int(content))
    return plain_document("leaked")


def shout(content: bytes) -> ParsedDocument:
    """Print in every way there is."""
    print("stdout", content)  # noqa: T201
    sys.stderr.write("stderr" * 10_000)
    for descriptor in (0, 1, 2):
        os.write(descriptor, b"descriptor" * 10_000)
    ctypes.CDLL(None).puts(b"C")
    return echo(content)


def recurse(content: bytes) -> ParsedDocument:
    return recurse(content)


def refuse(content: bytes) -> NoReturn:
    raise Rejected("encrypted", content.decode())


def environment(content: bytes) -> ParsedDocument:
    return plain_document(os.environ.get(content.decode(), "unset"))


def write(content: bytes) -> ParsedDocument:
    """Write to the file that content names."""
    return plain_document(str(Path(content.decode()).write_bytes(b"x")))


def damaged(content: bytes) -> ParsedDocument:
    """Be the victim of the documents before: die where there were any."""
    if _seen:
        os._exit(9)
    return echo(content)


def rest(content: bytes) -> ParsedDocument:
    """Take as many seconds as content says by the clock, and next to no processor time."""
    time.sleep(float(content))
    return plain_document("rested")
