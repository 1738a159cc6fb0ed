"""A process that dies at a failpoint, in tests that live on: what SIGKILL leaves is what was done until then."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest


class Killed(BaseException):
    """What SIGKILL is to a test that wants to live."""


@contextmanager
def dying(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> Iterator[list[str]]:
    """Give a list: the place that stands in it is where the module's code dies, once; it must be reached."""
    places: list[str] = []

    def reach(place: str) -> None:
        if places and places[0] == place:
            places.clear()
            raise Killed

    monkeypatch.setattr(module, "reach", reach)
    yield places
    assert places == []
