"""Log lines: one JSON object per event, or text on a terminal, from structlog's and logging's events alike.

Both are escaped, so that no value can forge a line or move a cursor. Long values are cut: documents never belong
into a log, and a library's message may hold one. Knows no process.
"""

import json
import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from freshline.settings import Settings

_LONGEST = 500  # characters of one logged value
_TRACE = 8_000  # characters of a stack trace
_NOISY = (
    "faiss",
    "kafka",
    "py4j",
    "urllib3",
    "transformers",
    "sentence_transformers",
    "openvino",
    "optimum",
    "nncf",
)

_Event = MutableMapping[str, Any]


def setup_logging(settings: Settings, name: str) -> None:
    """Send structlog's and logging's events to stderr; `name` is in each line. Call once, before anything logs."""
    chosen = settings.observability
    text = chosen.log_format == "text" or (chosen.log_format == "auto" and sys.stderr.isatty())
    shared = _shared(name)
    last: Any = _text if text else _json
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(chosen.log_level.upper())
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.root.level))
    structlog.configure(
        wrapper_class=structlog.stdlib.BoundLogger,
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _shared(name: str) -> list[Any]:
    """Return what every event passes through, wherever it came from."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _naming(name),
        structlog.processors.format_exc_info,
        _cut,
    ]


def _naming(name: str) -> Any:
    def add(logger: Any, _: str, event: _Event) -> _Event:
        event["process"] = name
        record = event.get("_record")
        event.setdefault("logger", getattr(record or logger, "name", None) or "freshline")
        return event

    return add


def _cut(_: Any, __: str, event: _Event) -> _Event:
    for key, value in event.items():
        longest = _TRACE if key == "exception" else _LONGEST
        if isinstance(value, str) and len(value) > longest:
            event[key] = f"{value[:longest]}… ({len(value)} characters)"
    return event


def _json(_: Any, __: str, event: _Event) -> str:
    """ASCII only: control characters, line separators and escape sequences arrive escaped."""
    return json.dumps(dict(event), default=lambda value: repr(value)[:_LONGEST], ensure_ascii=True)


def _text(_: Any, __: str, event: _Event) -> str:
    """One line for a reader, a stack trace below it."""
    head = f"{event.pop('timestamp')[11:23]} {event.pop('level'):<7} {event.pop('process')}"
    event.pop("logger", None)
    trace = event.pop("exception", "")
    words = [head, _escaped(str(event.pop("event"))), *(f"{k}={_escaped(str(v))}" for k, v in event.items())]
    return "  ".join(words) + ("\n" + _escaped(trace, keep="\n") if trace else "")


def _escaped(text: str, keep: str = "") -> str:
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)
