"""Text files line by line, each line with its place, so that a bad one can be named. Holds no file whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from freshline.errors import UserError

T = TypeVar("T")


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (number from 1, line without its end); blank lines are left out. Raises UserError where it is not UTF-8."""
    with path.open(
        "rb"
    ) as file:  # bytes: only a line feed ends a line, and a bad line is known by its number
        for number, line in enumerate(file, start=1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise UserError(f"{path}:{number}: this line is not UTF-8 ({error.reason}).") from error
            if text:
                yield number, text


def json_lines(path: Path, kind: type[T]) -> Iterator[tuple[int, T]]:
    """Yield (line number, value) of a file of JSON Lines. Raises UserError that names file and line."""
    decoder = msgspec.json.Decoder(kind)
    for number, line in lines(path):
        if not line.strip():
            continue
        try:
            yield number, decoder.decode(line)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise UserError(f"{path}:{number}: {error}. Expected one JSON object a line.") from error
