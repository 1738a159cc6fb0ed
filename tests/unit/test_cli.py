"""What the command line says and which code it ends with."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from freshline.cli import main as cli
from freshline.cli.ask import _stamp, _tell_empty
from freshline.cli.config import hidden
from freshline.cli.past import as_of_request, told
from freshline.cli.positions import positions_of, require_topic, written
from freshline.errors import MissingPart, TransientError, UserError
from freshline.settings import KafkaSettings
from schemas.messages import AsOf, Response, Staleness
from tests.support.scripted import stamped

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*argv: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(list(argv))
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return call


VERBS = ["up", "down", "status", "logs", "doctor", "publish", "ask", "stream", "serve", "tail", "archive"]
VERBS += ["backfill", "compact"]
PAIRS = [["config", "show"], ["topics", "plan"], ["topics", "apply"], ["topics", "check"]]
PAIRS += [["index", "status"]]
PAIRS += [["dlq", "list"], ["dlq", "show"], ["dlq", "replay"]]


@pytest.mark.parametrize("verb", [*([verb] for verb in VERBS), *PAIRS], ids=" ".join)
def test_each_verb_has_help_with_an_example(run: Run, verb: list[str]) -> None:
    code, said, _ = run(*verb, "--help")
    assert code == 0
    assert f"freshline {' '.join(verb)}" in said.split("Example", 1)[1]


def test_help_loads_no_heavy_library() -> None:
    heavy = ["pyspark", "torch", "faiss", "tantivy", "deltalake", "pyarrow", "numpy", "kafka", "transformers"]
    code = f"import sys; from freshline.cli.main import app; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_a_typing_slip_is_answered_with_the_nearest_verb(run: Run) -> None:
    code, _, said = run("pubish")
    assert code == 2
    assert "Did you mean 'publish'?" in said


def failing(error: BaseException) -> Callable[[], object]:
    def fail() -> object:
        raise error

    return fail


def test_failures_and_their_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.told(failing(MissingPart("no [java] here"))) == 2
    assert capsys.readouterr().err == "error: no [java] here\n"
    assert cli.told(failing(TransientError("the broker is away"))) == 1
    assert capsys.readouterr().err == "error: the broker is away\n"
    assert cli.told(failing(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == ""
    with pytest.raises(ZeroDivisionError):
        cli.told(failing(ZeroDivisionError()))


@pytest.mark.parametrize(
    "verb",
    [["ask", "x"], ["publish", "-"], ["topics", "check"], ["dlq", "list"], ["serve"], ["stream"]],
    ids=" ".join,
)
def test_without_a_stack_each_verb_says_what_to_do(
    run: Run, verb: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"text")))
    code, _, said = run(*verb, *(["--id", "x"] if verb[0] == "publish" else []))
    assert code == 2
    assert (
        said == "error: No stack is running here (.freshline): run `freshline up`, or set kafka.bootstrap.\n"
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "Nothing to publish"),
        (["nowhere.md"], "nowhere.md does not exist"),
        (["empty"], "holds no file that ends in .txt, "),
        (["-"], "needs an id"),
        (["big.pdf"], "(collections.docs.max_bytes). Expected less, or --as-uri"),
        (["one.md", "two.md", "--title", "T"], "are for one document, but 2 are named"),
        (["one.md", "--meta", "year"], "--meta: found 'year', expected KEY=VALUE"),
        (["one.md", "--meta", "a=1", "--meta", "a=2"], "--meta names 'a' twice"),
    ],
)
def test_what_cannot_be_published_is_said_before_anything_is_sent(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], says: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"text")))
    for name in ("one.md", "two.md"):
        (tmp_path / name).write_text("text")
    (tmp_path / "big.pdf").write_bytes(b"%PDF-" + bytes(700_000))  # 933,340 bytes as base64, over 900,000
    (tmp_path / "empty").mkdir()
    code, _, said = run("publish", *words)
    assert code == 2
    assert says in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--as-of", "yesterday"], "--as-of is 'yesterday'. Expected a time with its zone, such as"),
        (["--as-of", "2026-11-22T10:00"], "Expected a time with its zone"),
        (["--as-of", "2026-11-22T10:00Z", "--as-of-seq", "3"], "Expected one of them"),
        (["--as-of-seq", "-1"], "-1 is not in the range x>=0"),
        (["--as-of-seq", "3", "--max-staleness", "2"], "--max-staleness for the present. Expected one"),
        (["--max-staleness", "-2"], "-2.0 is not in the range x>=0"),
        (
            ["--after", "documents:0"],
            "--after: found 'documents:0', expected positions such as documents:0=17,1=5",
        ),
        (["--after", "documents:0=-1"], "--after: found 'documents:0=-1', expected"),
        (["--after", '{"documents": {"0": 1.5}}'], "--after: found"),
        (["--after", '[{"topic": "documents"}]'], "--after: found"),
        (["--after", "tea.md"], "--after: found 'tea.md', expected"),
    ],
)
def test_a_past_that_cannot_be_meant_is_said_before_anything_is_asked(
    run: Run, words: list[str], says: str
) -> None:
    code, _, said = run("ask", "x", *words)
    assert code == 2
    assert says in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--where", "year"], "--where: found 'year', expected KEY OP VALUE such as year>=2000"),
        (["--filter", "{'a': 1}"], "--filter: not JSON at character 2; expected a JSON object such as"),
        (["--filter", '{"a": {"$gtt": 1}}'], "filter.a.$gtt: no such operator: did you mean $gt?"),
    ],
)
def test_a_filter_that_says_nothing_is_said_in_one_line_before_anything_is_asked(
    run: Run, words: list[str], says: str
) -> None:
    code, printed, said = run("ask", "x", *words)
    assert (code, printed) == (2, "")
    assert says in said
    assert said.count("\n") == 1


def test_a_filter_that_leaves_nothing_is_told_as_it_was_understood(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _tell_empty({"living": {"$eq": "True"}})
    assert 'meets {"living": {"$eq": "True"}} ' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "means"),
    [
        ("documents:0=17,1=5", {"documents": {0: 17, 1: 5}}),
        ("documents:0=17 p.documents:2=1,2=3,2=2", {"documents": {0: 17}, "p.documents": {2: 3}}),
        ("published docs/a.md  documents[0] offset 16\nafter documents:0=17\n", {"documents": {0: 17}}),
        ('{"documents": {"0": 17, "1": 5}}', {"documents": {0: 17, 1: 5}}),
        (
            '[{"topic": "documents", "partition": 0, "offset": 16},{"topic":"documents","partition":0,"offset":9}]',
            {"documents": {0: 17}},  # what stands at offset 16 is seen below 17
        ),
    ],
)
def test_positions_are_read_as_publish_prints_them(
    given: str, means: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "positions").write_text(given)
    monkeypatch.setattr("sys.stdin", io.StringIO(given))
    assert positions_of(None) is None
    assert [positions_of(one) for one in (given, "-", str(tmp_path / "positions"))] == [means] * 3


def test_positions_of_another_topic_are_refused_and_none_are_written_twice() -> None:
    kafka = KafkaSettings(bootstrap="unused", topic_prefix="p.")
    require_topic({"p.documents": {0: 1}}, kafka)
    with pytest.raises(UserError, match=r"names the topic 'documents', expected 'p\.documents'"):
        require_topic({"documents": {0: 1}}, kafka)
    assert written({"b": {1: 5, 0: 17}, "a": {2: 1}}) == "a:2=1 b:0=17,1=5"


@pytest.mark.parametrize(
    ("stale", "says"),
    [
        (
            Staleness(missing={"documents": {1: 1, 0: 3}}),
            " STALE, without 3 of documents[0], 1 of documents[1]: ",
        ),
        (
            Staleness(missing={"documents": {0: 3}}, seconds=4.26),
            " STALE by 4.3 s, without 3 of documents[0]: ",
        ),
        (Staleness(missing={}), " PERHAPS STALE (the worker could not ask the broker what there is): "),
    ],
)
def test_a_stale_answer_says_what_it_has_not_seen(stale: Staleness, says: str) -> None:
    stamp = AsOf(coverage={"documents": {0: 5}}, seq=17, generation=0, generator="g", newest_event_age=None)
    response = Response(
        schema_version=1, query_id="q", query_sha256="", status="answered", as_of=stamp, stale=stale
    )
    assert _stamp(response, "as of").startswith(f"as of{says}documents[0] below 5")


def test_an_answer_says_how_much_of_it_is_not_durable_yet() -> None:
    assert "documents[0] below 17, of them 14 not durable yet (manifest 1)" in _stamp(stamped(17, 3), "as of")
    for response in (stamped(17, 17), stamped(17, None)):
        assert "documents[0] below 17 (manifest 1)" in _stamp(response, "as of")


def test_an_answer_about_the_past_says_so() -> None:
    stamp = AsOf(coverage={"documents": {0: 5}}, seq=17, generation=0, generator="g", newest_event_age=None)
    response = Response(
        schema_version=1,
        query_id="q",
        query_sha256="",
        status="answered",
        as_of=stamp,
        timings={"total": 0.01},
    )
    assert as_of_request(None, None) is None
    said = [
        _stamp(response, told(as_of_request(*when)))
        for when in ((None, None), (None, 17), ("2026-11-22T10:00+01:00", None))
    ]
    rest = "documents[0] below 5 (manifest 17); total 10 ms"
    assert said == [
        f"as of: {rest}",
        f"THE PAST, seq 17, as of: {rest}",
        f"THE PAST, 2026-11-22T10:00:00+01:00, as of: {rest}",
    ]


def test_config_show_tells_value_and_origin(run: Run, tmp_path: Path) -> None:
    (tmp_path / "freshline.toml").write_text("[spark]\ntasks = 7\n")
    code, said, _ = run("config", "show", "--json", "--set", "redis.url=redis://u:hunter2@h:1/0")
    shown = json.loads(said)
    assert code == 0
    assert shown["spark.tasks"] == {"value": 7, "origin": "freshline.toml"}
    assert shown["redis.url"] == {"value": "redis://u:…@h:1/0", "origin": "--set"}
    assert shown["index.shards"] == {"value": 1, "origin": "default"}
    _, table, _ = run("config", "show", "spark.t")
    assert [c.strip() for c in table.splitlines()[3].split("│")[1:4]] == [
        "spark.tasks",
        "7",
        "freshline.toml",
    ]


def test_a_value_without_a_password_is_shown_as_it_is() -> None:
    assert hidden("redis://h:1/0") == "redis://h:1/0"
    assert hidden("me@example.org") == "me@example.org"
    assert hidden(5) == 5


def test_status_and_down_without_a_stack(run: Run) -> None:
    code, said, _ = run("status")
    assert code == 1
    assert "No stack runs in" in said
    assert run("status", "--json")[1] == "[]\n"
    code, said, _ = run("down")
    assert code == 0
    assert "No stack runs in" in said


def test_logs_name_the_parts_that_there_are(run: Run, tmp_path: Path) -> None:
    assert run("logs")[0] == 2
    folder = tmp_path / ".freshline" / "logs"
    folder.mkdir(parents=True)
    (folder / "stream.log").write_text("".join(f"line {n}\n" for n in range(50)))
    (folder / "broker.log").write_text("up\n")
    assert run("logs", "stream", "-n", "2")[1] == "line 48\nline 49\n"
    assert run("logs", "-n", "1")[1] == "broker     up\nstream     line 49\n"
    assert "Did you mean stream?" in run("logs", "steam")[2]
