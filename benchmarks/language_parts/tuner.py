"""One side of `training` in a process of its own: an epoch for each line it reads, and its figures as one line of JSON.

python -m language_parts.tuner {ours,trl} BASE ROWS EPOCHS

BASE is a checkpoint's directory, ROWS a JSON list of [ids, labels]. Both sides get the same ids, the same adapter and
learning rate; everything else is what each does by default.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from releaf.language.adapters import attach, lora_config
from releaf.language.batches import Batch
from releaf.language.decoder import open_base, quick_attention
from releaf.language.settings import TuningSettings
from releaf.language.template import Example
from releaf.language.tuning import InstructionTask, optimization, pad_id
from releaf.metrics.text import IGNORED
from releaf.training.device import detect

SEED = 0


def main() -> None:
    """Train as the arguments say."""
    side, base, rows, epochs = sys.argv[1:]
    examples = [
        Example(str(index), tuple(ids), tuple(labels), 0)
        for index, (ids, labels) in enumerate(json.loads(Path(rows).read_text(encoding="utf-8")))
    ]
    sides = {"ours": ours, "trl": theirs}
    sides[side](base, examples, int(epochs))


def settings() -> TuningSettings:
    """What the local profile tunes with; both sides take adapter, batch size and learning rate from it."""
    from resources.settings import load_settings

    return load_settings().language.tuning


def wait_for_turn() -> None:
    """Go on when told; end when nobody is left to tell."""
    if not sys.stdin.readline():
        sys.exit(0)


def tell(**figures: float) -> None:
    """Write one line."""
    print(json.dumps(figures), flush=True)


class Watched(InstructionTask):
    """The task of our loop, which tells how long an epoch took and its mean loss; nothing is validated."""

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches, with a clock beside them."""
        wait_for_turn()
        self.losses: list[float] = []
        self.began, self.computed = time.perf_counter(), time.process_time()
        yield from super().batches(epoch)

    def loss(self, model: torch.nn.Module, batch: Batch) -> torch.Tensor:
        """The loss, remembered."""
        found = super().loss(model, batch)
        self.losses.append(float(found.detach()))
        return found

    def validate(self, model: torch.nn.Module) -> dict[str, float]:
        """Tell the figures of the epoch that ended."""
        assert not model.training
        tell(
            seconds=time.perf_counter() - self.began,
            processor_seconds=time.process_time() - self.computed,
            loss=sum(self.losses) / len(self.losses),
        )
        return {self.monitor: 0.0}


def ours(source: str, examples: list[Example], epochs: int) -> None:
    """Our loop, as `releaf.language.tuning.tune` runs it with the local profile."""
    from releaf.training.loop import fit

    wanted = replace(settings(), epochs=epochs, patience=None)
    base = open_base(f"path:{source}")
    task = Watched(examples, examples[:1], batch_size=wanted.batch_size, pad=pad_id(base), seed=SEED)
    model = attach(base, wanted.adapter, seed=SEED)
    precise = detect("cpu").for_training(wanted.native_bf16)
    with quick_attention(base.model, precise):
        fit(model, task, optimization(wanted), precise)


def theirs(source: str, examples: list[Example], epochs: int) -> None:
    """TRL's SFTTrainer with its default arguments, but for what both sides share and for writing no checkpoints."""
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    losses: list[float] = []

    class Told(SFTTrainer):
        """Remembers the loss of each step, which it logs of every tenth only."""

        def compute_loss(self, *given: Any, **named: Any) -> Any:
            found = super().compute_loss(*given, **named)
            losses.append(float(found.detach()))
            return found

    class Turns(TrainerCallback):
        """Begins an epoch when told, and tells what it took."""

        def on_epoch_begin(self, _args: Any, _state: Any, _control: Any, **_others: Any) -> None:
            wait_for_turn()
            self.began, self.computed = time.perf_counter(), time.process_time()
            losses.clear()

        def on_epoch_end(self, _args: Any, _state: Any, _control: Any, **_others: Any) -> None:
            spent, computed = time.perf_counter() - self.began, time.process_time() - self.computed
            tell(seconds=spent, processor_seconds=computed, loss=sum(losses) / len(losses))

    wanted = settings()
    base = open_base(f"path:{source}")
    table = Dataset.from_list(
        [
            {"input_ids": list(one.ids), "completion_mask": [int(label != IGNORED) for label in one.labels]}
            for one in examples
        ]
    )
    config = SFTConfig(
        output_dir=str(Path(source).parent / "trl"),
        num_train_epochs=epochs,
        per_device_train_batch_size=wanted.batch_size,
        learning_rate=wanted.learning_rate,
        use_cpu=True,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        seed=SEED,
    )
    trainer = Told(
        base.model,
        args=config,
        train_dataset=table,
        processing_class=base.tokenizer,
        peft_config=lora_config(wanted.adapter),
        callbacks=[Turns()],
    )
    print(f"precision bf16 {config.bf16}, checkpointing {config.gradient_checkpointing}", file=sys.stderr)
    trainer.train()


if __name__ == "__main__":
    main()
