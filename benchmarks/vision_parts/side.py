"""One side of `train` in a process of its own: an epoch for each line it reads, and its figures as one line of JSON.

python -m vision_parts.side {ours,direct,timm} {fp32,bf16} FOLDER EPOCHS WORKERS

`direct` is ours with batches made when they are asked for, and torch on all cores. Each side has its own process,
because both change how memory and threads are used in theirs.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import torch

from releaf.training.device import Hardware
from releaf.vision.data import ClassNames, encode_labels, load_pixels
from releaf.vision.training import Batch, Examples, VisionTask, optimization
from vision_parts.pictures import TABLE

VALIDATED = 64  # pictures looked at after an epoch, outside what is timed
LOG_EVERY = 50  # batches, as timm does


def main() -> None:
    """Train as the arguments say."""
    side, precision, folder, epochs, workers = sys.argv[1:]
    if side == "timm":
        theirs(Path(folder), precision, int(epochs), int(workers))
    else:
        ours(Path(folder), precision, int(epochs), direct=side == "direct")


def wait_for_turn() -> None:
    """Go on when told; end when nobody is left to tell."""
    if not sys.stdin.readline():
        sys.exit(0)


def tell(**figures: float) -> None:
    """Write one line."""
    print(json.dumps(figures), flush=True)


def processor_seconds() -> float:
    """Seconds that this process and its living workers have computed; workers are seen on Linux alone."""
    total = time.process_time()
    for worker in multiprocessing.active_children():
        file = Path(f"/proc/{worker.pid}/stat")
        if file.is_file():
            fields = file.read_text(encoding="ascii").rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


class Watched(VisionTask):
    """The task of our loop, which also tells how long an epoch took and how long its steps waited for batches."""

    direct = False

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches, with a clock beside them."""
        wait_for_turn()
        self.waited, self.pictures = 0.0, 0
        self.began, self.computed = time.perf_counter(), processor_seconds()
        made = self._made(epoch) if self.direct else super().batches(epoch)
        while True:
            asked = time.perf_counter()
            batch = next(made, None)
            self.waited += time.perf_counter() - asked
            if batch is None:
                return
            self.pictures += self.samples(batch)
            yield batch

    def validate(self, model: torch.nn.Module) -> dict[str, float]:
        """Tell the figures of the epoch that ended, then validate."""
        tell(
            seconds=time.perf_counter() - self.began,
            processor_seconds=processor_seconds() - self.computed,
            pictures=self.pictures,
            waited=self.waited,
        )
        return super().validate(model)


def ours(folder: Path, precision: str, epochs: int, *, direct: bool) -> None:
    """Our loop over pictures decoded once, as `releaf.vision.training.train` runs it with the local profile."""
    from releaf.taxonomy import load_taxonomy
    from releaf.training.loop import fit
    from releaf.training.prefetch import one_core_left
    from releaf.vision.model import build_model
    from resources.settings import load_settings

    settings = load_settings()
    vision = settings.vision
    table = pl.read_parquet(folder / TABLE)
    names = ClassNames.of(load_taxonomy(settings.data_dir / "taxonomy.yaml"))
    began = time.perf_counter()
    pixels = load_pixels(table, vision.image_size, cache=folder)
    tell(decoding=time.perf_counter() - began)
    labels = encode_labels(table, names)
    sources = tuple(table["source"])
    train = Examples(pixels, labels, sources)
    some = Examples(pixels[:VALIDATED], labels[:VALIDATED], sources[:VALIDATED])
    hardware = Hardware("cpu", "bf16" if precision == "bf16" else "fp32", 1 << 32, torch.get_num_threads())
    task = Watched(train, some, names, vision, hardware)
    task.direct = direct
    model = build_model(vision, names.counts)
    plan = replace(optimization(vision), epochs=epochs, patience=None)
    with nullcontext() if direct else one_core_left():
        fit(model, task, plan, hardware)


def theirs(folder: Path, precision: str, epochs: int, workers: int) -> None:
    """What timm's train.py does with its default arguments, of timm's own parts."""
    from timm.data import create_dataset, create_loader, resolve_data_config
    from timm.loss import LabelSmoothingCrossEntropy
    from timm.models import create_model
    from timm.optim import create_optimizer_v2
    from timm.scheduler import create_scheduler_v2
    from timm.utils import AverageMeter, random_seed

    from resources.settings import load_settings

    vision = load_settings().vision
    random_seed(42, 0)
    dataset = create_dataset("", root=str(folder / "images"), split="train", is_training=True, batch_size=32)
    classes = len({path.parent.name for path in (folder / "images").rglob("*.png")})
    model = create_model(vision.backbone, num_classes=classes, drop_rate=0.0, **vision.backbone_options)
    size = (3, vision.image_size, vision.image_size)
    data = resolve_data_config({"input_size": size}, model=model)
    optimizer = create_optimizer_v2(model, opt="sgd", lr=0.1 * vision.batch_size / 256, weight_decay=2e-5, momentum=0.9)
    loader = create_loader(
        dataset,
        input_size=data["input_size"],
        batch_size=vision.batch_size,
        is_training=True,
        use_prefetcher=PREFETCHER,
        scale=(0.08, 1.0),
        ratio=(3 / 4, 4 / 3),
        hflip=0.5,
        color_jitter=0.4,
        auto_augment=None,
        interpolation="random",
        mean=data["mean"],
        std=data["std"],
        num_workers=workers,
        device=torch.device("cpu"),
    )
    scheduler, _ = create_scheduler_v2(
        optimizer, num_epochs=epochs, warmup_epochs=min(5, epochs - 1), warmup_lr=1e-5, updates_per_epoch=len(loader)
    )
    criterion = LabelSmoothingCrossEntropy(smoothing=0.1)
    tell(decoding=0.0)
    for epoch in range(epochs):
        wait_for_turn()
        began, computed = time.perf_counter(), processor_seconds()
        pictures = _timm_epoch(model, loader, optimizer, criterion, scheduler, precision, epoch, AverageMeter())
        # Its workers live from the first epoch on, whose figures nobody uses.
        tell(
            seconds=time.perf_counter() - began,
            processor_seconds=processor_seconds() - computed,
            pictures=pictures,
        )
        scheduler.step(epoch + 1)


# timm normalizes in the main process with it and in the workers without it. It is on by default and the faster of both.
PREFETCHER = True


def _timm_epoch(
    model: Any, loader: Any, optimizer: Any, criterion: Any, scheduler: Any, precision: str, epoch: int, losses: Any
) -> int:
    """One pass: forward, backward, step, running mean of the loss, learning rate; how many pictures it was."""
    model.train()
    pictures = 0
    optimizer.zero_grad()
    for index, (pixels, target) in enumerate(loader):
        with torch.autocast("cpu", torch.bfloat16) if precision == "bf16" else nullcontext():
            loss = criterion(model(pixels), target)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.update(loss.item(), pixels.size(0))
        pictures += len(pixels)
        if index % LOG_EVERY == 0:
            print(f"epoch {epoch} [{index}/{len(loader)}] loss {losses.avg:.3g}", file=sys.stderr)
        scheduler.step_update(num_updates=epoch * len(loader) + index + 1, metric=losses.avg)
    return pictures


if __name__ == "__main__":
    main()
