"""How any client of Freshline reaches a broker: [kafka] as options of kafka-python, and the names of topics.

Nothing here connects. Unsafe or incomplete settings are refused before a socket is opened.
"""

import ipaddress
from pathlib import Path
from typing import Any

from freshline.errors import ConfigError
from freshline.settings import KafkaSettings

#: How long a broker may take to answer for the first time, ms.
BOOTSTRAP_MS = 10_000

#: Longest pause between attempts to reconnect, ms: a broker that returns is found within about a second.
_RECONNECT_MAX_MS = 1_000

#: Partitions that were added are noticed within this time, ms.
_METADATA_AGE_MS = 10_000


def kafka_options(settings: KafkaSettings) -> dict[str, Any]:
    """Return what every kafka-python client is given; the password is read from its file here.

    Raises ConfigError naming key, value and expectation.
    """
    if not settings.bootstrap:
        raise ConfigError(
            "kafka.bootstrap is empty; expected host:port,…, or start the local stack: freshline up"
        )
    _refuse_open_plaintext(settings)
    options: dict[str, Any] = {
        "bootstrap_servers": [server.strip() for server in settings.bootstrap.split(",")],
        "security_protocol": settings.security.upper(),
        "bootstrap_timeout_ms": BOOTSTRAP_MS,
        "reconnect_backoff_max_ms": _RECONNECT_MAX_MS,
        "metadata_max_age_ms": _METADATA_AGE_MS,
    }
    if settings.ca_file:
        options["ssl_cafile"] = _existing(settings.ca_file, "kafka.ca_file")
    if settings.security.startswith("sasl_"):
        options |= _sasl(settings)
    return options


def topic_name(settings: KafkaSettings, name: str) -> str:
    """Return the cluster's name of one of our topics: "documents" and so on after the prefix."""
    return settings.topic_prefix + name


def _sasl(settings: KafkaSettings) -> dict[str, str]:
    if not settings.username:
        raise ConfigError(
            f"kafka.username is empty; expected a name, as kafka.security is {settings.security!r}"
        )
    if not settings.password_file:
        raise ConfigError(
            f"kafka.password_file is empty; expected a file, as kafka.security is {settings.security!r}"
        )
    path = Path(_existing(settings.password_file, "kafka.password_file"))
    return {
        "sasl_mechanism": settings.sasl_mechanism,
        "sasl_plain_username": settings.username,
        "sasl_plain_password": path.read_text(encoding="utf-8").strip(),
    }


def _existing(path: str, key: str) -> str:
    if not Path(path).is_file():
        raise ConfigError(f"{key} is {path!r}; expected a file that exists and can be read")
    return path


def _refuse_open_plaintext(settings: KafkaSettings) -> None:
    if not settings.security.endswith("plaintext") or settings.allow_plaintext:
        return
    for server in settings.bootstrap.split(","):
        if not _is_loopback(server.strip()):
            raise ConfigError(
                f"kafka.security is {settings.security!r} and kafka.bootstrap names {server.strip()!r}, which is "
                "not on this machine; expected ssl or sasl_ssl. To send everything in the clear, set "
                "kafka.allow_plaintext = true"
            )


def _is_loopback(server: str) -> bool:
    host = server.rpartition(":")[0].strip("[]") if ":" in server else server
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name: who knows where it leads
        return False
