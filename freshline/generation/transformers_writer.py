"""A language model in this process, by transformers: seq2seq (T5 class), or causal with its chat template.

Greedy, so that the same prompt gives the same text. Texts of documents cannot write control tokens: every token that
the tokenizer treats as one is broken before the prompt is put together. Neither code nor pickled weights of a model are
loaded (model_files). A lock makes callers from several threads wait for each other.
"""

import time
from collections.abc import Mapping
from contextlib import redirect_stderr
from importlib import import_module
from io import StringIO
from threading import Lock
from typing import Any, Literal

from freshline.errors import ConfigError
from freshline.generation.failure import Unwritten
from freshline.generation.model_files import ModelFiles
from freshline.generation.writer import Hear, Prompt

#: Changes with everything here that can change a text; stands in the fingerprint.
VERSION = 1
#: Tokens that an instruction-tuned model without a chat template is led on by.
_CUE = "\nAnswer:"


class TransformersWriter:
    """One loaded model."""

    lanes = 1

    def __init__(
        self,
        files: ModelFiles,
        *,
        max_tokens: int,
        max_prompt_tokens: int,
        device: Literal["cpu", "cuda"] = "cpu",
        threads: int = 0,
    ) -> None:
        import torch  # noqa: PLC0415 - never before a fork, and only where it is the generator

        transformers: Any = import_module("transformers")  # without usable types

        if device == "cpu" and threads:
            torch.set_num_threads(threads)
        transformers.utils.logging.disable_progress_bar()
        where: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        if files.gguf:
            where["gguf_file"] = files.gguf
        config = transformers.AutoConfig.from_pretrained(files.folder, **where)
        self._tokens: Any = transformers.AutoTokenizer.from_pretrained(files.folder, **where)
        kind = "AutoModelForSeq2SeqLM" if config.is_encoder_decoder else "AutoModelForCausalLM"
        dtype = torch.float32 if device == "cpu" else "auto"
        if not files.gguf:
            where["use_safetensors"] = True
        with redirect_stderr(StringIO()):  # of a GGUF file it draws its progress, whatever it is told
            loaded = getattr(transformers, kind).from_pretrained(files.folder, dtype=dtype, **where)
        self._model: Any = loaded.to(device).eval()
        self._max_tokens = max_tokens
        self._controls = sorted(
            (token for token in self._tokens.get_added_vocab() if len(token.strip()) > 1),
            key=len,
            reverse=True,
        )
        self._system = _has_system_role(self._tokens)
        self._lock = Lock()
        self.fingerprint = f"transformers/{VERSION};model={files.sha256[:16]};max_tokens={max_tokens}"
        _refuse_too_long(config, max_prompt_tokens + max_tokens)

    def count(self, prompt: Prompt) -> int:
        """Return the number of tokens that the model reads for a prompt."""
        return int(self._encoded(prompt)["input_ids"].shape[1])

    def write(self, prompt: Prompt, until: float, hear: Hear) -> str:
        """Return the whole text. Looks at the clock after each token. Raises Unwritten."""
        import torch  # noqa: PLC0415 - loaded already
        from transformers import StoppingCriteriaList  # noqa: PLC0415

        def late(ids: Any, _: Any, **__: Any) -> Any:
            return torch.full((ids.shape[0],), time.monotonic() >= until, device=ids.device, dtype=torch.bool)

        with self._lock, torch.inference_mode():
            encoded = {name: ids.to(self._model.device) for name, ids in self._encoded(prompt).items()}
            found = self._model.generate(
                **encoded,
                max_new_tokens=self._max_tokens,
                do_sample=False,
                num_beams=1,
                stopping_criteria=StoppingCriteriaList([late]),
                streamer=_streamer(self._tokens, hear),
            )[0]
        own = found[1:] if self._model.config.is_encoder_decoder else found[encoded["input_ids"].shape[1] :]
        if time.monotonic() >= until:
            raise Unwritten("timed_out", f"{len(own)} tokens")
        if len(own) >= self._max_tokens and int(own[-1]) not in self._ends():
            raise Unwritten("too_long", f"{self._max_tokens} tokens and no end")
        return str(self._tokens.decode(own, skip_special_tokens=True))

    def _ends(self) -> frozenset[int]:
        ends = self._model.generation_config.eos_token_id
        return frozenset([ends] if isinstance(ends, int) else ends or [])

    def _encoded(self, prompt: Prompt) -> Mapping[str, Any]:
        system, user = (self._defused(part) for part in prompt)
        if not self._tokens.chat_template:
            found = self._tokens(f"{system}\n\n{user}{_CUE}", return_tensors="pt", truncation=False)
        else:
            found = self._tokens.apply_chat_template(
                _messages(system, user, self._system),
                add_generation_prompt=True,
                return_tensors="pt",
                return_dict=True,
            )
        return {name: found[name] for name in ("input_ids", "attention_mask")}

    def _defused(self, text: str) -> str:
        for token in self._controls:
            text = text.replace(token, f"{token[0]} {token[1:]}")
        return text


def _messages(system: str, user: str, system_role: bool) -> list[dict[str, str]]:
    if system_role:
        return [{"role": "system", "content": system}, {"role": "user", "content": user}]
    return [{"role": "user", "content": f"{system}\n\n{user}"}]


def _has_system_role(tokens: Any) -> bool:
    """Say whether a chat template takes an instruction of its own; some raise."""
    if not tokens.chat_template:
        return False
    try:
        shown = str(tokens.apply_chat_template(_messages("instruction", "question", True), tokenize=False))
    except Exception:  # noqa: BLE001 - whatever the template raises, it says no
        return False
    return "instruction" in shown


def _refuse_too_long(config: Any, tokens: int) -> None:
    most = getattr(config, "max_position_embeddings", None)
    if isinstance(most, int) and tokens > most:
        raise ConfigError(
            f"generation.max_prompt_tokens + generation.max_tokens = {tokens}, and the model reads {most} tokens at "
            "most: lower one of them."
        )


def _streamer(tokens: Any, hear: Hear) -> Any:
    """Return what tells `hear` whole words as they come."""
    from transformers import TextStreamer  # noqa: PLC0415 - loaded already

    class Streamer(TextStreamer):
        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:  # noqa: ARG002 - its signature
            if text:
                hear(text)

    return Streamer(tokens, skip_prompt=True, skip_special_tokens=True)
