"""`freshline publish --wait` and `--wait-durable`: the seconds from send() until answers see it, and until it stays.

    answerable   a committed response covers the positions: `as_of.coverage`
    durable      a response says that the lake has them: `as_of.durable`; until then a restart of all workers may take
                 them back for the second or so that the stream needs

Who asks is connected before anything is sent, so that no connecting is in these times. Knows no document.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from freshline.cli.common import err

if TYPE_CHECKING:
    from freshline.client import Asker, Published
    from freshline.settings import KafkaSettings

_SEEN, _STAYS = "answerable_seconds", "durable_seconds"


@dataclass(slots=True, kw_only=True)
class Waiting:
    """One wait; `took`: seconds of what has been waited for, None while it is not there."""

    asker: "Asker"
    timeout: float
    durable: bool
    took: dict[str, float | None] = field(init=False)

    def __post_init__(self) -> None:
        self.took = {_SEEN: None, **({_STAYS: None} if self.durable else {})}

    @classmethod
    def of(cls, kafka: "KafkaSettings", opened: ExitStack, timeout: float, *, durable: bool) -> Self:
        """Connect, until `opened` ends; also import what shows it, which takes longer than a fresh answer."""
        import rich.status  # noqa: F401, PLC0415

        from freshline.client import Asker  # noqa: PLC0415 - loads the Kafka client

        return cls(asker=opened.enter_context(Asker(kafka)), timeout=timeout, durable=durable)

    def wait(self, published: "list[Published]", began: float) -> None:
        """Wait and tell; `began`: monotonic time of the first send(). Raises TransientError at the time-out."""
        from freshline.client import wait_until_answerable, wait_until_durable  # noqa: PLC0415

        steps = [(_SEEN, "answerable", wait_until_answerable)]
        steps += [(_STAYS, "durable", wait_until_durable)] if self.durable else []
        with err().status("waiting for the first word of a worker") as status:
            for name, word, wait_until in steps:

                def tell(left: int, word: str = word) -> None:
                    status.update(f"waiting until it is {word}: {left} offsets are missing")

                try:
                    wait_until(self.asker, published, timeout=self.timeout, progress=tell)
                except KeyboardInterrupt:
                    err().print(f"Not waiting any longer: it is published, and not known to be {word} yet.")
                    raise
                took = self.took[name] = round(time.monotonic() - began, 3)
                err().print(f"{word} after {took:.2f} s")
