"""Classification of images: every source of images apart, rendered ones always named synthetic."""

from __future__ import annotations

from collections.abc import Mapping

from releaf.reporting.blocks import Block, Heading, Picture, Pictures, Section, Text
from releaf.reporting.evidence import Evidence, Json
from releaf.reporting.pictures import markdown_image
from releaf.reporting.sections.history import curves
from releaf.reporting.sections.vision_comparison import comparison, comparison_picture, is_compared, transfer
from releaf.reporting.sections.vision_labels import (
    calibration_picture,
    confusion_picture,
    figures_table,
    label_blocks,
)
from releaf.reporting.sections.vision_sources import (
    BADGES,
    SOURCES,
    finest,
    kind_of,
    majority,
    name_of,
    ordered_labels,
)
from releaf.reporting.sections.vision_trust import (
    EXPLANATIONS,
    explanations,
    explanations_picture,
    novelty,
    novelty_picture,
)

__all__ = ["finest", "majority", "pictures", "section"]

_MISTAKES = "mistakes"
_LEAD = (
    "A network with a head each for item, material and bin, and a classifier on local descriptors, joined by weights. "
    "The family follows from the material. All figures are on test images that took no part in training, selection or "
    "calibration. Photographs and rendered images are never counted together."
)


def section(evidence: Evidence) -> Section:
    """Figures, comparisons, confusions, calibration and mistakes by source; then the classifier as a whole.

    `evidence.vision` is the report's `evaluation.json`; under `pictures` it may hold PNG by name: `explanations`, and
    `mistakes-<source>`.
    """
    vision = evidence.vision
    sources, images = vision.get("sources", {}), vision.get("pictures", {})
    blocks: list[Block] = []
    for source in [*SOURCES, *sorted(set(sources) - set(SOURCES))]:
        blocks.append(Heading(name_of(source), BADGES.get(source, "")))
        if not sources.get(source):
            name = name_of(source).lower()
            blocks.append(Text(f"No {name} were in the test split, so nothing is claimed about them."))
            continue
        blocks += [figures_table(sources[source], source), *comparison(vision, source)]
        blocks += label_blocks(sources[source], source)
        blocks += _mistakes(images, source)
    if sources:
        blocks += [Heading("From one source to the other"), *transfer(vision.get("transfer"))]
        blocks += [Heading("Things that are no waste"), *novelty(vision.get("novelty"))]
        blocks += [Heading("Explanations"), *explanations(vision.get("faithfulness"), images)]
    blocks += [Heading("Training"), *curves(evidence.vision_history, "Training curves of the image classifier")]
    return Section("vision", "Vision", _LEAD, blocks)


def pictures(evaluation_json: Json) -> dict[str, str]:
    """Markdown images by name: comparisons, confusions, calibration and mistakes by source, novelty and explanations.

    Takes what `section` takes as `evidence.vision`; what was not measured is left out.
    """
    images, drawn = evaluation_json.get("pictures", {}), dict[str, Picture]()
    sources = evaluation_json.get("sources", {})
    for source in [name for name in dict.fromkeys([*SOURCES, *sorted(sources)]) if sources.get(name)]:
        if is_compared(evaluation_json, source):
            drawn[f"comparison_{source}"] = comparison_picture(evaluation_json, source)
        for label in ordered_labels(sources[source]):
            drawn[f"confusion_{source}_{label}"] = confusion_picture(sources[source][label], label, source)
            drawn[f"calibration_{source}_{label}"] = calibration_picture(sources[source][label], label, source)
        if f"{_MISTAKES}-{source}" in images:
            drawn[f"surest_mistakes_{source}"] = _sheet_picture(images, source)
    if (evaluation_json.get("novelty") or {}).get("detection"):
        drawn["novelty"] = novelty_picture(evaluation_json["novelty"])
    if EXPLANATIONS in images:
        drawn["explanations"] = explanations_picture(images)
    return {name: markdown_image(picture.image, picture.title) for name, picture in drawn.items()}


def _mistakes(images: Mapping[str, bytes], source: str) -> list[Block]:
    return [Pictures([_sheet_picture(images, source)])] if f"{_MISTAKES}-{source}" in images else []


def _sheet_picture(images: Mapping[str, bytes], source: str) -> Picture:
    note = "Wrong answers that the model was surest of: truth, answer, and the probabilities given to both."
    return Picture(f"Surest mistakes ({kind_of(source)})", images[f"{_MISTAKES}-{source}"], note)
