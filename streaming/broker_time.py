"""The order of states rests on the broker's clock: `documents` must have broker timestamps (LogAppendTime)."""

from collections.abc import Iterable

from freshline.errors import ConfigError
from freshline.topics import Difference

_ASPECT = "message.timestamp.type"


def require_broker_time(differences: Iterable[Difference]) -> None:
    """Raise ConfigError where the cluster lets producers choose timestamps, which decide what is newest."""
    for difference in differences:
        if difference.aspect == _ASPECT:
            raise ConfigError(
                f"{difference}: a producer's clock would decide which state is newest. Run `freshline topics apply`."
            )
