"""Language models of a few neurons with random weights, saved as a user would have them; what they write is noise."""

import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from freshline.embedding import libraries
from tests.support.tiny_models import VOCABULARY, tiny_tokenizer

_NEURONS = 16
#: How GPT-2's tokenizer writes a space and a line end.
_SPACE_AND_LINE = ("\u0120", "\u010a")
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


def tiny_gguf(folder: Path, *, seed: int = 7, end: int | None = None) -> Path:
    """Write a Llama of 16 neurons, its tokenizer of single characters and its chat template as one GGUF file."""
    gguf: Any = import_module("gguf")
    tokens = [*map(chr, range(33, 127)), *_SPACE_AND_LINE, "th", "he", "<|end|>"]
    last = len(tokens) - 1
    made = gguf.GGUFWriter(str(folder / "tiny.gguf"), "llama")
    for add, value in {
        made.add_context_length: 2048,
        made.add_embedding_length: _NEURONS,
        made.add_block_count: 1,
        made.add_feed_forward_length: _NEURONS,
        made.add_head_count: 2,
        made.add_head_count_kv: 2,
        made.add_layer_norm_rms_eps: 1e-5,
        made.add_rope_dimension_count: _NEURONS // 2,
        made.add_vocab_size: len(tokens),
        made.add_tokenizer_model: "gpt2",
        made.add_token_list: tokens,
        made.add_token_types: [1] * last + [3],  # normal ones, and a control token
        made.add_token_merges: ["t h", "h e"],
        made.add_bos_token_id: last,
        made.add_eos_token_id: last if end is None else end,
        made.add_chat_template: "{% for m in messages %}{{ m['content'] }}<|end|>{% endfor %}",
    }.items():
        add(value)
    random = np.random.default_rng(seed)
    for name in ("token_embd", "output"):
        made.add_tensor(f"{name}.weight", random.normal(size=(len(tokens), _NEURONS)).astype(np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        square = random.normal(size=(_NEURONS, _NEURONS)).astype(np.float32)
        made.add_tensor(f"blk.0.{name}.weight", square)
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        made.add_tensor(f"{name}.weight", np.ones(_NEURONS, np.float32))
    made.write_header_to_file()
    made.write_kv_data_to_file()
    made.write_tensors_to_file()
    made.close()
    return folder


def greedy(folder: Path, ids: list[int], tokens: int) -> list[int]:
    """Return the likeliest token `tokens` times, one whole run of the model for each: no cache, no generate()."""
    torch, transformers = _libraries()
    files = [file.name for file in folder.glob("*.gguf")]
    where = {"gguf_file": files[0]} if files else {}
    config = transformers.AutoConfig.from_pretrained(folder, **where)
    kind = "AutoModelForSeq2SeqLM" if config.is_encoder_decoder else "AutoModelForCausalLM"
    model = getattr(transformers, kind).from_pretrained(folder, **where).eval()
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
