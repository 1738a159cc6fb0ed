"""Asks a part's /healthz through the port that it recorded. Knows no part's meaning of ready."""

import http.client
import json
from contextlib import closing
from pathlib import Path
from typing import Any

_TIMEOUT = 2.0  # seconds; the part answers from memory


def recorded(record: Path) -> dict[str, Any] | None:
    """Return what a part wrote down of itself (name, pid, host, port), None where it has not yet."""
    try:
        found: dict[str, Any] = json.loads(record.read_bytes())
    except (OSError, ValueError):
        return None
    return found


def ask(record: Path) -> dict[str, Any] | None:
    """Return the part's own account with "ready", None where it does not answer."""
    if (found := recorded(record)) is None:
        return None
    host = "127.0.0.1" if found["host"] in {"0.0.0.0", "::"} else found["host"]  # noqa: S104 - compared, not bound
    try:
        with closing(http.client.HTTPConnection(host, found["port"], timeout=_TIMEOUT)) as link:
            link.request("GET", "/healthz")
            account: dict[str, Any] = json.loads(link.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return None
    return account


def is_ready(record: Path) -> bool:
    """Tell whether the part says that it is ready."""
    account = ask(record)
    return bool(account and account.get("ready"))
