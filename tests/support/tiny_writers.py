"""Language models of a few neurons with random weights, saved as a user would have them; what they write is noise."""

import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

from freshline.embedding import libraries
from tests.support.tiny_models import VOCABULARY, tiny_tokenizer

#: A chat template like those of instruction-tuned models; [MASK] stands for the end of a turn.
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }} {{ message['content'] }}[MASK]{% endfor %}"
    "{% if add_generation_prompt %}assistant {% endif %}"
)


def tiny_causal(folder: Path, *, seed: int = 7, end: int | None = None, template: str = TEMPLATE) -> Path:
    """Save a LlamaForCausalLM of 16 neurons with a chat template; `end` is the id that ends a text."""
    torch, transformers = _libraries()
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=2048,
        initializer_range=1.0,  # so that one token is clearly the likeliest
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=0,
    )
    _save(transformers.LlamaForCausalLM(config), folder, template)
    return folder


def tiny_seq2seq(folder: Path, *, seed: int = 9, end: int | None = None) -> Path:
    """Save a T5ForConditionalGeneration of 16 neurons; `end` is the id that ends a text."""
    torch, transformers = _libraries()
    torch.manual_seed(seed)
    config = transformers.T5Config(
        vocab_size=len(VOCABULARY),
        d_model=16,
        d_kv=8,
        d_ff=16,
        num_layers=2,
        num_heads=2,
        initializer_factor=10.0,
        decoder_start_token_id=0,
        eos_token_id=end,
        pad_token_id=0,
    )
    _save(transformers.T5ForConditionalGeneration(config), folder, None)
    return folder


def greedy(folder: Path, ids: list[int], tokens: int) -> list[int]:
    """Return the likeliest token `tokens` times, one whole run of the model for each: no cache, no generate()."""
    torch, transformers = _libraries()
    config = transformers.AutoConfig.from_pretrained(folder)
    kind = "AutoModelForSeq2SeqLM" if config.is_encoder_decoder else "AutoModelForCausalLM"
    model = getattr(transformers, kind).from_pretrained(folder).eval()
    written: list[int] = []
    with torch.inference_mode():
        for _ in range(tokens):
            if config.is_encoder_decoder:
                logits = model(
                    input_ids=torch.tensor([ids]), decoder_input_ids=torch.tensor([[0, *written]])
                ).logits
            else:
                logits = model(input_ids=torch.tensor([ids + written])).logits
            written.append(int(logits[0, -1].argmax()))
    return written


def _libraries() -> tuple[Any, Any]:
    libraries.set_switches()
    libraries.quieten()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own deprecations are not ours
        return import_module("torch"), import_module("transformers")  # heavy, and without usable types


def _save(model: Any, folder: Path, template: str | None) -> None:
    _, transformers = _libraries()
    model.save_pretrained(folder)
    tokens = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tiny_tokenizer(),
        unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", mask_token="[MASK]",  # noqa: S106
    )  # fmt: skip
    tokens.chat_template = template
    tokens.save_pretrained(folder)
