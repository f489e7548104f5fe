"""What the parts of the vision section share: how sources of pictures are called, and which label is shown first."""

from __future__ import annotations

from releaf.reporting.blocks import words
from releaf.reporting.evidence import Json

# Photographs first: they are what the model is for.
SOURCES = ("photograph", "rendered")
NAMES = {"photograph": "Photographs", "rendered": "Rendered images"}
BADGES = {"rendered": "synthetic"}
NOT_MEASURED = "not measured"

_LABELS = ("item", "material", "family", "bin")
_KINDS = {"photograph": "photographs", "rendered": "synthetic, rendered"}


def name_of(source: str) -> str:
    """A source as a heading calls it."""
    return NAMES.get(source, words(source).capitalize())


def kind_of(source: str) -> str:
    """A source in brackets behind the title of a table or a picture."""
    return _KINDS.get(source, words(source))


def title_of(source: str) -> str:
    """A source inside a sentence or a picture, rendered ones never without the word synthetic."""
    name = NAMES.get(source, words(source)).lower()
    return f"{name} ({BADGES[source]})" if source in BADGES else name


def finest(labels: Json) -> str:
    """The label to show first: the finest that the images of a source were given."""
    return ordered_labels(labels)[0]


def ordered_labels(labels: Json) -> list[str]:
    """The labels from the finest to the coarsest; unknown ones last."""
    return [label for label in dict.fromkeys([*_LABELS, *labels]) if label in labels]


def majority(figures: Json) -> float:
    """What always answering the commonest class would reach: the largest row of the confusion matrix over n."""
    return float(max(sum(row) for row in figures["confusion"]) / max(1, figures["n"]))
