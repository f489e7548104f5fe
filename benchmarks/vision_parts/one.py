"""`one`: a picture from its bytes to its answer, by the classifier as it is published, and what takes the time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from retrieval_parts.measure import Row, Table, in_turns, median_ratio, seconds

from releaf.training.device import Hardware
from releaf.vision.checkpoint import VisionCheckpoint
from releaf.vision.inference import Classifier
from releaf.vision.predictor import Predictor
from vision_parts.pictures import SEED, photograph, render

PER_ITEM = 10
SMALL, LARGE = (341, 256), (4000, 3000)
GRAINY = "the same with grain"
PARTS = ("decode", "describe", "encode", "network", "the rest")
Spent = dict[str, list[float]]


def one(folder: Path, *, repeats: int) -> Table:
    """Milliseconds from bytes to answer through `Classifier.classify`, and how they are shared out.

    The classifier is published here by what publishes it in the pipeline: the local profile's network with the weights
    it starts from, which takes as long as a trained one, 128 words of descriptors and int8 where it is no worse.
    """
    table = render(folder, PER_ITEM)
    checkpoint, predictor = published(folder, table)
    classifier = Classifier(predictor)
    small, large = photograph(*SMALL, grain=3.0), photograph(*LARGE)
    pictures = {
        "rendered PNG": Path(table["path"][0]).read_bytes(),
        f"JPEG {SMALL[0]} x {SMALL[1]}": small,
        "JPEG of 12 megapixels": large,
        GRAINY: photograph(*LARGE, grain=3.0),
    }
    rows: list[Row] = []
    for name, data in pictures.items():
        rows += _rows(name, data, classifier, repeats, asked=None if data is pictures[GRAINY] else 50.0)
    rows += _network(folder, checkpoint, predictor, repeats)
    return Table(
        "one",
        f"one picture at a time, {repeats} times each; network of {predictor.image_size} px, 128 words",
        tuple(rows),
        columns=("p50", "p95"),
        remarks=(
            "note: milliseconds of each part. Grain: noise of deviation 3 of 255 a pixel, which fills a camera's file",
            "processor time counts every thread, those of BLAS too, which spin while they wait",
        ),
    )


def published(folder: Path, table: pl.DataFrame) -> tuple[VisionCheckpoint, Predictor]:
    """The classifier published from rendered pictures, opened again as serving opens it."""
    from releaf.progress import silent
    from releaf.taxonomy import load_taxonomy
    from releaf.vision.data import ClassNames, encode_labels
    from releaf.vision.descriptor_model import train_descriptors
    from releaf.vision.model import build_model
    from releaf.vision.published import open_published
    from releaf.vision.publishing import Others, publish
    from resources.settings import load_settings

    settings = load_settings()
    names = ClassNames.of(load_taxonomy(settings.data_dir / "taxonomy.yaml"))
    splits = pl.when(pl.int_range(pl.len()) % 5 < 3).then(pl.lit("train")).otherwise(pl.lit("validation"))
    images = table.with_columns(splits.alias("split"))
    train = images.filter(pl.col("split") == "train")
    descriptors = train_descriptors(
        train["path"].to_list(),
        encode_labels(train, names),
        names.counts,
        replace(settings.descriptors, words=128, patches=60),
        silent,
    )
    noise = np.random.default_rng(SEED).integers(0, 256, size=(20, 64, 64, 3), dtype=np.uint8)
    checkpoint = VisionCheckpoint(build_model(settings.vision, names.counts), names, settings.vision)
    target = folder / "published"
    target.mkdir()
    publish(checkpoint, descriptors, images, Others(noise, ("noise",) * len(noise)), target)
    return checkpoint, open_published(target)


def _rows(name: str, data: bytes, classifier: Classifier, repeats: int, asked: float | None) -> list[Row]:
    """The whole answer, then its parts in turns with it."""
    whole, computing, parts = [], [], {part: [] for part in PARTS}
    for turn in range(repeats + 3):
        began, computed = time.perf_counter(), time.process_time()
        classifier.classify([data])
        spent = time.perf_counter() - began, time.process_time() - computed
        by_part = _parts(classifier.predictor, data)
        if turn < 3:  # which make the code of the kernels warm for this size
            continue
        whole.append(1000 * spent[0])
        computing.append(1000 * spent[1])
        for part, value in by_part.items():
            parts[part].append(1000 * value)
        parts["the rest"].append(whole[-1] - 1000 * sum(by_part.values()))
    shares = ", ".join(f"{part} {statistics.median(values):.1f}" for part, values in parts.items())
    return [
        Row(f"{name}, {len(data) / 1000:,.0f} kB", _percentiles(whole), "ms", note=shares),
        Row("   p50", (statistics.median(whole), None), "ms", at_most=asked),
        Row("   processor time", _percentiles(computing), "ms"),
    ]


def _parts(predictor: Predictor, data: bytes) -> dict[str, float]:
    """Seconds of each part of one answer."""
    from releaf.vision.descriptors import describe
    from releaf.vision.preprocessing import bounded, open_picture, square

    assert predictor.descriptors is not None
    clock = time.perf_counter
    began = clock()
    decoded = open_picture(data, predictor.image_size)
    detailed, small = bounded(decoded), square(decoded, predictor.image_size)
    opened = clock()
    found = describe(detailed)
    described = clock()
    predictor.descriptors.encoder.encode(found)
    encoded = clock()
    predictor.network(small[None])
    return {
        "decode": opened - began,
        "describe": described - opened,
        "encode": encoded - described,
        "network": clock() - encoded,
    }


def _network(folder: Path, checkpoint: VisionCheckpoint, predictor: Predictor, repeats: int) -> list[Row]:
    """The exported networks on one picture beside the same weights in torch."""
    import torch

    from releaf.vision.export import INT8_FILE, NETWORK_FILE
    from releaf.vision.onnx_network import OnnxNetwork
    from releaf.vision.prediction import TorchNetwork

    size = predictor.image_size
    picture = np.random.default_rng(SEED).integers(0, 256, size=(1, size, size, 3), dtype=np.uint8)
    threads = torch.get_num_threads()
    networks: Mapping[str, Callable[..., object]] = {
        "torch": TorchNetwork(checkpoint.model, Hardware("cpu", "fp32", 1 << 32, threads)),
        "fp32": OnnxNetwork(folder / "published" / NETWORK_FILE),
        "int8": OnnxNetwork(folder / "published" / INT8_FILE),
    }
    for network in networks.values():
        for _ in range(10):
            network(picture)
    spent: Spent = in_turns(
        {name: partial(seconds, partial(call, picture)) for name, call in networks.items()}, 3 * repeats
    )
    rows = [
        Row(f"network, {name}", _percentiles([1000 * value for value in values]), "ms")
        for name, values in spent.items()
    ]
    for name, asked in (("fp32", None), ("int8", 3.0)):
        ratio, note = median_ratio(spent["torch"], spent[name])
        rows.append(Row(f"{name} over torch eager", (ratio, None), "×", at_least=asked, note=note))
    return rows


def _percentiles(values: list[float]) -> tuple[float, float]:
    return statistics.median(values), float(np.percentile(values, 95))
