from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from releaf.reporting.vision_sheets import Explained, explanation_sheet, mistakes_sheet
from tests.reporting.vision_evidence import mistake


def pixels(image: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(image)) as opened:
        return np.asarray(opened.convert("RGB"))


def shares(image: bytes, colour: tuple[int, int, int]) -> int:
    """How many pixels have exactly that colour."""
    return int((pixels(image) == colour).all(axis=2).sum())


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that is drawn, in order."""
    found: list[str] = []
    original = ImageDraw.ImageDraw.text

    def text(self: ImageDraw.ImageDraw, xy: object, words: str, *rest: object, **named: object) -> None:
        found.append(words)
        original(self, xy, words, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name, colour in (("red", (250, 10, 10)), ("blue", (10, 10, 250))):
        Image.new("RGB", (40, 20), colour).save(tmp_path / f"{name}.png")
    return tmp_path


def example(source: str, truth: str = "can", predicted: str = "can") -> Explained:
    return Explained(
        source, Image.new("RGB", (64, 64), "red"), Image.new("RGB", (64, 64), "lime"), truth, predicted, 0.876
    )


def test_truth_and_prediction_stand_beneath_every_mistake(home: Path, written: list[str]) -> None:
    sheet = mistakes_sheet(
        [mistake("red.png", "t_shirt", "can"), mistake("blue.png", "can", "jar")], "photograph", home
    )
    assert written == [
        "Surest mistakes, photographs: what it is, → what was said",
        *("t shirt", "→ can", "4 % → 93 %"),
        *("can", "→ jar", "4 % → 93 %"),
    ]
    assert shares(sheet, (250, 10, 10)) > 5000
    assert shares(sheet, (10, 10, 250)) > 5000


def test_rendered_pictures_are_named_synthetic_on_every_sheet(home: Path, written: list[str]) -> None:
    mistakes_sheet([mistake("red.png", "can", "jar")], "rendered", home)
    explanation_sheet([example("rendered")])
    titles = [text for text in written if "ender" in text]
    assert titles == [
        "Surest mistakes, rendered images (synthetic): what it is, → what was said",
        "Rendered images (synthetic)",
    ]


def test_sources_of_explanations_are_kept_apart(written: list[str]) -> None:
    explanation_sheet([example("photograph"), example("rendered", "jar", "can"), example("photograph", "jar", "jar")])
    assert written == [
        "Photographs",
        *("true: can", "said: can 88 %"),
        *("true: jar", "said: jar 88 %"),
        "Rendered images (synthetic)",
        *("true: jar", "said: can 88 %"),
    ]


def test_a_picture_stands_beside_its_saliency() -> None:
    sheet = pixels(explanation_sheet([example("photograph")]))
    red = np.argwhere((sheet == (255, 0, 0)).all(axis=2))
    lime = np.argwhere((sheet == (0, 255, 0)).all(axis=2))
    assert len(red) == len(lime) > 10_000
    assert red[:, 0].min() == lime[:, 0].min()
    assert red[:, 1].max() < lime[:, 1].min()


def test_pictures_keep_their_proportions(home: Path) -> None:
    red = np.argwhere(
        (pixels(mistakes_sheet([mistake("red.png", "can", "jar")], "photograph", home)) == (250, 10, 10)).all(2)
    )
    height, width = red.max(axis=0) - red.min(axis=0) + 1
    assert width / height == pytest.approx(2, rel=0.05)


def test_rows_are_filled_before_another_begins(home: Path) -> None:
    some = [mistake("red.png", "can", "jar")]
    heights = [pixels(mistakes_sheet(some * n, "photograph", home, columns=3)).shape[0] for n in (1, 3, 4)]
    assert heights[0] == heights[1] < heights[2]


def test_words_too_long_for_their_picture_are_shortened(written: list[str]) -> None:
    explanation_sheet([example("photograph", truth="a_very_long_name_of_a_class_that_has_no_end_at_all")], columns=6)
    assert written[1].startswith("true: a very")
    assert written[1].endswith("…")


def test_an_absolute_path_needs_no_home_and_the_same_mistakes_give_the_same_bytes(home: Path) -> None:
    near = mistakes_sheet([mistake("red.png", "can", "jar")], "photograph", home)
    far = mistakes_sheet([mistake(str(home / "red.png"), "can", "jar")], "photograph", Path("elsewhere"))
    assert near == far
