"""Free ports on loopback, and the question whether somebody listens. Knows no service."""

import contextlib
import socket
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"


def free(count: int = 1) -> list[int]:
    """Return different ports that were free a moment ago; whoever binds them must be ready to try again."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]


def port_of(address: str) -> int:
    """Return the port of `host:port` or of a URL, 0 where there is none.

    >>> port_of("127.0.0.1:9092"), port_of("redis://127.0.0.1:6379/0"), port_of("")
    (9092, 6379, 0)
    """
    return urlsplit(address if "://" in address else f"//{address}").port or 0


def is_free(port: int) -> bool:
    """Tell whether a listener could bind this port on loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: TIME_WAIT is no occupant
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def answers(port: int, timeout: float = 0.5) -> bool:
    """Tell whether something accepts connections on this port."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout):
        return True
    return False
