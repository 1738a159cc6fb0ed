"""A parser that hangs, crashes, eats memory or prints costs its document alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from freshline.chunking.make import make_chunker
from freshline.errors import MissingPart
from freshline.ingest.accept import Acceptor
from freshline.ingest.content import ContentReader
from freshline.ingest.state import Reject
from freshline.parsing import isolated
from freshline.parsing.isolated import IsolatedParser, Workshop
from freshline.parsing.patience import RECENT, Patience
from freshline.parsing.port import ParsedDocument
from freshline.settings import ChunkingSettings, CollectionsSettings, LimitSettings, ModelSettings
from schemas.reject import Rejected
from tests.support.waiting import wait_for
from tests.unit.test_one_pass import put

TABLE = "tests.support.hostile_parsers"
LIMITS = LimitSettings(parse_seconds=0.2, parse_memory=256 * 2**20)


LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux enforces RLIMIT_AS and tells what is held"
)


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    one = Workshop(LIMITS, TABLE)
    yield one
    one.close()


def pid_of(workshop: Workshop) -> int:
    return int(workshop.parse(b"", "pid").text)


def refused(workshop: Workshop, kind: str, content: bytes = b"") -> Rejected:
    with pytest.raises(Rejected) as raised:
        workshop.parse(content, kind)
    return raised.value


@pytest.mark.parametrize(
    ("kind", "content", "code", "detail"),
    [
        ("hang", b"", "parse_timeout", "over 0.2 s of processor time"),
        ("wait", b"", "parse_timeout", "over 2 s by the clock"),
        ("crash", b"", "parse_crashed", f"signal {int(signal.SIGSEGV)}"),
        ("leave", b"0", "parse_crashed", "exit code 0"),
        ("leave", b"3", "parse_crashed", "exit code 3"),
        pytest.param(
            "eat", b"", "parse_crashed", "more memory than limits.parse_memory allows",
            marks=LINUX,
        ),
        ("recurse", b"", "unparseable", "RecursionError"),
        ("refuse", b"locked", "encrypted", "locked"),
    ],
)  # fmt: skip
def test_a_document_that_does_harm_costs_itself_alone(
    workshop: Workshop, kind: str, content: bytes, code: str, detail: str
) -> None:
    before = workshop.parse(b"before", "echo").text
    found = refused(workshop, kind, content)
    assert (found.code, found.detail) == (code, detail)
    assert (before, workshop.parse("dañach".encode(), "echo").text) == ("before", "dañach")


def test_in_the_pass_it_becomes_one_reject(workshop: Workshop) -> None:
    def parse(content: bytes, content_type: str | None, *, name: str = "") -> ParsedDocument:
        return workshop.parse(content, str(content_type) + name[:0])

    tiny = ModelSettings(backend="tiny")
    chunker = make_chunker(ChunkingSettings(), tiny)
    acceptor = Acceptor(CollectionsSettings(), LIMITS, chunker, parse, ContentReader(LIMITS))
    records = [
        put(n, f"d{n}", "Text.", content_type=kind)
        for n, kind in enumerate(["echo", "hang", "crash", "echo"])
    ]
    outcomes = [acceptor.accept(record, 0) for record in records]
    codes = [outcome.code if isinstance(outcome, Reject) else "accepted" for outcome in outcomes]
    assert codes == ["accepted", "parse_timeout", "parse_crashed", "accepted"]


def test_what_libraries_print_does_not_reach_us(
    workshop: Workshop, capfd: pytest.CaptureFixture[str]
) -> None:
    assert [workshop.parse(b"%d" % n, "shout").text for n in range(3)] == ["0", "1", "2"]
    assert capfd.readouterr() == ("", "")


def test_processor_time_counts_not_the_clock(workshop: Workshop) -> None:
    assert workshop.parse(b"0.3", "rest").text == "rested"  # longer than parse_seconds


def test_one_process_parses_many_however_large_its_owner_is(workshop: Workshop) -> None:
    ballast = b"x" * (200 * 2**20)  # a process that is started takes over its owner's peak of memory
    assert len({pid_of(workshop) for _ in range(5)}) == 1
    del ballast


def test_damage_that_an_earlier_document_left_is_not_blamed_on_a_later_one(workshop: Workshop) -> None:
    workshop.parse(b"first", "echo")
    assert workshop.parse(b"second", "damaged").text == "second"


@LINUX
def test_a_process_that_holds_much_memory_is_replaced(workshop: Workshop) -> None:
    before = pid_of(workshop)
    workshop.parse(b"%d" % 2**20, "leak")
    assert pid_of(workshop) == before
    workshop.parse(b"%d" % (140 * 2**20), "leak")  # over half of 256 MiB
    assert pid_of(workshop) != before
    assert not psutil.pid_exists(before)


def test_a_process_that_was_killed_between_documents_is_replaced(workshop: Workshop) -> None:
    before = pid_of(workshop)
    os.kill(before, signal.SIGKILL)
    assert pid_of(workshop) != before


def test_no_secret_and_no_file_within_reach(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FRESHLINE_KAFKA__PASSWORD_FILE", "secret")
    assert workshop.parse(b"FRESHLINE_KAFKA__PASSWORD_FILE", "environment").text == "unset"
    file = tmp_path / "written"
    assert refused(workshop, "write", str(file).encode()).code == "unparseable"
    assert not file.exists() or not file.stat().st_size


def test_threads_share_it_and_get_their_own_answers(workshop: Workshop) -> None:
    def parse(n: int) -> str:
        if n % 5:
            return workshop.parse(b"%d" % n, "echo").text
        return refused(workshop, "leave", b"%d" % (n % 7)).detail

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(parse, range(40)))
    assert found == [str(n) if n % 5 else f"exit code {n % 7}" for n in range(40)]


def test_a_large_document_goes_there_and_back(workshop: Workshop) -> None:
    text = "grün " * 400_000  # far over what a pipe holds
    assert workshop.parse(text.encode(), "echo").text == text


@pytest.mark.parametrize("table", ["no.such.module", "tests.support.waiting"])
def test_a_table_that_is_none_stops_us(table: str) -> None:
    with pytest.raises(MissingPart, match="did not start"):
        Workshop(LIMITS, table).parse(b"", "echo")


def test_a_missing_library_stops_us_instead_of_refusing_documents(workshop: Workshop) -> None:
    with pytest.raises(MissingPart, match="no_such_library"):
        workshop.parse(b"", "missing")
    assert workshop.parse(b"after", "echo").text == "after"


def test_a_library_that_cannot_be_loaded_any_more_is_loaded_in_a_fresh_process(workshop: Workshop) -> None:
    workshop.parse(b"first", "echo")
    assert workshop.parse(b"second", "crowded").text == "second"


def test_close_ends_it_and_a_call_starts_another(workshop: Workshop) -> None:
    first = pid_of(workshop)
    workshop.close()
    assert not psutil.pid_exists(first)
    assert pid_of(workshop) != first


_OWNER = f"""
from freshline.parsing.isolated import Workshop
from freshline.settings import LimitSettings
workshop = Workshop(LimitSettings(parse_seconds=100.0), {TABLE!r})
print(workshop.parse(b"", "pid").text, flush=True)
"""


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a busy process ends with its timers")
def test_it_ends_with_its_owner(busy: bool) -> None:
    then = 'workshop.parse(b"", "hang")' if busy else "input()"
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER + then], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with owner:
        assert owner.stdout is not None
        child = psutil.Process(int(owner.stdout.readline()))
        if busy:
            spent = child.cpu_times().user
            wait_for(lambda: child.cpu_times().user > spent + 0.1, what="busy", within=20)
        owner.kill()
    wait_for(lambda: not child.is_running(), what="the end of the parsing process", within=20)


def test_patience() -> None:
    patience = Patience(30.0)
    given = []
    for _ in range(7):
        given.append(patience.seconds())
        patience.note(ran_out=True)
    assert given == [30, 15, 7.5, 3.75, 1.875, 1, 1]
    for _ in range(RECENT - 1):
        patience.note(ran_out=False)
    assert patience.seconds() == 15
    patience.note(ran_out=False)
    assert patience.seconds() == 30


def test_a_limit_below_the_floor_stays() -> None:
    patience = Patience(0.2)
    patience.note(ran_out=True)
    assert patience.seconds() == 0.2


def test_plain_formats_need_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "ParsingProcess", None)
    assert IsolatedParser(LIMITS)(b"# T\n\ntext", "text/markdown").title == "T"
