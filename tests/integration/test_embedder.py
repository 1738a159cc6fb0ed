"""The real model: OpenVINO, driven directly, against sentence-transformers' own encode on torch in fp32."""

import json
import math
import os
import pydoc_data.topics
import shutil
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from freshline.chunking import make_chunker
from freshline.chunking.port import embedded_text
from freshline.chunking.sizes import CHARACTERS_PER_TOKEN
from freshline.embedding import fingerprint_of, load_embedder
from freshline.embedding import libraries as embedding_libraries
from freshline.embedding.export import IR, NOTE, export, install, is_whole
from freshline.embedding.layout import read_layout
from freshline.embedding.port import Embedder, Vectors
from freshline.embedding.reference import model_folder
from freshline.embedding.tokens import Tokens
from freshline.errors import MissingPart
from freshline.parsing.plain import plain_document
from freshline.settings import ChunkingSettings, ModelSettings

#: the first use converts the model, which takes 20 s on an idle machine
pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SETTINGS = ModelSettings(backend="openvino", threads=2)
_ALL = "\n".join(pydoc_data.topics.topics.values())
#: 32 real texts of 1 to 3,100 characters: below, at and far over the 256 tokens that the model reads
TEXTS = [_ALL[place * 9_973 :][: 1 + 100 * place] for place in range(32)]


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder(SETTINGS)


@pytest.fixture(scope="module")
def reference() -> Vectors:
    embedding_libraries.set_switches()
    embedding_libraries.quieten()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own deprecations are not ours
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - after the switches are set

        model = SentenceTransformer(str(model_folder(SETTINGS)), device="cpu")
        return np.asarray(model.encode(TEXTS, show_progress_bar=False))


def _tokens() -> Tokens:
    layout = read_layout(model_folder(SETTINGS))
    return Tokens(layout.tokenizer, layout.max_tokens)


def test_the_ids_are_those_of_the_whole_text() -> None:
    layout = read_layout(model_folder(SETTINGS))
    plain = Tokenizer.from_file(str(layout.tokenizer))
    plain.no_padding()
    plain.enable_truncation(layout.max_tokens)
    texts = [_ALL, *TEXTS, *(_ALL[place * 997 :][:20_000] for place in range(270))]  # more than one slice
    assert _tokens().ids(texts) == [plain.encode(text).ids for text in texts]


def test_a_huge_text_costs_what_a_long_one_does() -> None:
    tokens = _tokens()
    huge = "a b " * 100_000  # 400,000 characters; encoded whole, 32 of them take 7 s and 900 MB
    began = time.process_time()
    assert {len(ids) for ids in tokens.ids([huge] * 32)} == {256}
    assert time.process_time() - began < 4.0


def test_vectors_agree_with_the_reference(embedder: Embedder, reference: Vectors) -> None:
    vectors = embedder.documents(TEXTS)
    assert vectors.shape == (32, 384)
    assert vectors.dtype == np.float32
    assert float((vectors * reference).sum(axis=1).min()) >= 0.9999
    assert [math.hypot(*row) for row in vectors.tolist()] == pytest.approx([1.0] * 32, abs=1e-5)


def test_torch_serves_the_same_vectors_behind_the_same_port(reference: Vectors) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch = load_embedder(ModelSettings(backend="torch", threads=2))
        vectors = torch.documents(TEXTS[:8])
        assert torch.documents([]).shape == (0, 384)
    assert float((vectors * reference[:8]).sum(axis=1).min()) >= 0.9999
    assert torch.fingerprint == fingerprint_of(SETTINGS)


def test_a_vector_does_not_depend_on_its_batch(embedder: Embedder) -> None:
    together = embedder.documents(TEXTS)
    for place in (0, 9, 31):
        alone = embedder.queries([TEXTS[place]])[0]  # this model has no prompts
        assert float(alone @ together[place]) >= 0.9999


@pytest.mark.parametrize(
    "number", [1, 8, 9, 17, 48, 70]
)  # a batch, batches at once, several rounds, one left over
def test_each_text_has_its_own_vector_however_many_there_are(
    embedder: Embedder, reference: Vectors, number: int
) -> None:
    vectors = embedder.documents((TEXTS * 3)[:number])
    expected = np.concatenate([reference] * 3)[:number]
    assert float((vectors * expected).sum(axis=1).min()) >= 0.9999


def test_nothing_and_odd_texts(embedder: Embedder) -> None:
    assert embedder.documents([]).shape == (0, 384)
    vectors = embedder.documents(["", " ", "x" * 100_000, "🎉", "\u202e\u200b", "a\x00b"])
    assert np.isfinite(vectors).all()


def test_several_threads_wait_for_each_other(embedder: Embedder) -> None:
    expected = embedder.documents(TEXTS[:6])
    with ThreadPoolExecutor(3) as pool:
        for found in pool.map(lambda _: embedder.documents(TEXTS[:6]), range(6)):
            assert np.allclose(found, expected, atol=1e-5)


def test_tokens_are_counted_without_special_ones_and_without_a_limit(embedder: Embedder) -> None:
    # BERT's vocabulary has no "embeddings": it is em, ##bed, ##ding and ##s (Devlin et al. 2019)
    assert embedder.count_tokens(["hello world", "", "embeddings", "word " * 1_000]) == [2, 0, 4, 1_000]


def test_the_fingerprint_is_known_before_loading(embedder: Embedder) -> None:
    assert embedder.fingerprint == fingerprint_of(SETTINGS)
    assert (embedder.fingerprint.pooling, embedder.fingerprint.max_tokens) == ("mean", 256)


@pytest.mark.parametrize("title", [None, "A title that would fill the model by itself. " * 20])
@pytest.mark.parametrize("overlap", [0, 20])
def test_chunks_fit_with_their_title_by_the_models_own_count(
    embedder: Embedder, title: str | None, overlap: int
) -> None:
    settings = ChunkingSettings(max_tokens=64, overlap_tokens=overlap)
    text = _ALL[:30_000] + " " + "x" * 10_000 + ("y" * 150 + " ") * 200 + "한국어漢字🎉" * 200
    chunks = make_chunker(settings, SETTINGS)(plain_document(text), title)
    assert max(embedder.count_tokens([embedded_text(chunk) for chunk in chunks])) <= 64
    assert max(len(chunk.text) for chunk in chunks) <= 64 * CHARACTERS_PER_TOKEN
    if not overlap:
        assert "".join("".join(c.text.split()) for c in chunks) == "".join(text.split())


def test_an_export_is_made_once_mended_when_damaged_and_needs_no_torch_here(tmp_path: Path) -> None:
    ready = export(SETTINGS).parent.parent
    settings = ModelSettings(backend="openvino", cache=str(tmp_path))
    folder = tmp_path / ready.name
    shutil.copytree(ready, folder)
    stamp = (folder / IR).stat().st_mtime_ns
    assert export(settings) == folder / IR
    assert (folder / IR).stat().st_mtime_ns == stamp
    weights = (folder / IR).with_suffix(".bin")
    with weights.open("r+b") as file:
        file.write(b"\xff")
    assert not is_whole(folder)
    script = (
        "import sys; from freshline.embedding import load_embedder; from freshline.settings import ModelSettings;"
        f"e = load_embedder(ModelSettings(backend='openvino', cache={str(tmp_path)!r}));"
        "e.documents(['a']); print('torch' in sys.modules, 'transformers' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "False False"
    assert is_whole(folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([ready.name, "hashes"])


def test_two_exports_at_once_leave_one_whole_folder(tmp_path: Path) -> None:
    ready = export(SETTINGS).parent.parent
    copies = [tmp_path / name for name in ("first", "second")]
    for copy in copies:
        shutil.copytree(ready, copy)
        install(copy, tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert is_whole(tmp_path / "folder")


@pytest.mark.parametrize("note", [b"", b"[]", b"{}", b'{"format": 0, "files": {}}'])
def test_an_export_without_a_true_note_is_not_used(tmp_path: Path, note: bytes) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(export(SETTINGS).parent.parent, folder)
    assert is_whole(folder)
    (folder / NOTE).write_bytes(note)
    assert not is_whole(folder)


def test_a_model_that_cannot_be_converted_is_a_message(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("config.json", "tokenizer.json"):
        (broken / name).write_text(json.dumps({"hidden_size": 8}))
    (broken / "model.safetensors").write_bytes(os.urandom(64))
    settings = ModelSettings(embedder=str(broken), backend="openvino", cache=str(tmp_path / "cache"))
    with pytest.raises(MissingPart, match=r"cannot export .*models\.backend = 'torch'"):
        export(settings)
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.name != "hashes"] == []
