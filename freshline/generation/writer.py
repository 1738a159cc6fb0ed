"""What a language model does for Freshline: a prompt to a text. Knows neither evidence nor citations."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

#: Told each further part of the text as it is written; raises Unwritten where nobody waits for it any more.
Hear = Callable[[str], None]


class Prompt(NamedTuple):
    """The standing instruction, and the question with its quoted passages."""

    system: str
    user: str


class Writer(Protocol):
    """One model, here or behind an address. Serves `lanes` threads at a time."""

    #: the model and what it was told about how to write
    fingerprint: str
    lanes: int

    def count(self, prompt: Prompt) -> int:
        """Return the number of tokens that the model reads for a prompt."""
        ...

    def write(self, prompt: Prompt, until: float, hear: Hear) -> str:
        """Return the whole text. Ends at `until`, on time.monotonic's scale, or soon after.

        Raises Unwritten; whatever else it raises counts as `failed`.
        """
        ...
