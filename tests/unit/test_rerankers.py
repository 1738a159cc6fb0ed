"""What each reranker computes: by hand, by brute force, and what it refuses."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from freshline.embedding.layout import UnsafeModel
from freshline.embedding.port import TokenEmbedder, TokenVectors
from freshline.embedding.tiny import TinyEmbedder
from freshline.errors import ConfigError, MissingPart
from freshline.reranking.kept import Kept
from freshline.reranking.late_interaction import LateInteraction, max_sim, named, pack
from freshline.reranking.load import load_reranker, refuse_missing
from freshline.reranking.texts import clean, telling
from freshline.settings import ModelSettings

TINY = TinyEmbedder()


def test_max_sim_of_the_module() -> None:
    question = np.eye(3, dtype=np.float32)[:2]
    passage = np.array([[1.0, 0.1, 0], [0.3, 0.2, 0], [0.2, 0.8, 0]], np.float32)  # similarities by column
    # (1.0² + .8²) / 2; int8 steps of .8 are off by at most .8 / 254
    assert max_sim(question, pack(passage)) == pytest.approx(0.82, abs=0.01)


def test_max_sim_is_that_of_a_loop_over_every_pair_of_tokens() -> None:
    random = np.random.default_rng(3)
    for tokens in (1, 2, 17, 200):
        question = random.standard_normal((5, 48)).astype(np.float32)
        passage = random.standard_normal((tokens, 48)).astype(np.float32)
        question /= np.linalg.norm(question, axis=1, keepdims=True)
        passage /= np.linalg.norm(passage, axis=1, keepdims=True)
        greatest = [max(math.fsum(map(float, q * p)) for p in passage) for q in question]
        expected = sum(max(one, 0.0) ** 2 for one in greatest) / 5
        assert max_sim(question, pack(passage)) == pytest.approx(expected, abs=3e-3)


def test_packed_vectors_are_near_and_a_quarter_of_the_size() -> None:
    vectors = np.random.default_rng(5).standard_normal((40, 384)).astype(np.float32)
    vectors[7] = 0.0
    packed = pack(vectors)
    restored = packed.steps * packed.scales[:, None]
    assert np.abs(restored - vectors).max(axis=1) == pytest.approx(
        np.zeros(40), abs=float(np.abs(vectors).max()) / 254 * 1.001
    )
    assert packed.nbytes == 40 * (384 + 4)
    assert np.isfinite(restored).all()


def test_function_words_of_a_question_do_not_count() -> None:
    tokens = TokenVectors(("What", "is", "gold"), np.eye(3, dtype=np.float32))
    assert named(tokens).tolist() == [[0.0, 0.0, 1.0]]
    late = LateInteraction(TINY)
    asked = late.score([("what is the gold", "gold rush"), ("gold", "gold rush"), ("gold", "what is the")])
    assert asked[0] == pytest.approx(asked[1], abs=1e-6)
    assert asked[1] == pytest.approx(1.0, abs=0.01)
    assert asked[2] < 0.3


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), []),
        (("the", "of"), [True, True]),  # nothing else is there
        (("the", "fox", "?"), [False, True, False]),
        (("THE", "東", "4"), [False, True, True]),
    ],
)
def test_telling_words(words: tuple[str, ...], expected: list[bool]) -> None:
    assert telling(words).tolist() == expected


def test_a_passage_is_read_once_while_there_is_room() -> None:
    late = LateInteraction(TINY)
    for _ in range(2):
        late.score([("gold", "gold rush"), ("fox", "gold rush"), ("gold", "red fox")])
    assert late.encoded == 2
    assert LateInteraction(TINY, kept_bytes=0).score([("gold", "gold rush")])[0] == pytest.approx(
        1.0, abs=0.01
    )


def test_what_was_asked_for_least_recently_goes_first() -> None:
    kept: Kept[str] = Kept(2 * (100 + 400), lambda _: 100)
    computed: list[str] = []

    def compute(texts: object) -> list[str]:
        assert isinstance(texts, list)
        computed.extend(texts)
        return [text.upper() for text in texts]

    assert kept.all(["a", "b", "a"], compute) == ["A", "B", "A"]
    assert kept.all(["a"], compute) == ["A"]
    assert kept.all(["c", "a"], compute) == ["C", "A"]  # b goes
    assert computed == ["a", "b", "c"]
    assert kept.size == 1000
    assert kept.all(["a", "c", "b"], compute) == ["A", "C", "B"]
    assert computed == ["a", "b", "c", "b"]
    assert kept.size == 1000


def test_a_lone_surrogate_becomes_a_mark() -> None:
    assert clean("gold \ud800 rush") == "gold ? rush"
    assert clean("Füße 🎉 \x00") == "Füße 🎉 \x00"


def test_the_settings_name_a_reranker() -> None:
    assert load_reranker(ModelSettings(backend="tiny"), TINY) is None
    assert isinstance(
        load_reranker(ModelSettings(backend="tiny", reranker="late-interaction"), TINY), LateInteraction
    )


class _WholeTextsOnly:
    fingerprint = TINY.fingerprint
    documents = TINY.documents
    queries = TINY.queries
    count_tokens = TINY.count_tokens


def test_an_embedder_without_token_vectors_is_refused() -> None:
    assert not isinstance(_WholeTextsOnly(), TokenEmbedder)
    with pytest.raises(MissingPart, match="gives no token vectors"):
        load_reranker(ModelSettings(reranker="late-interaction"), _WholeTextsOnly())


@pytest.fixture
def model(tmp_path: Path) -> Path:
    files: dict[str, object] = {
        "config.json": {"architectures": ["BertForSequenceClassification"]},
        "tokenizer.json": {"version": "1.0"},
        "model.safetensors": "weights",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    return tmp_path


def _set(name: str, content: object) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("damage", "error", "says"),
    [
        (_set("config.json", {"auto_map": {"AutoModel": "evil.py"}}), UnsafeModel, "brings its own code"),
        (_set("modules.json", [{"type": "evil.Module", "path": ""}]), UnsafeModel, "brings its own code"),
        (_set("adapter_config.json", {}), UnsafeModel, "points outside itself"),
        (lambda folder: (folder / "tokenizer.json").unlink(), MissingPart, "has no tokenizer.json"),
        (lambda folder: (folder / "config.json").unlink(), MissingPart, "has no config.json"),
        (lambda folder: (folder / "model.safetensors").unlink(), MissingPart, "has no weights"),
        (
            lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
            UnsafeModel,
            "pickled weights",
        ),
    ],
)  # fmt: skip
def test_a_folder_that_would_run_code_or_lacks_a_part_is_refused(
    model: Path, damage: Callable[[Path], object], error: type[Exception], says: str
) -> None:
    damage(model)
    with pytest.raises(error, match=says):
        load_reranker(ModelSettings(reranker=str(model), cache=str(model / "cache")), TINY)


def test_no_hub_is_asked_unless_that_is_allowed_and_pinned() -> None:
    with pytest.raises(MissingPart, match=r"models\.reranker is 'some/reranker'.*models\.reranker_revision"):
        load_reranker(ModelSettings(reranker="some/reranker"), TINY)
    with pytest.raises(MissingPart, match=r"models\.reranker is 'late-interacton'.*Give 'late-interaction'"):
        refuse_missing(ModelSettings(reranker="late-interacton"))
    with pytest.raises(ConfigError, match=r"models\.reranker_revision is empty"):
        load_reranker(ModelSettings(reranker="some/reranker", allow_download=True), TINY)
