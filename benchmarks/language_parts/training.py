"""`training`: tokens a second of adapter training beside TRL's SFTTrainer, on one base and the same token ids."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from retrieval_parts.measure import BenchmarkError, Row, Table, in_turns, median_ratio

_HERE = Path(__file__).resolve().parent.parent
_SIDES = ("ours", "trl")
ROWS = "rows.json"
Figures = dict[str, float]


@dataclass
class Side:
    """A child process that trains an epoch when it is told to."""

    child: subprocess.Popen[str]

    def epoch(self) -> Figures:
        """Train one epoch; returns seconds, processor_seconds and the mean loss. Raises where the child has ended."""
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.write("\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        while line and not line.startswith('{"'):  # TRL prints what it logs, as Python writes it
            line = self.child.stdout.readline()
        if not line:
            raise BenchmarkError(f"{' '.join(map(str, self.child.args))} ended early, with {self.child.wait()}")
        figures: Figures = json.loads(line)
        return figures


@contextmanager
def side(name: str, folder: Path, epochs: int) -> Iterator[Side]:
    """A side of the comparison, after an epoch to warm up."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(_HERE), os.environ.get("PYTHONPATH", "")])}
    command = [
        sys.executable,
        "-m",
        "language_parts.tuner",
        name,
        str(folder / "base"),
        str(folder / ROWS),
        str(epochs),
    ]
    with (
        (folder / f"{name}.log").open("w") as log,
        subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as child,
    ):
        try:
            yield Side(child)
        finally:
            # With nobody to tell it to go on it ends.
            if child.stdin is not None:
                child.stdin.close()
            child.wait()


def prepare(folder: Path, *, records: int, file: Path | None) -> tuple[int, int]:
    """Write a base trained for one epoch and the rows of the first training records; returns examples and tokens."""
    from releaf.corpus.documents import read_documents
    from releaf.corpus.instructions import read_instructions
    from releaf.language.decoder import save_base
    from releaf.language.pretraining import pretrain
    from releaf.language.tuning import encode_split
    from releaf.taxonomy import load_taxonomy
    from releaf.training.device import detect
    from resources.settings import load_settings

    settings = load_settings()
    documents = read_documents([settings.data_dir / "knowledge"], load_taxonomy(settings.data_dir / "taxonomy.yaml"))
    base = pretrain(documents.frame, replace(settings.language.base, epochs=1), detect("cpu")).base
    save_base(base, folder / "base")
    files = [file] if file else sorted((settings.data_dir / "instructions").glob("*.yaml"))
    examples = encode_split(base, read_instructions(files).frame, "train").examples[:records]
    rows = [[list(example.ids), list(example.labels)] for example in examples]
    (folder / ROWS).write_text(json.dumps(rows), encoding="utf-8")
    return len(rows), sum(len(ids) for ids, _ in rows)


def training(*, records: int, rounds: int, file: Path | None) -> Table:
    """Tokens of examples (padding not counted) that each side trains on a second.

    Equal: machine, two cores, base, token ids, adapter (rank, α, dropout, targets), batch size, learning rate, AdamW.
    Not equal, as each does by default: TRL recomputes activations (gradient checkpointing), pads batches of random
    lengths, adds up entropy and accuracy of each step, and trains in bf16 as ours does where the processor computes in
    it. Ours makes batches of alike lengths, projects labelled positions only, and writes attention out.
    """
    kept: dict[str, list[Figures]] = {name: [] for name in _SIDES}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="releaf-benchmark-")))
        count, tokens = prepare(folder, records=records, file=file)
        # One epoch to warm up, and one loss of TRL's more than is measured: its rate falls to nothing at the last.
        sides = {name: stack.enter_context(side(name, folder, rounds + 2)) for name in _SIDES}

        def turn(name: str) -> float:
            kept[name].append(sides[name].epoch())
            return kept[name][-1]["seconds"]

        for name in _SIDES:
            turn(name)
        spent = in_turns({name: partial(turn, name) for name in _SIDES}, rounds)
    ratio, note = median_ratio(spent["trl"], spent["ours"])
    computed, _ = median_ratio(*([one["processor_seconds"] for one in kept[name][1:]] for name in reversed(_SIDES)))
    rows = [
        Row(name, (tokens / statistics.median(spent[name]),), "tokens/s", note=_fell(kept[name])) for name in _SIDES
    ]
    rows.append(Row("ours over TRL", (ratio,), "×", at_least=2.0, note=f"{note}; {computed:.2f} by processor time"))
    return Table("training", f"{count} examples, {tokens:,} tokens an epoch", tuple(rows))


def _fell(figures: list[Figures]) -> str:
    losses = " → ".join(f"{one['loss']:.3f}" for one in figures)
    return f"mean loss of each epoch {losses}"
