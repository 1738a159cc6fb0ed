"""What a sentence-transformers folder says about itself, read from its JSON files; nothing of it is run.

Refused here: code that comes with a model, pickled weights, adapters that would fetch another model.
This module does not load weights and does not know backends.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from freshline.errors import MissingPart, UserError

_OURS = "sentence_transformers."
#: what serves without Python code of a model: freshline.embedding.openvino does the rest by itself
_SIMPLE_POOLING = frozenset({"mean", "cls", "max"})
_POOLING_KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


class UnsafeModel(UserError):  # noqa: N818 - named as the user would say it
    """A model folder that would run code or unpickle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One model folder. `pooling` names the whole way from token vectors to one vector."""

    folder: Path
    weights: tuple[Path, ...]
    tokenizer: Path
    pooling: str
    max_tokens: int
    dimension: int
    query_prompt: str
    document_prompt: str
    pad_id: int
    lowercases: bool

    @property
    def simple(self) -> bool:
        """Whether tokenizer, encoder and one plain pooling are all there is to it."""
        return self.pooling in _SIMPLE_POOLING and not self.lowercases


def read_layout(folder: Path) -> Layout:
    """Read and check a model folder. Raises MissingPart or UnsafeModel."""
    config = read_json(folder / "config.json")
    tokenizer = folder / "tokenizer.json"
    if not config or not tokenizer.is_file():
        raise MissingPart(
            f"{folder} has no {'config.json' if not config else 'tokenizer.json'}: expected a "
            "sentence-transformers folder with a fast tokenizer. Save the model with "
            "SentenceTransformer(...).save_pretrained(FOLDER) and name that folder as models.embedder."
        )
    modules = modules_of(folder)
    refuse_unsafe(folder, config, modules)
    transformer = folder / next((m["path"] for m in modules if _kind(m) == "Transformer"), "")
    own = read_json(folder / "sentence_bert_config.json") or read_json(
        transformer / "sentence_bert_config.json"
    )
    prompts = _prompts(read_json(folder / "config_sentence_transformers.json"))
    return Layout(
        folder=folder,
        weights=weights_of(folder),
        tokenizer=tokenizer,
        pooling=_pipeline(folder, modules),
        max_tokens=_max_tokens(folder, config, own),
        dimension=_dimension(folder, config, modules),
        query_prompt=prompts[0],
        document_prompt=prompts[1],
        pad_id=int(config.get("pad_token_id") or 0),
        lowercases=bool(own.get("do_lower_case", False)),
    )


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON object, {} where there is none. Raises MissingPart where it is no JSON."""
    value = _read(path)
    return value if isinstance(value, dict) else {}


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise MissingPart(
            f"{path} is not JSON ({error}): the model folder is damaged. Fetch it again."
        ) from error


def modules_of(folder: Path) -> list[dict[str, str]]:
    """Return modules.json; a plain transformers folder stands for Transformer + mean pooling."""
    found = _read(folder / "modules.json")
    return found if isinstance(found, list) else [{"type": _OURS + "Transformer", "path": ""}]


def _kind(module: dict[str, str]) -> str:
    return module["type"].rsplit(".", 1)[-1]


def refuse_unsafe(folder: Path, config: dict[str, Any], modules: list[dict[str, str]]) -> None:
    """Raise UnsafeModel where a folder would run code, unpickle, or fetch another model."""
    foreign = [m["type"] for m in modules if not m["type"].startswith(_OURS)]
    if foreign or "auto_map" in config or "auto_map" in read_json(folder / "tokenizer_config.json"):
        raise UnsafeModel(
            f"{folder} brings its own code ({foreign or 'auto_map'}), and Freshline runs no code of a model. "
            "Choose a model whose architecture transformers has."
        )
    outside = [m["path"] for m in modules if ".." in Path(m["path"]).parts or Path(m["path"]).is_absolute()]
    if outside or (folder / "adapter_config.json").exists():
        raise UnsafeModel(
            f"{folder} points outside itself ({outside or 'adapter_config.json'}): merge it first."
        )
    for pickled in sorted({*folder.glob("**/pytorch_model*.bin"), *folder.glob("**/adapter_model*.bin")}):
        if not any(pickled.parent.glob("*.safetensors")):
            raise UnsafeModel(
                f"{pickled} holds pickled weights, and unpickling runs code. Convert the model to "
                "safetensors: SentenceTransformer(...).save_pretrained(FOLDER, safe_serialization=True)."
            )


def weights_of(folder: Path) -> tuple[Path, ...]:
    """Return the files that hold numbers: safetensors, else a ready OpenVINO IR."""
    files = tuple(sorted(folder.glob("**/*.safetensors"))) or tuple(
        path
        for suffix in ("xml", "bin")
        for path in [folder / "openvino" / f"openvino_model.{suffix}"]
        if path.is_file()
    )
    if not files:
        raise MissingPart(
            f"{folder} has no weights: expected model.safetensors, or openvino/openvino_model.xml and .bin. "
            "Fetch the model again, or convert it to safetensors."
        )
    return files


def _pipeline(folder: Path, modules: list[dict[str, str]]) -> str:
    """Name the steps after the encoder, "mean" for plain mean pooling; normalising is always done."""
    steps = [_step(folder, m) for m in modules if _kind(m) not in {"Transformer", "Normalize"}]
    return "+".join(steps) or "mean"


def _step(folder: Path, module: dict[str, str]) -> str:
    config = read_json(folder / module["path"] / "config.json")
    if _kind(module) != "Pooling":
        return f"{_kind(module)}{json.dumps(config, sort_keys=True)}"
    mode = config.get("pooling_mode")
    modes = [mode] if isinstance(mode, str) else [n for key, n in _POOLING_KEYS.items() if config.get(key)]
    return "&".join(modes) + ("" if config.get("include_prompt", True) else "-without-prompt")


def _max_tokens(folder: Path, config: dict[str, Any], own: dict[str, Any]) -> int:
    stated = own.get("max_seq_length")
    if isinstance(stated, int):
        return stated
    limits = [
        read_json(folder / "tokenizer_config.json").get("model_max_length"),
        config.get("max_position_embeddings"),
    ]
    return int(min((limit for limit in limits if isinstance(limit, int)), default=512))


def _dimension(folder: Path, config: dict[str, Any], modules: list[dict[str, str]]) -> int:
    dense = [m for m in modules if _kind(m) == "Dense"]
    if dense:
        return int(read_json(folder / dense[-1]["path"] / "config.json")["out_features"])
    return int(config["hidden_size"])


def _prompts(config: dict[str, Any]) -> tuple[str, str]:
    """Return (query, document) prompts by the names that sentence-transformers looks for, in its order."""
    prompts = config.get("prompts") or {}
    default = prompts.get(config.get("default_prompt_name") or "", "")
    document = next(
        (prompts[name] for name in ("document", "passage", "corpus") if prompts.get(name)), default
    )
    return prompts.get("query") or default, document
