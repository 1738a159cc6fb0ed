"""What a process shows over HTTP: /metrics and /healthz, in a daemon thread, on loopback unless set otherwise.

/metrics is Prometheus text, /healthz JSON with 200 (ready) or 503. Knows no process's meaning of ready.
Log lines are freshline.logs'; a composition root finds both here.
"""

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import structlog
from prometheus_client import exposition

from freshline import metrics
from freshline.errors import ConfigError
from freshline.logs import setup_logging
from freshline.settings import ObservabilitySettings, Settings

__all__ = ["serve_health", "setup_logging"]

Check = Callable[[], "bool | Mapping[str, object]"]
_LONGEST = 500  # characters of a failed check's message
_TIMEOUT = 5.0  # seconds for a client to send its request

_log = structlog.get_logger()


@contextmanager
def serve_health(settings: Settings, name: str, check: Check) -> Iterator[int]:
    """Serve /metrics and /healthz while the block runs; gives the port.

    check: True or a mapping whose "ready" is true = 200, else 503; a mapping is shown. An exception is a 503.
    Raises ConfigError where the configured port is taken.
    """
    server = _listen(settings.observability, check)
    port = int(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, name="health", daemon=True)
    thread.start()
    _record(settings.observability, name, port)
    _log.info("listening", address=f"{settings.observability.host}:{port}", paths="/metrics /healthz")
    try:
        yield port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _listen(settings: ObservabilitySettings, check: Check) -> ThreadingHTTPServer:
    handler = type("Handler", (_Handler,), {"check": staticmethod(check)})
    try:
        server = ThreadingHTTPServer((settings.host, settings.port), handler)
    except OSError as error:
        raise ConfigError(
            f"observability.port = {settings.port} on {settings.host} cannot be used ({error.strerror}); "
            "expected a free port, or 0 to have one chosen."
        ) from error
    server.daemon_threads = True
    return server


def _record(settings: ObservabilitySettings, name: str, port: int) -> None:
    """Tell the stack, with a rename, so that it never reads half a file."""
    if settings.record:
        path = Path(settings.record)
        temporary = path.with_name(f".{path.name}-{os.getpid()}")
        temporary.write_text(
            json.dumps({"name": name, "pid": os.getpid(), "host": settings.host, "port": port})
        )
        temporary.replace(path)


class _Handler(BaseHTTPRequestHandler):
    """Two paths, GET only."""

    check: Check
    timeout = _TIMEOUT
    server_version = "freshline"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer one request."""
        if self.path == "/metrics":
            self._reply(200, exposition.CONTENT_TYPE_LATEST, exposition.generate_latest(metrics.REGISTRY))
        elif self.path == "/healthz":
            ready, shown = _health(self.check)
            self._reply(200 if ready else 503, "application/json", json.dumps(shown, default=str).encode())
        else:
            self._reply(404, "text/plain", b"/metrics or /healthz\n")

    def log_message(self, *_: object) -> None:
        """Say nothing: a probe every second would drown the log."""

    def _reply(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _health(check: Check) -> tuple[bool, dict[str, object]]:
    try:
        found = check()
    except Exception as error:  # noqa: BLE001 - a check that fails is an answer
        return False, {"ready": False, "error": f"{type(error).__name__}: {error}"[:_LONGEST]}
    if isinstance(found, Mapping):
        ready = bool(found.get("ready"))
        return ready, {"pid": os.getpid(), **found, "ready": ready}
    return bool(found), {"pid": os.getpid(), "ready": bool(found)}
