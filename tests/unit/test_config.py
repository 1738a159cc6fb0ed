"""Values by source, and what a mistake is answered with."""

import os
from pathlib import Path

import pytest

from freshline import config, config_keys
from freshline.embedded import state
from freshline.errors import ConfigError, FormatError, MissingPart
from freshline.settings import Settings


def settings_file(folder: Path, text: str) -> Path:
    path = folder / "freshline.toml"
    path.write_text(text)
    return path


def test_no_source_gives_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = config.load([], {})
    assert loaded.settings == Settings()
    assert loaded.origin("spark.tasks") == "default"


def test_flags_beat_variables_beat_the_file_beat_defaults(tmp_path: Path) -> None:
    path = settings_file(
        tmp_path, "[stream]\nmax_records = 1\ntrigger = 1\n[index]\nshards = 2\n[spark]\ntasks = 4\n"
    )
    environ = {"FRESHLINE_STREAM__MAX_RECORDS": "2", "FRESHLINE_STREAM__TRIGGER": "2.5"}
    loaded = config.load(["stream.max_records=3"], environ, path)
    assert loaded.settings.stream.max_records == 3
    assert loaded.settings.stream.trigger == 2.5
    assert loaded.settings.index.shards == 2
    assert loaded.settings.serving.max_poll == 256
    assert loaded.origin("stream.max_records") == "--set"
    assert loaded.origin("stream.trigger") == "FRESHLINE_STREAM__TRIGGER"
    assert loaded.origin("index.shards") == str(path)


def test_the_file_is_found_by_name_by_variable_and_by_flag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = settings_file(tmp_path, "[spark]\ntasks = 5\n")
    monkeypatch.chdir(tmp_path)
    assert config.load([], {}).settings.spark.tasks == 5
    monkeypatch.chdir("/")
    assert config.load([], {}).settings.spark.tasks == 2
    assert config.load([], {"FRESHLINE_CONFIG": str(path)}).settings.spark.tasks == 5
    assert config.load([], {}, path).settings.spark.tasks == 5
    with pytest.raises(ConfigError, match=r"nowhere\.toml does not exist"):
        config.load([], {"FRESHLINE_CONFIG": "nowhere.toml"})


def test_collections_start_from_the_default_section(tmp_path: Path) -> None:
    path = settings_file(
        tmp_path,
        '[collections]\nopen = false\n[collections.default]\nmax_bytes = 10\ndefault_acl = ["staff"]\n'
        '[collections.hr-papers]\nlanguage = "de"\n',
    )
    loaded = config.load(["collections.hr-papers.default_acl=hr, board"], {}, path)
    papers = loaded.settings.collections.get("hr-papers")
    assert papers is not None
    assert (papers.default_acl, papers.language, papers.max_bytes) == (("hr", "board"), "de", 10)
    assert loaded.settings.collections.get("other") is None
    assert config.values(loaded)["collections.hr-papers.language"] == "de"


def test_spark_conf_keeps_dots_in_its_names(tmp_path: Path) -> None:
    path = settings_file(tmp_path, '[spark.conf]\n"spark.ui.enabled" = "true"\n')
    environ = {"FRESHLINE_SPARK__CONF": "spark.a=1,spark.b=x=y"}
    loaded = config.load(["spark.conf.spark.c.d=2"], environ, path)
    assert loaded.settings.spark.conf == {
        "spark.ui.enabled": "true",
        "spark.a": "1",
        "spark.b": "x=y",
        "spark.c.d": "2",
    }


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("sprak.tasks=1", r"sprak\.tasks = '1'.*Did you mean spark\.tasks\?"),
        ("collections.hr.max_byte=1", r"no such setting.*max_bytes"),
        ("spark.tasks=two", r"spark\.tasks = 'two', expected a whole number"),
        ("spark.tasks=1.5", r"spark\.tasks = '1\.5', expected a whole number"),
        ("spark.tasks=0", r"spark\.tasks = 0, expected 1 to 1024"),
        ("stream.trigger=nan", r"stream\.trigger = nan, expected 0 or more"),
        ("collections.open=perhaps", r"expected true or false"),
        ("models.backend=onnx", r"expected one of auto, openvino, torch, tiny"),
        ("observability.port=65536", r"65536, expected 0 to 65535"),
        ("limits.parse_memory=1", r"limits\.parse_memory = 1, expected 268435456 or more"),
        ("limits.parse_seconds=0", r"limits\.parse_seconds = 0\.0, expected 0\.1 to 3600"),
        ("limits.content_roots=docs", r"limits\.content_roots = \('docs',\), expected absolute folders"),
        ("limits.content_roots=/srv,/srv/../etc", r"expected absolute folders"),
        ("chunking.overlap_tokens=250", r"less than chunking\.max_tokens"),
        ("kafka.bootstrap=broker", r"'broker', expected host:port"),
        ("kafka.bootstrap=10.0.0.1:9092", r"loopback or kafka\.allow_plaintext"),
        ("kafka.bootstrap=127.0.0.1:1,10.0.0.1:2", r"loopback or kafka\.allow_plaintext"),
        ("kafka.security=sasl_ssl", r"kafka\.username.*expected a value"),
        ("kafka.ca_file=/no/such.pem", r"expected a file that exists"),
        ("redis.url=localhost:6379", r"expected redis://"),
        ("collections.hr.max_bytes=0", r"collections\.hr\.max_bytes = 0, expected 1 or more"),
        ("spark.tasks", r"has no value"),
    ],
)
def test_a_mistake_names_key_value_and_expectation(override: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        config.load([override], {})


def test_secrets_in_a_refused_url_are_not_shown() -> None:
    with pytest.raises(ConfigError) as refused:
        config.load(["redis.url=http://user:hunter2@host:1"], {})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "localhost", "[::1]"])
def test_plaintext_is_fine_on_loopback_and_where_it_is_allowed(host: str) -> None:
    assert config.load([f"kafka.bootstrap={host}:9092"], {}).settings.kafka.bootstrap == f"{host}:9092"
    config.load(["kafka.bootstrap=broker:9092", "kafka.allow_plaintext=true"], {})
    config.load(["kafka.bootstrap=broker:9092", "kafka.security=ssl"], {})


def test_one_underscore_is_a_slip_other_variables_are_not_ours() -> None:
    with pytest.raises(ConfigError, match="expected FRESHLINE_KAFKA__BOOTSTRAP"):
        config.load([], {"FRESHLINE_KAFKA_BOOTSTRAP": "x:1"})
    config.load([], {"FRESHLINE_EVAL_DATA": "data", "FRESHLINE_REDIS_SERVICE_HOST": "10.0.0.1"})
    with pytest.raises(ConfigError, match=r"FRESHLINE_KAFKA__BOOTSTRP.*Did you mean kafka\.bootstrap"):
        config.load([], {"FRESHLINE_KAFKA__BOOTSTRP": "x:1"})


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"freshline\.toml cannot be read"):
        config.load([], {}, settings_file(tmp_path, "[spark\n"))
    with pytest.raises(ConfigError, match=r"freshline\.toml sets spark\.tasks = True"):
        config.load([], {}, settings_file(tmp_path, "[spark]\ntasks = true\n"))


def test_every_setting_says_what_it_is_for() -> None:
    assert [key for key in config_keys.defaults() if not config_keys.help_of(key)] == []


def test_a_command_line_is_taken_apart() -> None:
    found = config.split(["backfill", "--set", "a.b=1", "docs", "--config=f.toml", "--set=c.d=x=y"])
    assert found == config.Arguments(("a.b=1", "c.d=x=y"), Path("f.toml"), ("backfill", "docs"))
    with pytest.raises(ConfigError, match="--set stands without a value"):
        config.split(["--set"])
    with pytest.raises(ConfigError, match="Unknown argument '--sett'"):
        config.from_environment(["--sett", "x"])


def stack(folder: Path, pid: int, started: float) -> None:
    state.write(
        folder,
        state.State(
            supervisor=state.Process(pid=pid, started=started),
            addresses={
                "kafka.bootstrap": "127.0.0.1:1",
                "redis.url": "redis://127.0.0.1:2/0",
                "lake.uri": "/l",
            },
        ),
    )


def test_empty_addresses_are_those_of_the_running_stack(tmp_path: Path) -> None:
    own = state.process_of(os.getpid())
    assert own is not None
    stack(tmp_path, own.pid, own.started)
    loaded = config.load([f"stack.directory={tmp_path}", "redis.url=none"], {})
    found = config.with_addresses(loaded, ("kafka", "redis", "lake"))
    assert found.settings.kafka.bootstrap == "127.0.0.1:1"
    assert found.settings.lake.uri == "/l"
    assert found.settings.redis.url == "none"
    assert found.origin("kafka.bootstrap") == "the running stack"


def test_a_stack_whose_pid_was_given_to_another_process_does_not_run(tmp_path: Path) -> None:
    own = state.process_of(os.getpid())
    assert own is not None
    stack(tmp_path, own.pid, own.started - 60)
    loaded = config.load([f"stack.directory={tmp_path}"], {})
    with pytest.raises(MissingPart, match=r"run `freshline up`, or set kafka\.bootstrap"):
        config.with_addresses(loaded, ("kafka",))
    assert config.with_addresses(loaded).settings.kafka.bootstrap == ""


def test_a_state_file_of_another_release_is_refused(tmp_path: Path) -> None:
    stack(tmp_path, 1, 1.0)
    path = tmp_path / state.FILE
    path.write_text(path.read_text().replace('"version": 1', '"version": 2'))
    with pytest.raises(FormatError, match="version 2, expected 1"):
        state.read(tmp_path)
