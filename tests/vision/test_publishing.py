from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from releaf.errors import ArtifactError, InputError
from releaf.taxonomy import Taxonomy
from releaf.vision.blend import Evidence
from releaf.vision.card import write_card
from releaf.vision.data import LABELS, ClassNames
from releaf.vision.export import INT8_FILE, NETWORK_FILE
from releaf.vision.inference import Classifier, Prediction
from releaf.vision.predictor import Seen
from releaf.vision.probabilities import label_log_probabilities
from releaf.vision.published import DESCRIPTION, open_published
from releaf.vision.publishing import INT8_LOSS, accuracy_loss
from releaf.vision.settings import VisionSettings
from tests.vision.conftest import Published


def test_what_is_opened_answers_as_what_was_published(
    published: Published, square_paths: list[Path], taxonomy: Taxonomy
):
    opened = Classifier(open_published(published.folder, taxonomy)).classify(square_paths)
    direct = Classifier(published.result.predictor).classify(square_paths)
    for one, other in zip(opened, direct, strict=True):
        assert isinstance(one, Prediction)
        assert isinstance(other, Prediction)
        assert replace(one, milliseconds=0.0) == replace(other, milliseconds=0.0)


def test_answering_imports_no_torch(published: Published, square_paths: list[Path]):
    program = (
        "import sys; from pathlib import Path; from releaf.vision.inference import Classifier; "
        "from releaf.vision.published import open_published; "
        f"Classifier(open_published(Path({str(published.folder)!r}))).classify([Path({str(square_paths[0])!r})]); "
        "print([name for name in ('torch', 'timm', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_float_network_is_served_where_int8_loses_too_much(published: Published):
    result = published.result
    assert result.served == (INT8_FILE if result.int8_loss <= INT8_LOSS else NETWORK_FILE)
    described = json.loads((published.folder / DESCRIPTION).read_text())
    assert described["network"] == result.served
    metrics = result.metrics()
    assert metrics["onnx_parity"] <= 1e-4
    assert metrics["served_accuracy_loss"] <= INT8_LOSS


def test_noise_is_no_waste_item_it_knows(published: Published, square_paths: list[Path]):
    predictor = published.result.predictor
    known = predictor.novel(predictor.see([predictor.open(path) for path in square_paths]))
    noise = np.random.default_rng(6).integers(0, 256, size=(20, 40, 40, 3), dtype=np.uint8)
    from PIL import Image

    strange = predictor.novel(predictor.see([predictor.take(Image.fromarray(pixels)) for pixels in noise]))
    assert strange.mean() > known.mean()
    assert strange.mean() > 0.9


def seen(names: ClassNames, item: list[int]) -> Seen:
    logits = {head: np.zeros((len(item), names.counts[head])) for head in ("item", "material", "bin")}
    logits["item"][np.arange(len(item)), item] = 1.0
    return Seen(Evidence(label_log_probabilities(logits, names), {}), np.zeros((len(item), 2), np.float32))


def test_the_loss_is_the_largest_over_sources_and_never_a_gain(taxonomy: Taxonomy):
    names = ClassNames.of(taxonomy)
    labels = np.full((4, len(LABELS)), -1)
    labels[:, 0] = [0, 1, 2, 3]
    sources = ["rendered", "rendered", "photograph", "photograph"]
    right, half_wrong = seen(names, [0, 1, 2, 3]), seen(names, [0, 1, 2, 9])
    assert accuracy_loss(right, half_wrong, labels, sources) == 0.5
    assert accuracy_loss(half_wrong, right, labels, sources) == 0.0


def test_a_classifier_of_another_taxonomy_or_format_is_refused(
    published: Published, taxonomy: Taxonomy, tmp_path: Path
):
    renamed = (replace(taxonomy.items[0], id="bathtub"), *taxonomy.items[1:])
    with pytest.raises(InputError, match="bathtub"):
        open_published(published.folder, replace(taxonomy, items=renamed))
    described = json.loads((published.folder / DESCRIPTION).read_text())
    (tmp_path / DESCRIPTION).write_text(json.dumps({**described, "format": 99}))
    with pytest.raises(ArtifactError, match="made by another version"):
        open_published(tmp_path)
    (tmp_path / DESCRIPTION).write_text(json.dumps({**described, "weights": {}}))
    with pytest.raises(ArtifactError, match="lacks what a classifier needs"):
        open_published(tmp_path)


def test_the_card_names_data_figures_limits_and_licence(
    published: Published, squares: pl.DataFrame, tiny_settings: VisionSettings, tmp_path: Path
):
    write_card(tmp_path, published.result, squares, tiny_settings)
    card = (tmp_path / "MODEL_CARD.md").read_text()
    for heading in ("## Model", "## Data", "## Calibration", "## Limits", "## Licence"):
        assert heading in card
    assert "| rendered (synthetic) | squares | train | 40 |" in card
    assert "16 photographs were used" in card
    only = squares.filter(pl.col("source") == "rendered")
    write_card(tmp_path, published.result, only, replace(tiny_settings, source="hub:timm/somewhere"))
    card = (tmp_path / "MODEL_CARD.md").read_text()
    assert "say nothing about photographs" in card
    assert "started from `hub:timm/somewhere`" in card
