r"""What is embedded before a passage: title and heading path, within a bound of tokens.

    title "Guide", headings ("Setup", "Linux")   "Guide\nSetup > Linux"
    title "Guide", headings ("Guide", "Setup")   "Guide > Setup": a title that the path begins with is not said twice

Of a title that is too long the beginning stays, of a heading path the last levels: they say most about the passage.
"""

from collections.abc import Sequence

from freshline.chunking.counting import Count
from freshline.chunking.port import HEADING_SEPARATOR, heading_path


class Contexts:
    """The contexts of one document's sections, each of at most `most` tokens; equal ones are counted once."""

    def __init__(self, title: str | None, most: int, count: Count) -> None:
        self._title = title or ""
        self._most = most
        self._count = count
        self._known: dict[tuple[str, ...], tuple[str, int]] = {}

    def of(self, headings: Sequence[str]) -> tuple[str, int]:
        """Return (context, its tokens)."""
        key = tuple(headings)
        if key not in self._known:
            context = self._fitting(key)
            self._known[key] = context, self._tokens(context)
        return self._known[key]

    def _fitting(self, headings: Sequence[str]) -> str:
        path = heading_path(headings)
        told = (path + HEADING_SEPARATOR).startswith(self._title + HEADING_SEPARATOR)
        title = "" if told else self._title
        whole = "\n".join(filter(None, (title, path)))
        if self._tokens(whole) <= self._most:
            return whole
        title = self._cut(self._title, self._most // 2)
        last = self._cut(self._last_levels(headings, self._most // 2), self._most // 2)
        return "\n".join(filter(None, (title, last)))

    def _last_levels(self, headings: Sequence[str], most: int) -> str:
        levels = list(headings)
        while len(levels) > 1 and self._tokens(heading_path(levels)) > most:
            del levels[0]
        return heading_path(levels)

    def _cut(self, text: str, most: int) -> str:
        """Return the longest beginning within `most` tokens that ends with a word, else with a character."""
        if self._tokens(text) <= most:
            return text
        least, beyond = 0, len(text)
        while beyond - least > 1:
            middle = (least + beyond) // 2
            least, beyond = (middle, beyond) if self._tokens(text[:middle]) <= most else (least, middle)
        beginning = text[:least]
        return (beginning.rpartition(" ")[0] or beginning).rstrip()

    def _tokens(self, text: str) -> int:
        return self._count([text])[0]
