"""The broker and redis-server as parts: they answer, keep their data, and never outlive their owner."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from freshline.embedded import broker as broker_part
from freshline.embedded import java, ports, redis_server
from freshline.embedded.child import Child
from freshline.errors import MissingPart

pytestmark = pytest.mark.integration


def eventually(condition: Callable[[], bool], timeout: float = 20.0) -> bool:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def port_of(url: str) -> int:
    return urlsplit(url).port or 0


def make_topic(address: str) -> str:
    name = f"t-{uuid.uuid4().hex}"
    admin = KafkaAdminClient(bootstrap_servers=address)
    admin.create_topics([NewTopic(name=name, num_partitions=1, replication_factor=1)])
    admin.close()
    return name


def write(address: str, topic: str, value: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=address, acks="all")
    producer.send(topic, value=value).get(timeout=20)
    producer.close()


def read(address: str, topic: str) -> list[bytes]:
    consumer = KafkaConsumer(
        topic, bootstrap_servers=address, auto_offset_reset="earliest", consumer_timeout_ms=5000
    )
    values = [next(consumer).value]
    consumer.close()
    return values


def test_shared_broker_and_redis_answer(broker: str, redis_url: str) -> None:
    topic = make_topic(broker)
    write(broker, topic, b"one")
    assert read(broker, topic) == [b"one"]
    port = port_of(redis_url)
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.sendall(b"SET k v\r\nGET k\r\n")
        reply = b""
        while len(reply) < len(b"+OK\r\n$1\r\nv\r\n"):
            reply += link.recv(64)
    assert reply == b"+OK\r\n$1\r\nv\r\n"


def test_broker_keeps_its_data_through_a_kill_and_a_change_of_port(
    jars: dict[str, list[Path]], tmp_path: Path
) -> None:
    settings = broker_part.BrokerSettings(directory=tmp_path, jars=jars["broker"], java=java.find(os.environ))
    first = broker_part.start(settings)
    topic = make_topic(first.address)
    write(first.address, topic, b"acknowledged")
    first.kill()
    assert first.child.poll() == -signal.SIGKILL
    second = broker_part.start(settings)
    try:
        assert second.address != first.address
        assert read(second.address, topic) == [b"acknowledged"]
    finally:
        second.stop()
    assert gone(second.pid)


def test_an_occupied_port_is_named(jars: dict[str, list[Path]], tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(MissingPart, match=f"Port {port} is taken"):
            broker_part.start(broker_part.BrokerSettings(directory=tmp_path, jars=jars["broker"], port=port))
        with pytest.raises(MissingPart, match=f"Port {port} is taken"):
            redis_server.start(
                redis_server.RedisServerSettings(
                    directory=tmp_path, binary=redis_server.find(os.environ), port=port
                )
            )


def test_redis_stops_in_order_and_frees_its_port(tmp_path: Path) -> None:
    server = redis_server.start(
        redis_server.RedisServerSettings(directory=tmp_path, binary=redis_server.find(os.environ))
    )
    port = port_of(server.url)
    assert ports.answers(port)
    server.stop()
    assert server.child.poll() == 0
    assert eventually(lambda: ports.is_free(port))


def test_a_child_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    binary = tmp_path / "redis-server"
    binary.write_text("#!/bin/sh\necho no memory at all >&2\nexit 7\n")
    binary.chmod(0o755)
    with pytest.raises(MissingPart, match=r"(?s)code 7.*no memory at all"):
        redis_server.start(redis_server.RedisServerSettings(directory=tmp_path, binary=binary))


_OWNER = """
import sys
from pathlib import Path
from urllib.parse import urlsplit
from freshline.embedded.child import Child
script = "import subprocess, sys, time, os, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" \\
    "p = subprocess.Popen([sys.executable, '-c', 'import os, time; os.setpgid(0, 0); time.sleep(600)']);" \\
    "print(p.pid, flush=True); time.sleep(600)"
child = Child([sys.executable, "-c", script], Path(sys.argv[1]))
print(child.pid, child.guard_pid, flush=True)
sys.stdin.read()
"""


def test_nothing_outlives_a_killed_owner(tmp_path: Path) -> None:
    """The child ignores SIGTERM and has one in a process group of its own, like Spark's Python daemon."""
    log = tmp_path / "log"
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(log)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    assert owner.stdin is not None
    pids = [int(word) for word in owner.stdout.readline().split()]
    assert eventually(lambda: log.read_text().strip() != "")
    pids.append(int(log.read_text()))
    assert not any(gone(pid) for pid in pids)
    owner.kill()
    owner.wait()
    owner.stdin.close()
    owner.stdout.close()
    assert eventually(lambda: all(gone(pid) for pid in pids))


@pytest.mark.skipif(sys.platform != "linux", reason="the parent's death is a signal on Linux alone")
def test_a_killed_guard_takes_its_child_along(tmp_path: Path) -> None:
    child = Child([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path / "log")
    os.kill(child.guard_pid, signal.SIGKILL)
    assert eventually(lambda: gone(child.pid))
    assert eventually(lambda: child.poll() == -signal.SIGKILL)
    child.stop()


def test_stop_is_patient_then_firm(tmp_path: Path) -> None:
    polite = Child([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path / "a")
    assert polite.stop() == -signal.SIGTERM
    script = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    script += "print('on', flush=True); time.sleep(600)"
    deaf = Child([sys.executable, "-c", script], tmp_path / "b")
    assert eventually(lambda: "on" in (tmp_path / "b").read_text())
    assert deaf.stop(grace=0.2) == -signal.SIGKILL
    assert deaf.stop() == -signal.SIGKILL
