"""What a person may make of an answer about a picture: is anything known on it, and does the explanation explain."""

from __future__ import annotations

from collections.abc import Mapping

from releaf.reporting.blocks import (
    HIGHER,
    LOWER,
    Block,
    Cell,
    Column,
    Picture,
    Pictures,
    Table,
    Text,
    count,
    figure,
    interval,
    wilson,
    words,
)
from releaf.reporting.evidence import Json
from releaf.reporting.sections.vision_sources import NOT_MEASURED
from releaf.reporting.vision_plots import detected

EXPLANATIONS = "explanations"
_SCORES = {
    "probability": "one minus the largest probability",
    "mahalanobis": "the distance to the nearest class mean",
    "neighbours": "the distance to the nearest training images",
    "distances": "the summed distance to the nearest class mean and to the nearest training images",
}


def novelty(found: Json | None) -> list[Block]:
    """How well pictures of other things are told from known ones, by kind; says so where it was not measured."""
    if not found or not found.get("detection"):
        return [Text(f"Images of things that are no waste: {NOT_MEASURED}.")]
    score = _SCORES.get(found["score"], words(found["score"]))
    says = (
        f"The classifier says that an image shows nothing it knows where {score} is above {found['threshold']:.3g}, a "
        f"threshold from validation images. Of known test images it says so in {figure(found['false_alarm_rate'])} "
        f"({LOWER})."
    )
    rows = [
        [
            Cell(words(kind)),
            Cell(count(f["n"])),
            Cell(figure(f["auroc"])),
            Cell(figure(f["detected"]), interval(*wilson(f["detected"], f["n"]))),
        ]
        for kind, f in found["detection"].items()
    ]
    columns = [
        Column("Kind of image", numeric=False),
        Column("n", "images"),
        Column("AUROC", f"0.5 is chance, {HIGHER}"),
        Column("Recognized as unknown", f"share, {HIGHER}"),
    ]
    note = (
        "AUROC: probability that an unknown image scores above a known one. Small print: 95 % Wilson interval, which "
        "takes images as independent; crops of one photograph are not. Synthetic images are drawn, not taken."
    )
    return [
        Text(says),
        Pictures([novelty_picture(found)]),
        Table("Images of other things (they took no part in the choice of score and threshold)", columns, rows, note),
    ]


def novelty_picture(found: Json) -> Picture:
    """Share recognized as unknown by kind, beside the share of known ones that is refused."""
    image = detected(
        {kind: (f["n"], f["detected"]) for kind, f in found["detection"].items()}, found["false_alarm_rate"]
    )
    note = "Bars should be long, and the dashed line, known images that are refused, near 0. Whiskers: 95 % interval."
    return Picture("Are unknown things recognized as unknown?", image, note)


def explanations(faithfulness: Json | None, pictures: Mapping[str, bytes]) -> list[Block]:
    """Examples with their saliency, and whether it is faithful; says so where there is neither."""
    blocks: list[Block] = []
    if EXPLANATIONS in pictures:
        blocks.append(Pictures([explanations_picture(pictures)]))
    if faithfulness:
        blocks.append(_faithfulness(faithfulness))
    return blocks or [Text(f"Explanations of answers: {NOT_MEASURED}.")]


def explanations_picture(pictures: Mapping[str, bytes]) -> Picture:
    """The examples; `pictures` must hold them."""
    note = (
        "Left the image, right where the classifier saw what it says: the brighter, the more a place speaks for the "
        "answer; the line goes around the places that speak most."
    )
    return Picture("What decided", pictures[EXPLANATIONS], note)


def _faithfulness(found: Json) -> Table:
    rows = []
    for name, meaning, better in (
        ("deletion", "what decides is hidden first, the probability should fall fast", LOWER),
        ("insertion", "what decides is shown first, the probability should rise fast", HIGHER),
    ):
        ours, chance = float(found[f"{name}_auc"]), float(found[f"{name}_random"])
        gain = ours - chance if better == HIGHER else chance - ours
        verdict = Cell(f"{gain:+.3f}", tone="good" if gain > 0 else "bad")
        rows.append([Cell(name.capitalize(), meaning), Cell(figure(ours), better), Cell(figure(chance)), verdict])
    columns = [
        Column("Test", numeric=False),
        Column("Saliency", "area under the curve, 0–1"),
        Column("Random places", "area under the curve, 0–1"),
        Column("Better than chance by", HIGHER),
    ]
    note = "Mean area under the probability of the answer, over the share of the image that is hidden or shown."
    return Table(f"Is the saliency faithful? (n = {count(found['n'])} images)", columns, rows, note)
