"""The contract of every reranker: the one without a model and those with one pass."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from freshline.embedding.load import load_embedder
from freshline.embedding.tiny import TinyEmbedder
from freshline.reranking.late_interaction import LateInteraction
from freshline.reranking.load import load_reranker
from freshline.reranking.overlap import OverlapReranker
from freshline.retrieval.reranker import Reranker
from freshline.settings import ModelSettings
from tests.support.tiny_models import tiny_cross_encoder

QUESTION = "the red fox"
HOSTILE = [
    "", " ", "\n\t", "?!", "the of and", "a\x00b", "lone \ud800", "\u202eright to left\u200b", "🎉" * 300, "東京都",
    "x" * 200_000, "gold rush " * 20_000, "[CLS] [SEP] [PAD]",
]  # fmt: skip
PASSAGES = ["The fox is red", "gold rush", "a much longer passage about the red gold mines of the fox " * 3]

_real = pytest.param("real late interaction", marks=[pytest.mark.integration, pytest.mark.timeout(300)])
_loads_torch = pytest.param("cross-encoder", marks=pytest.mark.integration)


@pytest.fixture(scope="module", params=["overlap", "late interaction", _loads_torch, _real])
def new_reranker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Reranker]]:
    """Give a function that makes the same reranker anew."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own deprecations are not ours
        yield _maker(request.param, tmp_path_factory.mktemp("model"))


def _maker(kind: str, folder: Path) -> Callable[[], Reranker]:
    if kind == "cross-encoder":
        settings = ModelSettings(reranker=str(tiny_cross_encoder(folder)), cache=str(folder / "cache"))
        return lambda: _loaded(settings)
    if kind == "real late interaction":
        embedder = load_embedder(ModelSettings(threads=2))
        return lambda: (
            load_reranker(ModelSettings(reranker="late-interaction"), embedder) or OverlapReranker()
        )
    return OverlapReranker if kind == "overlap" else lambda: LateInteraction(TinyEmbedder())


def _loaded(settings: ModelSettings) -> Reranker:
    reranker = load_reranker(settings, TinyEmbedder())
    assert reranker is not None
    return reranker


def test_a_score_for_each_pair_and_none_for_none(new_reranker: Callable[[], Reranker]) -> None:
    reranker = new_reranker()
    for pairs in ([], [(QUESTION, PASSAGES[0])], [(QUESTION, text) for text in PASSAGES * 9]):
        scores = reranker.score(pairs)
        assert scores.shape == (len(pairs),)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()


def test_no_text_raises(new_reranker: Callable[[], Reranker]) -> None:
    reranker = new_reranker()
    scores = reranker.score(
        [(QUESTION, text) for text in HOSTILE] + [(text, PASSAGES[0]) for text in HOSTILE]
    )
    assert np.isfinite(scores).all()
    assert len(scores) == 2 * len(HOSTILE)


def test_a_score_depends_on_the_pair_alone(new_reranker: Callable[[], Reranker]) -> None:
    reranker = new_reranker()
    pairs = [(question, text) for question in (QUESTION, "gold mines") for text in PASSAGES + HOSTILE]
    together = reranker.score(pairs)
    alone = np.concatenate(
        [new_reranker().score([pair]) for pair in pairs[:4]] + [reranker.score([pair]) for pair in pairs[4:]]
    )
    backwards = reranker.score(pairs[::-1])[::-1]
    tolerance = 1e-3 * max(1.0, float(np.abs(together).max()))
    assert np.allclose(together, alone, atol=tolerance, rtol=0)
    assert np.allclose(together, backwards, atol=tolerance, rtol=0)


def test_the_fingerprint_says_which_it_is(new_reranker: Callable[[], Reranker]) -> None:
    assert new_reranker().fingerprint == new_reranker().fingerprint
    kinds: list[Reranker] = [OverlapReranker(), LateInteraction(TinyEmbedder())]
    assert len({one.fingerprint for one in kinds}) == 2
