"""`train` and `loading`: our training loop beside timm's on the same folder of pictures, and what it waits for."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from retrieval_parts.measure import BenchmarkError, Row, Table, in_turns, median_ratio

from vision_parts.pictures import render

_HERE = Path(__file__).resolve().parent.parent
_MOST_EPOCHS = 50  # of the learning rate's schedule; a round is one of them
Figures = dict[str, float]


@dataclass
class Side:
    """A child process that trains an epoch when it is told to."""

    child: subprocess.Popen[str]
    decoding: float = 0.0

    def epoch(self) -> Figures:
        """Train one epoch; returns seconds, processor_seconds, pictures and, of ours, what was waited."""
        assert self.child.stdin is not None
        self.child.stdin.write("\n")
        self.child.stdin.flush()
        return self.read()

    def read(self) -> Figures:
        """The next line of figures; raises BenchmarkError where the child has ended."""
        assert self.child.stdout is not None
        line = self.child.stdout.readline()
        if not line:
            raise BenchmarkError(f"{' '.join(map(str, self.child.args))} ended early, with {self.child.wait()}")
        figures: Figures = json.loads(line)
        return figures


@contextmanager
def side(name: str, precision: str, folder: Path, workers: int) -> Iterator[Side]:
    """A side of the comparison, after an epoch to warm up."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(_HERE), os.environ.get("PYTHONPATH", "")])}
    arguments = [name, precision, str(folder), str(_MOST_EPOCHS), str(workers)]
    command = [sys.executable, "-m", "vision_parts.side", *arguments]
    with (
        (folder / f"{name}-{precision}.log").open("w") as log,
        subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as child,
    ):
        try:
            started = Side(child)
            started.decoding = started.read()["decoding"]
            started.epoch()
            yield started
        finally:
            # With nobody to tell it to go on it ends, and its workers with it; terminated, it would leave them behind.
            if child.stdin is not None:
                child.stdin.close()
            child.wait()


def train(folder: Path, *, per_item: int, rounds: int, workers: int) -> Table:
    """Training pictures a second of the local profile, and of timm's train.py with its default arguments.

    Equal: the machine, two cores, the files, the network (the profile's backbone), 64 pixels, batches of 32, one loss
    value read a step. Not equal, as each does by default: timm decodes each picture in each epoch, in two worker
    processes, crops to 8 to 100 %, flips, jitters every picture's colours, and learns one label by SGD in fp32,
    dropping the last pictures of an epoch. Ours decodes once, before the first epoch, changes whole batches (crop,
    turn, flip, colours and noise of some) and learns three labels by AdamW with clipped gradients and averaged
    weights, in bf16 where the processor computes in it. Its decoding is told in a row of its own.
    """
    count = render(folder, per_item).height
    precisions = ("bf16", "fp32") if native_bf16() else ("fp32",)
    names = [(name, precision) for name in ("ours", "timm") for precision in precisions]
    with ExitStack() as stack:
        sides = {pair: stack.enter_context(side(*pair, folder, workers)) for pair in names}
        kept: dict[tuple[str, str], list[Figures]] = {pair: [] for pair in names}

        def turn(pair: tuple[str, str]) -> float:
            kept[pair].append(sides[pair].epoch())
            return kept[pair][-1]["seconds"] / kept[pair][-1]["pictures"]

        spent = in_turns({" ".join(pair): partial(turn, pair) for pair in names}, rounds)
        decoding = sides["ours", precisions[0]].decoding
    rows: list[Row] = []
    for pair in names:
        computed = statistics.median(1000 * one["processor_seconds"] / one["pictures"] for one in kept[pair])
        rate = 1 / statistics.median(spent[" ".join(pair)])
        note = f"{computed:.2f} ms of a processor a picture"
        rows.append(Row(f"{pair[0]}, {pair[1]}", (rate,), "pictures/s", note=note))
    compared = dict.fromkeys([(precisions[0], "fp32"), *((one, one) for one in precisions)])
    for mine, other in compared:
        ratio, note = median_ratio(spent[f"timm {other}"], spent[f"ours {mine}"])
        by_processor = _processor_ratio(kept["timm", other], kept["ours", mine])
        note = f"{note}; {by_processor:.2f} by processor time"
        rows.append(Row(f"ours {mine} over timm {other}", (ratio,), "×", at_least=1.2, note=note))
    rows.append(Row("decoding all pictures once, before ours", (decoding,), "s"))
    title = f"{count} rendered pictures of {_size()} px, {workers} workers of timm"
    remarks = (
        "timm's default is fp32; bf16 is its --amp --amp-dtype bfloat16",
        "bf16 convolutions in two threads spin where anything else runs, timm's workers too: compare processor time",
    )
    return Table("train", title, tuple(rows), remarks=remarks)


def loading(folder: Path, *, per_item: int, rounds: int) -> Table:
    """The share of our training loop's time in which a step waits for its batch, as the local profile trains.

    Beside it the same loop with each batch made when it is asked for, in torch's threads on all cores.
    """
    count = render(folder, per_item).height
    precision = "bf16" if native_bf16() else "fp32"
    kept: dict[str, list[Figures]] = {"ours": [], "direct": []}
    with ExitStack() as stack:
        sides = {name: stack.enter_context(side(name, precision, folder, 0)) for name in kept}

        def turn(name: str) -> float:
            kept[name].append(sides[name].epoch())
            return kept[name][-1]["seconds"]

        spent = in_turns({name: partial(turn, name) for name in kept}, rounds)
    waited = {name: [100 * epoch["waited"] / epoch["seconds"] for epoch in epochs] for name, epochs in kept.items()}
    rates = [count / statistics.median(spent[name]) for name in kept]
    ratio, note = median_ratio(spent["direct"], spent["ours"])
    return Table(
        "loading",
        f"{count} rendered pictures of {_size()} px in {precision}, batches of 32",
        (
            Row(
                "share of a step spent waiting",
                (statistics.median(waited["ours"]), None),
                "%",
                at_most=10,
                note=f"{min(waited['ours']):.1f} to {max(waited['ours']):.1f} in {rounds} rounds",
            ),
            Row("the same", (None, statistics.median(waited["direct"])), "%"),
            Row("pictures", (rates[0], rates[1]), "a second", note=f"{ratio:.2f} times as fast, {note}"),
        ),
        columns=("made ahead", "when asked for"),
    )


def native_bf16() -> bool:
    """Whether the processor computes in bf16, as our loop asks it."""
    from releaf.training.device import detect

    return detect("cpu").for_training(True).precision == "bf16"


def _processor_ratio(slow: Sequence[Figures], fast: Sequence[Figures]) -> float:
    each = [[one["processor_seconds"] / one["pictures"] for one in figures] for figures in (slow, fast)]
    return median_ratio(each[0], each[1])[0]


def _size() -> int:
    from resources.settings import load_settings

    return load_settings().vision.image_size
