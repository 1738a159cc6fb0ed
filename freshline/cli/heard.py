"""What `freshline ask --stream` shows while an answer is made: on stderr, so that stdout holds the answer alone."""

from typing import TYPE_CHECKING

from freshline.cli.common import err

if TYPE_CHECKING:
    from freshline.settings import Settings


def address(settings: "Settings") -> str:
    """Return where tokens are read; empty where Redis is done without."""
    return "" if settings.redis.url == "none" else settings.redis.url


class Heard:
    """Shows parts as they come, dim: they are provisional."""

    def __init__(self) -> None:
        self._console = err()
        self._any = False

    def show(self, text: str) -> None:
        """Show one part, without control characters: a document must not move the cursor."""
        shown = "".join(c if c.isprintable() else " " for c in text)
        self._console.print(shown, style="dim", end="", markup=False)
        self._any = True

    def end(self) -> None:
        """End the line."""
        if self._any:
            self._console.print()
