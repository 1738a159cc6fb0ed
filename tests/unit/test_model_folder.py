"""Model folders: found, read, refused, fingerprinted; nothing of them is run."""

import json
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from freshline.embedding import fingerprint_of
from freshline.embedding.layout import UnsafeModel, read_layout
from freshline.embedding.reference import model_folder
from freshline.errors import ConfigError, MissingPart, UserError
from freshline.settings import ModelSettings

ST = "sentence_transformers.models."


def write(folder: Path, files: dict[str, Any]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    write(
        folder,
        {
            "config.json": {"hidden_size": 8, "max_position_embeddings": 512, "pad_token_id": 1},
            "tokenizer.json": {"version": "1.0"},
            "tokenizer_config.json": {"model_max_length": 128},
            "model.safetensors": b"weights",
            "modules.json": [
                {"type": ST + "Transformer", "path": ""},
                {"type": ST + "Pooling", "path": "1_Pooling"},
                {"type": ST + "Normalize", "path": "2_Normalize"},
            ],
            "1_Pooling/config.json": {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True},
            "sentence_bert_config.json": {"max_seq_length": 64},
        },
    )
    return folder


@pytest.fixture
def settings(model: Path, tmp_path: Path) -> ModelSettings:
    return ModelSettings(embedder=str(model), cache=str(tmp_path / "cache"))


def test_a_layout_is_what_the_files_say(model: Path) -> None:
    layout = read_layout(model)
    assert (layout.pooling, layout.max_tokens, layout.dimension, layout.pad_id) == ("cls", 64, 8, 1)
    assert layout.simple


@pytest.mark.parametrize(
    ("files", "field", "expected"),
    [
        ({"sentence_bert_config.json": {}}, "max_tokens", 128),
        ({"sentence_bert_config.json": {}, "tokenizer_config.json": {}}, "max_tokens", 512),
        ({"1_Pooling/config.json": {"pooling_mode": "mean"}}, "pooling", "mean"),
        ({"modules.json": [{"type": ST + "Transformer", "path": ""}]}, "pooling", "mean"),
        ({"sentence_bert_config.json": {"do_lower_case": True}}, "simple", False),
        ({"1_Pooling/config.json": {"pooling_mode_lasttoken": True}}, "simple", False),
        (
            {"config_sentence_transformers.json": {"prompts": {"query": "Q: ", "passage": "P: "}}},
            "document_prompt",
            "P: ",
        ),
        (
            {"config_sentence_transformers.json": {"prompts": {"x": "X: "}, "default_prompt_name": "x"}},
            "query_prompt",
            "X: ",
        ),
        (
            {
                "modules.json": [
                    {"type": ST + "Transformer", "path": ""},
                    {"type": ST + "Pooling", "path": "1_Pooling"},
                    {"type": ST + "Dense", "path": "2_Dense"},
                ],
                "2_Dense/config.json": {"out_features": 4},
            },
            "dimension",
            4,
        ),
    ],
)
def test_variants_of_folders(model: Path, files: dict[str, Any], field: str, expected: object) -> None:
    write(model, files)
    assert getattr(read_layout(model), field) == expected


@pytest.mark.parametrize(
    ("files", "removed"),
    [
        ({"config.json": {"hidden_size": 8, "auto_map": {"AutoModel": "evil.Model"}}}, ()),
        ({"tokenizer_config.json": {"auto_map": {"AutoTokenizer": "evil.T"}}}, ()),
        ({"modules.json": [{"type": "custom.Transformer", "path": ""}]}, ()),
        ({"modules.json": [{"type": ST + "Transformer", "path": "../other"}]}, ()),
        ({"adapter_config.json": {"base_model_name_or_path": "somebody/else"}}, ()),
        ({"pytorch_model.bin": b"pickle"}, ("model.safetensors",)),
        ({"2_Dense/pytorch_model.bin": b"pickle"}, ()),
    ],
)
def test_code_and_pickles_are_refused(model: Path, files: dict[str, Any], removed: tuple[str, ...]) -> None:
    write(model, files)
    for name in removed:
        (model / name).unlink()
    with pytest.raises(UnsafeModel, match=str(model)):
        read_layout(model)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(MissingPart, match=name):
        read_layout(model)


def test_damaged_json_is_named(model: Path) -> None:
    (model / "config.json").write_bytes(b"{")
    with pytest.raises(MissingPart, match=r"config\.json is not JSON"):
        read_layout(model)


@pytest.mark.parametrize(
    "reference", ["no/such/folder", "no_such_package/model", "json/absent", "..x", "a.b/c"]
)
def test_an_unknown_reference_says_what_to_do(reference: str) -> None:
    with pytest.raises(MissingPart, match=r"models\.embedder is .*pip install"):
        model_folder(ModelSettings(embedder=reference))


def test_a_download_must_be_pinned() -> None:
    with pytest.raises(ConfigError, match=r"models\.revision"):
        model_folder(ModelSettings(embedder="somebody/model", allow_download=True))


def test_a_folder_in_a_package_is_found_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "carries_a_model"
    write(package, {"__init__.py": b"raise RuntimeError('imported')", "model/config.json": {}})
    monkeypatch.syspath_prepend(tmp_path)
    assert model_folder(ModelSettings(embedder="carries_a_model/model")) == (package / "model").resolve()


def test_a_fingerprint_is_the_hash_of_what_makes_a_vector(settings: ModelSettings) -> None:
    found = fingerprint_of(settings)
    weights = sha256(b"weights").hexdigest()
    assert found.weights_sha256 == sha256(f"model.safetensors {weights}\n".encode()).hexdigest()
    assert (found.pooling, found.max_tokens, found.dimension, found.normalize) == ("cls", 64, 8, True)


def _rewrite(name: str, content: object) -> Callable[[Path], None]:
    return lambda folder: write(folder, {name: content})


@pytest.mark.parametrize(
    "change",
    [
        _rewrite("model.safetensors", b"WEIGHTS"),
        _rewrite("tokenizer.json", {"version": "2"}),
        _rewrite("1_Pooling/config.json", {"pooling_mode": "max"}),
        _rewrite("sentence_bert_config.json", {"max_seq_length": 65}),
        _rewrite("config_sentence_transformers.json", {"prompts": {"query": "Q"}}),
    ],
)
def test_each_part_changes_the_fingerprint(
    model: Path, settings: ModelSettings, change: Callable[[Path], None]
) -> None:
    before = fingerprint_of(settings)
    change(model)
    assert fingerprint_of(settings).id != before.id


def test_weights_are_hashed_once_and_a_lost_cache_costs_nothing_else(
    model: Path, settings: ModelSettings, tmp_path: Path
) -> None:
    before = fingerprint_of(settings)
    (remembered,) = (tmp_path / "cache" / "hashes").iterdir()
    remembered.write_text("f" * 64)  # believed: the file was not read again
    assert fingerprint_of(settings).weights_sha256 != before.weights_sha256
    remembered.write_text("torn")
    assert fingerprint_of(settings) == before
    unusable = tmp_path / "file"
    unusable.write_text("in the way")
    assert fingerprint_of(ModelSettings(embedder=str(model), cache=str(unusable))) == before


def test_no_model_library_is_imported_for_a_fingerprint(settings: ModelSettings) -> None:
    script = (
        "import sys; from freshline.embedding import fingerprint_of; from freshline.settings import ModelSettings;"
        f"fingerprint_of(ModelSettings(embedder={settings.embedder!r}, cache={settings.cache!r}));"
        "print({'torch', 'transformers', 'openvino', 'sentence_transformers', 'tokenizers'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"


def test_the_tiny_backend_needs_no_folder() -> None:
    assert fingerprint_of(ModelSettings(backend="tiny", embedder="nowhere")).dimension == 64


def test_unsafe_is_a_user_error() -> None:
    assert issubclass(UnsafeModel, UserError)
