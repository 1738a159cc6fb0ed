"""Models of a few neurons with random weights, saved as a user would have them: for adapters, never for quality."""

import string
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from freshline.embedding import libraries

#: BERT's special tokens, then single letters and digits, then a few words: their ids are their places.
VOCABULARY = (
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",
    *string.ascii_lowercase, *string.digits,
    *(f"##{letter}" for letter in string.ascii_lowercase + string.digits),
    "the", "red", "fox", "gold", "mines", "rush",
)  # fmt: skip
LONGEST = 32


def tiny_tokenizer() -> Tokenizer:
    """Return a WordPiece tokenizer like BERT's, over VOCABULARY."""
    ids = {token: place for place, token in enumerate(VOCABULARY)}
    made = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))  # noqa: S106 - a token of text
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    return made


def tiny_cross_encoder(folder: Path, labels: int = 1, seed: int = 7) -> Path:
    """Save a BertForSequenceClassification of 16 neurons and its tokenizer."""
    libraries.set_switches()
    libraries.quieten()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own deprecations are not ours
        torch: Any = import_module("torch")  # heavy, and without usable types
        transformers: Any = import_module("transformers")
        torch.manual_seed(seed)
        config = transformers.BertConfig(
            vocab_size=len(VOCABULARY),
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=16,
            max_position_embeddings=LONGEST,
            num_labels=labels,
            initializer_range=1.0,  # so that scores differ
        )
        transformers.BertForSequenceClassification(config).save_pretrained(folder)
        transformers.PreTrainedTokenizerFast(
            tokenizer_object=tiny_tokenizer(),
            unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", mask_token="[MASK]",  # noqa: S106
            model_max_length=LONGEST,
        ).save_pretrained(folder)  # fmt: skip
    return folder
