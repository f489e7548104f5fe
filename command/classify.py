"""`releaf classify`: what is on pictures, wherever they come from, and why the classifier thinks so.

Which pictures the arguments mean is in `found`; what a picture shows is `releaf.vision`'s.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from command.found import Found, found_pictures, shown
from command.output import Bar, err, out, print_json, progress_bar, stdout_kept_clean
from command.session import settings
from releaf.errors import InputError, StorageError
from releaf.progress import Progress

if TYPE_CHECKING:
    from releaf.vision.inference import Classifier
    from resources.settings import Settings

HEADS = ("item", "material", "family", "bin")
_STEP = 64
_LONGEST = 60  # bytes of a file's name that the name of its explanation keeps


def classify(
    pictures: Annotated[list[str], typer.Argument(help="Files, folders, quoted patterns, or - for standard input.")],
    top_k: Annotated[int, typer.Option("-k", help="Labels shown for each head.", min=1)] = 3,
    explain: Annotated[
        Path | None, typer.Option(help="Folder for pictures that show what spoke for the item, beside the original.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Say what is on a picture: item, material, bin, with probabilities, or that it shows nothing known."""
    found = found_pictures(pictures)
    if explain is not None:
        _make_folder(explain)
    with stdout_kept_clean(), progress_bar() as bars, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow about odd metadata: a picture has an answer or an error
        answers = iter(_answers([one for one in found if not one.error], top_k, explain, Bar(bars, "pictures")))
    documents = [{"file": shown(one.name), "error": shown(one.error)} if one.error else next(answers) for one in found]
    if as_json:
        print_json(documents)
    else:
        for document in documents:
            _show(document)
    if all("error" in document for document in documents):
        raise typer.Exit(2)


def _answers(found: Sequence[Found], top_k: int, explain: Path | None, progress: Progress) -> list[dict[str, Any]]:
    """Return a document for each picture, in order."""
    documents: list[dict[str, Any]] = []
    if found:  # where there is nothing to ask, no classifier need be there
        classifier = _classifier(settings())
        for start in range(0, len(found), _STEP):
            documents += _batch(classifier, found[start : start + _STEP], top_k, explain)
            progress(len(documents), len(found), "classifying")
    return documents


def _classifier(effective: Settings) -> Classifier:
    from releaf.taxonomy import load_taxonomy
    from releaf.vision.inference import Classifier
    from releaf.vision.published import open_published
    from resources.references import load_artifact

    taxonomy = load_taxonomy(effective.data_dir / "taxonomy.yaml")
    return Classifier(open_published(load_artifact(effective.home, "waste_classifier").path, taxonomy))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"--explain {folder}: there is a file in its place; name a folder") from error
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> StorageError:
    return StorageError(f"--explain {folder} cannot be written: {(error.strerror or str(error)).lower()}")


def _batch(classifier: Classifier, found: Sequence[Found], top_k: int, explain: Path | None) -> list[dict[str, Any]]:
    from releaf.vision.inference import Refusal

    documents: list[dict[str, Any]] = []
    for one, answer in zip(found, classifier.classify([one.image for one in found], top_k), strict=True):
        if isinstance(answer, Refusal):
            documents.append({"file": shown(one.name), "error": shown(answer.reason)})
            continue
        heads = {
            head: [{"label": score.id, "probability": score.probability} for score in getattr(answer, head)]
            for head in HEADS
        }
        document = {"file": shown(one.name), **heads, "known": answer.known, "milliseconds": answer.milliseconds}
        if explain is not None:
            document["explanation"] = shown(str(_explained(classifier, one, answer.item[0].id, explain)))
        documents.append(document)
    return documents


def _explained(classifier: Classifier, one: Found, item: str, folder: Path) -> Path:
    target = folder / f"{_stem(one)}-{item}.png"
    picture = classifier.explain(one.image, item)
    try:
        picture.save(target)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return target


def _stem(one: Found) -> str:
    """Return a file name that no other picture has: two folders may hold files of one name."""
    from releaf.artifacts import content_hash, sha256_bytes

    if isinstance(one.image, bytes):
        return f"stdin-{sha256_bytes(one.image)[:8]}"
    path = Path(os.path.abspath(one.image))  # noqa: PTH100  # a link is a picture of its own
    readable = "-".join(_cut(part) for part in (path.parent.name, path.stem) if part)
    return f"{readable}-{content_hash(shown(str(path)))[:8]}"


def _cut(name: str) -> str:
    return shown(name).encode()[:_LONGEST].decode(errors="ignore")


def _show(document: dict[str, Any]) -> None:
    file = escape(document["file"])
    if "error" in document:
        err.print(f"[red]{file}[/]: {escape(document['error'])}", soft_wrap=True)
        return
    out.print(f"[bold]{file}[/]  [dim]{document['milliseconds']:.0f} ms[/]", soft_wrap=True)
    if not document["known"]:
        out.print("  [yellow]not a waste item I know; the least unlike are:[/]")
    for head in HEADS:
        scores = ", ".join(f"{score['label']} {score['probability']:.0%}" for score in document[head])
        out.print(f"  {head:<9}{scores}", soft_wrap=True)
    if "explanation" in document:
        what = f"what spoke for {document['item'][0]['label']}: {escape(document['explanation'])}"
        out.print(f"  [dim]{what}[/]", soft_wrap=True)
