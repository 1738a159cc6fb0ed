"""An OpenAI-compatible endpoint, well or badly behaved: a text, or a reason why there is none, in time."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from freshline import config
from freshline.embedding.tiny import TinyEmbedder
from freshline.errors import ConfigError
from freshline.generation import endpoint
from freshline.generation.endpoint import RETRIES, EndpointWriter
from freshline.generation.failure import Unwritten
from freshline.generation.load import load_generator
from freshline.generation.port import Answer
from freshline.generation.writer import Prompt
from freshline.settings import GenerationSettings, ServingSettings, Settings
from tests.support.chat_server import Act, ChatServer, Reply, chat_server
from tests.support.questions import hit, question

PROMPT = Prompt("be true", "how high?")
#: Seconds a test waits for what must come.
PATIENCE = 20.0
TOWER = hit("The tower is 96 metres high.")


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_PAUSE", 0.001)


def _well(reply: Reply) -> None:
    reply.head()
    reply.say("The tower is ", "96 metres high [1].")


def _deaf(_: str) -> None:
    pass


def _write(
    server: ChatServer, *, seconds: float = PATIENCE, key: str = "", hear: Callable[[str], None] = _deaf
) -> str:
    writer = EndpointWriter(base_url=server.url, model="m", key=key, max_tokens=16)
    return writer.write(PROMPT, time.monotonic() + seconds, hear)


def _reason(*acts: Act, seconds: float = PATIENCE) -> str:
    """Return why there was no text: a reason, or the name of what was raised, which counts as `failed`."""
    with chat_server(*acts) as server:
        started = time.monotonic()
        try:
            text = _write(server, seconds=seconds)
        except Unwritten as none:
            return none.reason
        except Exception as error:  # noqa: BLE001 - which one is what is asked
            return type(error).__name__
        finally:
            assert time.monotonic() - started < seconds + PATIENCE / 2
        return f"text {text!r}"


def test_a_streamed_text_is_heard_part_by_part_and_returned_whole() -> None:
    heard: list[str] = []
    with chat_server(_well) as server:
        assert _write(server, hear=heard.append) == "The tower is 96 metres high [1]."
    assert heard == ["The tower is ", "96 metres high [1]."]
    ((headers, body),) = server.requests
    assert (body["path"], body["model"], body["stream"], body["temperature"], body["max_tokens"]) == (
        "/v1/chat/completions", "m", True, 0, 16,
    )  # fmt: skip
    assert body["messages"] == [
        {"role": "system", "content": "be true"},
        {"role": "user", "content": "how high?"},
    ]
    assert "authorization" not in headers


def test_only_the_key_of_the_settings_is_sent_and_nothing_about_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")
    monkeypatch.setenv("OPENAI_ORG_ID", "organisation")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: other\nX-Other: 1")
    with chat_server(_well) as server:
        _write(server, key="s3cret")
    ((headers, _),) = server.requests
    assert headers.pop("authorization") == "Bearer s3cret"
    assert set(headers) == {
        "host",
        "connection",
        "accept",
        "accept-encoding",
        "content-type",
        "content-length",
    }


def _status(code: int) -> Act:
    def act(reply: Reply) -> None:
        reply.head(code, "application/json", retry_after="3600")
        reply.raw(b'{"error": {"message": "no"}}')

    return act


def test_a_refusal_that_passes_is_tried_again() -> None:
    with chat_server(_status(500), _status(429), _well) as server:
        assert _write(server) == "The tower is 96 metres high [1]."
    assert len(server.requests) == 3


@pytest.mark.parametrize(("code", "requests"), [(500, RETRIES + 1), (503, RETRIES + 1), (400, 1), (401, 1)])
def test_attempts_are_bounded_whatever_the_server_asks_for(code: int, requests: int) -> None:
    with chat_server(_status(code)) as server, pytest.raises(Exception, match="no"):
        _write(server)
    assert len(server.requests) == requests


def _hang(reply: Reply) -> None:
    reply.over.wait(PATIENCE)


def _hang_in_the_middle(reply: Reply) -> None:
    reply.head()
    reply.raw(b'data: {"choices": [{"index": 0, "delta": {"content": "The"}}]}\n\n')
    reply.over.wait(PATIENCE)


def _drip(reply: Reply) -> None:
    """Never a whole line, so no part is ever told."""
    reply.head()
    while not reply.over.wait(0.02):
        reply.raw(b"x")


@pytest.mark.parametrize("act", [_hang, _hang_in_the_middle, _drip])
def test_a_hang_ends_at_its_time(act: Act) -> None:
    assert _reason(act, seconds=0.3) == "timed_out"


def test_ten_megabytes_are_too_long() -> None:
    def act(reply: Reply) -> None:
        reply.head()
        for _ in range(160):
            reply.raw(b"data: " + b"x" * 65_536)

    assert _reason(act) == "too_long"


def test_an_answer_that_was_cut_off_is_too_long() -> None:
    def act(reply: Reply) -> None:
        reply.head()
        reply.say("The tower is", finish="length")

    assert _reason(act) == "too_long"


def test_a_compressed_reply_is_refused() -> None:
    def act(reply: Reply) -> None:
        reply.head(content_encoding="gzip")
        reply.raw(b"\x1f\x8b")

    assert _reason(act) in {"failed", "APIConnectionError"}


@pytest.mark.parametrize(
    "data",
    [
        b"data: {not json\n\n",
        b'data: {"choices": [{"delta": {"content": "\xff\xfe"}}]}\n\n',
        b'data: {"choices": 7}\n\n',
        b'data: {"error": {"message": "out of memory"}}\n\n',
    ],
)
def test_garbage_raises(data: bytes) -> None:
    def act(reply: Reply) -> None:
        reply.head()
        reply.raw(data)

    found = _reason(act)
    assert found in {"JSONDecodeError", "UnicodeDecodeError", "TypeError", "APIError", "AttributeError"}


@pytest.mark.parametrize(
    "data",
    [b"", b"data: [DONE]\n\n", b'{"choices": []}', b'data: {"choices": [{"delta": {"content": 7}}]}\n\n'],
)
def test_nothing_is_no_text(data: bytes) -> None:
    def act(reply: Reply) -> None:
        reply.head()
        reply.raw(data)

    assert _reason(act) == "text ''"


def test_nobody_listens_at_the_address() -> None:
    with chat_server(_well) as server:
        pass
    with pytest.raises(Exception, match="Connection"):
        _write(server)


# in the whole


def _settings(server: ChatServer, **more: object) -> Settings:
    return Settings(
        generation=GenerationSettings(kind="openai", base_url=server.url, model="m", **more),  # type: ignore[arg-type]
        serving=ServingSettings(abstain_below=0.1),
    )


def _asked(*acts: Act, **more: object) -> tuple[Answer, ChatServer, str]:
    with chat_server(*acts) as server:
        generator = load_generator(_settings(server, **more), TinyEmbedder())
        (answer,) = generator.answer([question("how high is the tower", TOWER)])
    return answer, server, generator.fingerprint


def test_the_answer_is_the_endpoints_and_its_key_is_read_from_a_file(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("s3cret\n")
    answer, server, fingerprint = _asked(_well, api_key_file=str(key))
    assert (answer.text, answer.generator) == ("The tower is 96 metres high. [1]", None)
    assert server.requests[0][0]["authorization"] == "Bearer s3cret"
    assert fingerprint.startswith(f"openai/1;url={server.url};model=m;max_tokens=128;")
    assert "s3cret" not in fingerprint


@pytest.mark.parametrize("act", [_status(500), _hang, _drip])
def test_a_broken_endpoint_costs_no_answer(act: Act) -> None:
    answer, _, _ = _asked(act, timeout=0.3)
    assert answer.text == "The tower is 96 metres high."
    assert (answer.generator or "").startswith("extractive/")


# the settings


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", "http"),
        ("ftp://h/v1", "http"),
        ("http://models.internal/v1", "https, an address on loopback, or generation.allow_plaintext"),
        ("https://me:s3cret@models.internal/v1", "api_key_file"),
    ],
)
def test_an_unsafe_address_refuses_to_start(url: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected) as caught:
        config.load(("generation.kind=openai", f"generation.base_url={url}"), {}, None)
    assert "s3cret" not in str(caught.value)


def test_safe_addresses_are_taken() -> None:
    for url in ("https://models.internal/v1", "http://127.0.0.1:8000/v1"):
        loaded = config.load(("generation.kind=openai", f"generation.base_url={url}"), {}, None)
        assert loaded.settings.generation.base_url == url
