"""Rerankers with real libraries: against transformers' own hidden states, and sentence-transformers' own predict."""

import pydoc_data.topics
import shutil
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from freshline.embedding import libraries, load_embedder
from freshline.embedding.reference import model_folder
from freshline.embedding.tiny import TinyEmbedder
from freshline.errors import UserError
from freshline.generation.terms import FUNCTION_WORDS
from freshline.reranking.load import load_reranker
from freshline.retrieval.reranker import Reranker
from freshline.settings import ModelSettings
from tests.support.tiny_models import tiny_cross_encoder

#: the first use converts the embedder, which takes 20 s on an idle machine
pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

_ALL = "\n".join(pydoc_data.topics.topics.values())
QUESTIONS = [
    "What is the difference between a generator and an iterator?",
    "lambda expressions",
    "the of and",
]
PASSAGES = [_ALL[place * 9_973 :][: 50 + 300 * place] for place in range(8)]
PAIRS = [(question, text) for question in QUESTIONS for text in PASSAGES]


def _loaded(settings: ModelSettings, embedder: Any = None) -> Reranker:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own deprecations are not ours
        reranker = load_reranker(settings, embedder or TinyEmbedder())
    assert reranker is not None
    return reranker


@pytest.fixture(scope="module")
def brute_force() -> list[float]:
    """MaxSim of PAIRS in fp32 by torch, over the hidden states that transformers gives, one text at a time."""
    libraries.set_switches()
    libraries.quieten()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch: Any = import_module("torch")
        transformers: Any = import_module("transformers")
        folder = str(model_folder(ModelSettings()))
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, model_max_length=256)
        model = transformers.AutoModel.from_pretrained(folder)

        def hidden(text: str) -> tuple[list[str], Any]:
            read = tokenizer(text, truncation=True, return_tensors="pt")
            with torch.no_grad():
                states = model(**read).last_hidden_state[0, 1:-1]  # without [CLS] and [SEP]
            spans = [read.word_to_chars(0, word) for word in read.word_ids(0)[1:-1]]
            words = [text[span.start : span.end].lower() for span in spans]
            return words, states / states.norm(dim=1, keepdim=True)

        scores = []
        for question, text in PAIRS:
            words, asked = hidden(question)
            _, read = hidden(text)
            keep = [word not in FUNCTION_WORDS and word.isalnum() for word in words]
            rows = asked[torch.tensor(keep)] if any(keep) else asked
            scores.append(float(((rows @ read.T).max(dim=1).values.clamp(min=0) ** 2).mean()))
    return scores


def test_late_interaction_is_max_sim_over_the_hidden_states(brute_force: list[float]) -> None:
    late = _loaded(ModelSettings(reranker="late-interaction"), load_embedder(ModelSettings(threads=2)))
    found = late.score(PAIRS)
    assert found == pytest.approx(np.array(brute_force), abs=5e-3)
    assert np.ptp(brute_force) > 0.1  # or agreeing would say little
    assert late.score(PAIRS).tolist() == found.tolist()  # from what is kept


def test_torch_gives_the_same_token_vectors() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch: Any = load_embedder(ModelSettings(backend="torch", threads=2))
        openvino: Any = load_embedder(ModelSettings(backend="openvino", threads=2))
        texts = [*QUESTIONS, *PASSAGES[:4], ""]
        for ours, theirs in zip(openvino.document_tokens(texts), torch.document_tokens(texts), strict=True):
            assert ours.words == theirs.words
            assert ours.vectors.shape == theirs.vectors.shape == (len(ours.words), 384)
            assert np.allclose((ours.vectors * theirs.vectors).sum(axis=1), 1.0, atol=1e-3)


def test_a_cross_encoder_scores_as_sentence_transformers_predicts(tmp_path: Path) -> None:
    folder = tiny_cross_encoder(tmp_path / "model")
    reranker = _loaded(ModelSettings(reranker=str(folder), cache=str(tmp_path / "cache")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library: Any = import_module("sentence_transformers")
        predicted = library.CrossEncoder(str(folder), device="cpu").predict(PAIRS, show_progress_bar=False)
        found = reranker.score(PAIRS)
    assert 1 / (1 + np.exp(-found.astype(np.float64))) == pytest.approx(
        predicted, abs=1e-5
    )  # it gives probabilities
    assert np.ptp(predicted) > 0.1


def test_another_models_fingerprint_is_another_one(tmp_path: Path) -> None:
    prints = set()
    for seed in (1, 2):
        folder = tiny_cross_encoder(tmp_path / str(seed), seed=seed)
        shutil.copytree(folder, tmp_path / f"copy {seed}")
        for place in (folder, tmp_path / f"copy {seed}"):
            prints.add(_loaded(ModelSettings(reranker=str(place), cache=str(tmp_path / "cache"))).fingerprint)
    assert len(prints) == 2


def test_a_classifier_of_several_classes_is_refused(tmp_path: Path) -> None:
    folder = tiny_cross_encoder(tmp_path / "model", labels=3)
    with pytest.raises(UserError, match="gives 3 numbers for a pair, expected 1"):
        _loaded(ModelSettings(reranker=str(folder), cache=str(tmp_path / "cache")))
