"""Log lines as another program reads them, and the two HTTP paths."""

import json
import logging
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from freshline import metrics
from freshline.errors import ConfigError
from freshline.observability import serve_health, setup_logging
from freshline.settings import ObservabilitySettings, Settings


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield lambda: capsys.readouterr().err
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def settings(**values: Any) -> Settings:
    return Settings(observability=ObservabilitySettings(**values))


def get(port: int, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_both_loggers_give_one_json_line_per_event(lines: Callable[[], str]) -> None:
    setup_logging(settings(), "stream")
    structlog.get_logger("a").info("decided", batch=3)
    logging.getLogger("b").warning("slow: %d ms", 7, extra={"stage": "pass"})
    logging.getLogger("b").debug("not shown")
    first, second = [json.loads(line) for line in lines().splitlines()]
    assert (first["event"], first["batch"], first["level"], first["process"]) == (
        "decided",
        3,
        "info",
        "stream",
    )
    assert (second["event"], second["stage"], second["logger"]) == ("slow: 7 ms", "pass", "b")


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_value_can_forge_a_line_or_move_a_cursor(lines: Callable[[], str], form: str) -> None:
    setup_logging(settings(log_format=form), "stream")
    structlog.get_logger().info("one\n\x1b[2Jtwo", doc_id='a\r\n{"event": "forged"}\u2028\u202e')
    text = lines()
    assert text.count("\n") == 1
    assert all(character.isprintable() for character in text[:-1])


def test_long_values_are_cut(lines: Callable[[], str]) -> None:
    setup_logging(settings(), "stream")
    structlog.get_logger().info("x", message="d" * 10_000)
    assert json.loads(lines())["message"] == "d" * 500 + "… (10000 characters)"


def test_an_exception_stays_in_its_line(lines: Callable[[], str]) -> None:
    setup_logging(settings(), "stream")
    try:
        int("bad")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = lines().splitlines()
    assert "ValueError: invalid literal" in json.loads(line)["exception"]


def test_metrics_and_health_over_http(tmp_path: Path) -> None:
    ready = {"ready": False, "seq": 4}
    record = tmp_path / "stream.json"
    with serve_health(settings(record=str(record)), "stream", lambda: ready) as port:
        status, body = get(port, "/healthz")
        assert (status, json.loads(body)["seq"]) == (503, 4)
        ready["ready"] = True
        assert get(port, "/healthz")[0] == 200
        before = metrics.BATCHES._value.get()
        metrics.BATCHES.inc()
        assert f"freshline_stream_batches_total {before + 1}".encode() in get(port, "/metrics")[1]
        assert get(port, "/etc/passwd")[0] == 404
        assert json.loads(record.read_text())["port"] == port
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port))


def test_a_check_may_be_a_plain_truth_or_fail() -> None:
    def broken() -> bool:
        raise RuntimeError("no manifest")

    with serve_health(settings(), "a", lambda: True) as port:
        assert get(port, "/healthz")[0] == 200
    with serve_health(settings(), "a", broken) as port:
        status, body = get(port, "/healthz")
    assert status == 503
    assert json.loads(body)["error"] == "RuntimeError: no manifest"


def test_a_taken_port_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with (
            pytest.raises(ConfigError, match=rf"observability\.port = {taken}"),
            serve_health(settings(port=taken), "a", lambda: True),
        ):
            pass
