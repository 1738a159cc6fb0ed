"""[kafka] as client options, the first contact, and the watchdog. No broker."""

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from freshline.errors import ConfigError, MissingPart
from freshline.settings import KafkaSettings
from freshline.transport import contact
from freshline.transport.connection import kafka_options, topic_name
from freshline.transport.kafka import open_log
from freshline.transport.watchdog import EXIT_STUCK, Watchdog

NOWHERE = "/no/such/file"


@pytest.mark.parametrize(
    "server", ["127.0.0.1:9092", "localhost:9092", "[::1]:9092", "127.8.9.10:1", "localhost"]
)
def test_plaintext_on_this_machine_is_allowed(server: str) -> None:
    options = kafka_options(KafkaSettings(bootstrap=server))
    assert (options["bootstrap_servers"], options["security_protocol"]) == ([server], "PLAINTEXT")


@pytest.mark.parametrize(
    "server",
    ["10.0.0.1:9092", "kafka:9092", "127.0.0.1.example.org:1", "localhost:1,10.0.0.1:9092", "[fe80::1]:1"],
)
@pytest.mark.parametrize("security", ["plaintext", "sasl_plaintext"])
def test_plaintext_beyond_this_machine_is_refused(server: str, security: str) -> None:
    settings = KafkaSettings(bootstrap=server, security=security)  # type: ignore[arg-type]  # a parameter of the test
    with pytest.raises(ConfigError) as caught:
        kafka_options(settings)
    for named in (
        "kafka.security",
        security,
        server.rsplit(",", maxsplit=1)[-1],
        "sasl_ssl",
        "kafka.allow_plaintext",
    ):
        assert named in str(caught.value)


def test_plaintext_beyond_this_machine_can_be_allowed() -> None:
    settings = KafkaSettings(bootstrap="kafka:9092, other:9092", allow_plaintext=True)
    assert kafka_options(settings)["bootstrap_servers"] == ["kafka:9092", "other:9092"]


def test_sasl_reads_the_password_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("p 4s\n")
    (tmp_path / "ca.pem").write_text("x")
    options = kafka_options(
        KafkaSettings(
            bootstrap="kafka:9093",
            security="sasl_ssl",
            username="worker",
            password_file=str(tmp_path / "secret"),
            ca_file=str(tmp_path / "ca.pem"),
        )
    )
    assert options["security_protocol"] == "SASL_SSL"
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("worker", "p 4s")
    assert options["ssl_cafile"] == str(tmp_path / "ca.pem")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (KafkaSettings(), "kafka.bootstrap"),
        (KafkaSettings(bootstrap="k:1", security="sasl_ssl"), "kafka.username"),
        (KafkaSettings(bootstrap="k:1", security="sasl_ssl", username="u"), "kafka.password_file"),
        (
            KafkaSettings(bootstrap="k:1", security="sasl_ssl", username="u", password_file=NOWHERE),
            NOWHERE,
        ),
        (KafkaSettings(bootstrap="k:1", security="ssl", ca_file="/no/ca.pem"), "'/no/ca.pem'"),
    ],
)
def test_what_is_missing_is_named(settings: KafkaSettings, named: str) -> None:
    with pytest.raises(ConfigError, match="expected") as caught:
        kafka_options(settings)
    assert named in str(caught.value)


def test_topic_names_carry_the_prefix() -> None:
    assert topic_name(KafkaSettings(topic_prefix="eu."), "documents.dlq") == "eu.documents.dlq"
    assert topic_name(KafkaSettings(), "queries") == "queries"


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def test_no_broker_says_where_it_looked_and_what_to_do(
    closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact, "_PAUSE", 5 * contact.PATIENCE)  # one attempt
    with pytest.raises(MissingPart, match=rf"127\.0\.0\.1:{closed_port} .*expected.*freshline up"):
        open_log(KafkaSettings(bootstrap=f"127.0.0.1:{closed_port}"))


def test_a_server_that_is_just_starting_is_waited_for(closed_port: int) -> None:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", closed_port))
    opening = threading.Timer(0.3, server.listen)
    opening.start()
    with contact.first_contact(KafkaSettings(bootstrap=f"127.0.0.1:1,127.0.0.1:{closed_port}"), patience=10):
        opening.join()
    server.close()


def test_a_step_in_time_is_left_alone_and_a_late_one_ends_the_process() -> None:
    ended: list[int] = []
    with Watchdog(60, "a quick step", end=ended.append):
        pass
    assert ended == []
    barked = threading.Event()

    def end(code: int) -> None:
        ended.append(code)
        barked.set()

    with Watchdog(0.01, "a slow step", end=end):
        assert barked.wait(10)
    assert ended == [EXIT_STUCK]


def test_the_watchdog_ends_a_process_whose_main_thread_hangs() -> None:
    code = (
        "import threading\n"
        "from freshline.transport.watchdog import Watchdog\n"
        "with Watchdog(0.1, 'commit'):\n"
        "    threading.Event().wait()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == EXIT_STUCK
    assert "commit has taken more than" in run.stderr
