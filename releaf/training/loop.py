"""The one training loop of every model in the project.

A subject brings a `Task` (batches, loss, validation); the loop brings optimizer, schedule, clipping, precision, weight
averaging, early stopping, curves and resumption.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import torch
from torch import Tensor, nn

from releaf.artifacts import content_hash
from releaf.errors import InputError, TrainingError
from releaf.progress import Progress, silent
from releaf.training.device import Hardware
from releaf.training.memory import reused_memory
from releaf.training.schedule import PlateauRate, cosine_rate, warmup_factor
from releaf.training.state import RunState, flatten_optimizer, load_state, restore_optimizer, save_state

B = TypeVar("B")


@dataclass(frozen=True)
class Optimization:
    """How a model is trained.

    epochs: passes over the training batches, at least 1.
    learning_rate: peak rate of AdamW (β 0.9 and 0.999, ε 1e-8).
    weight_decay: decoupled decay, applied to matrices only (not to biases, norms and other vectors).
    warmup_epochs: linear warm-up; capped at a third of all epochs so that short runs reach the peak.
    schedule: `cosine` to `minimum_learning_rate`, or `plateau` (patience 5, factor 0.5).
    clip_norm: largest gradient norm. patience: epochs without a better figure before stopping; None never stops.
    accumulate: batches per optimizer step. ema_decay: decay of the averaged weights that are validated and kept;
    None keeps the weights as they are.
    """

    epochs: int
    learning_rate: float
    weight_decay: float
    warmup_epochs: float = 3
    schedule: Literal["cosine", "plateau"] = "cosine"
    minimum_learning_rate: float = 1e-6
    clip_norm: float = 1.0
    patience: int | None = None
    accumulate: int = 1
    seed: int = 0
    ema_decay: float | None = None

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.accumulate < 1:
            raise InputError(f"epochs ({self.epochs}) and accumulate ({self.accumulate}) must be at least 1")
        if self.learning_rate < self.minimum_learning_rate:
            raise InputError(
                f"learning_rate {self.learning_rate} is below minimum_learning_rate {self.minimum_learning_rate}"
            )
        if self.ema_decay is not None and not 0 < self.ema_decay < 1:
            raise InputError(f"ema_decay {self.ema_decay} must lie between 0 and 1, or be None")


class Task(Protocol[B]):
    """What a subject brings to the loop. `monitor` names the validation figure that picks the best epoch."""

    monitor: str
    maximize: bool

    def batches(self, epoch: int) -> Iterable[B]:
        """Training batches in order; depends on the seed and `epoch` alone, so that a resumed run repeats them."""

    def steps_per_epoch(self) -> int:
        """How many batches one epoch has."""

    def loss(self, model: nn.Module, batch: B) -> Tensor:
        """Mean loss of one batch, a scalar; the model is in training mode."""

    def samples(self, batch: B) -> int:
        """How many samples a batch holds, for throughput."""

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Validation figures, `monitor` among them; the model is in evaluation mode, without gradients."""


@dataclass
class History:
    """Curves of a run: one mapping an epoch, and the epoch (from 1) whose weights were kept."""

    epochs: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0


def seed_everything(seed: int) -> None:
    """Seed torch, NumPy and Python, and ask torch for deterministic algorithms."""
    import random

    import numpy as np

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling every fresh tensor finds reads of unset memory, which nothing here does; it costs a third of a step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def fit(
    model: nn.Module,
    task: Task[B],
    optimization: Optimization,
    hardware: Hardware,
    *,
    state_dir: Path | None = None,
    progress: Progress = silent,
) -> History:
    """Train `model` in place and leave the best epoch's weights in it.

    With `state_dir` the run is saved after each epoch and a killed one goes on from there; on CPU the result is
    bit-identical to a run without the kill. Raises `TrainingError` on a loss that is no number.
    """
    with reused_memory():
        return _Run(model, task, optimization, hardware, state_dir, progress).train()


class _Run:
    """One call of `fit`: holds what the epochs share."""

    def __init__(
        self,
        model: nn.Module,
        task: Task[B],
        optimization: Optimization,
        hardware: Hardware,
        state_dir: Path | None,
        progress: Progress,
    ) -> None:
        seed_everything(optimization.seed)
        self.model = model.to(hardware.device)
        self.task = task
        self.plan = optimization
        self.hardware = hardware
        self.state_dir = state_dir
        self.progress = progress
        # One kernel for all parameters: a quarter of the time of one operation after another.
        self.optimizer = torch.optim.AdamW(
            _decay_groups(model, optimization.weight_decay), lr=optimization.learning_rate, fused=True
        )
        self.scaler = torch.amp.GradScaler(hardware.device, init_scale=2.0**16, enabled=hardware.loss_scaling)
        self.steps = math.ceil(task.steps_per_epoch() / optimization.accumulate)
        self.warmup = round(min(optimization.warmup_epochs, optimization.epochs / 3) * self.steps)
        self.plateau = PlateauRate(optimization.learning_rate, minimum=optimization.minimum_learning_rate)
        self.history = History()
        self.best: dict[str, Tensor] = {}
        self.stalled = 0
        self.average = _clone(self._trained()) if optimization.ema_decay else {}
        # Two runs may share a state only if they start from the same weights with the same plan.
        self.fingerprint = content_hash([asdict(optimization), _digest(model), self.steps])

    def train(self) -> History:
        """Run all epochs, from the saved one if there is one."""
        for epoch in range(self._resume(), self.plan.epochs):
            if self.plan.patience is not None and self.stalled > self.plan.patience:
                break
            record = self._epoch(epoch)
            improved = self._keep_best(record, epoch)
            self.plateau.observe(improved)
            self._save(epoch + 1)
            note = f"loss {record['loss']:.3f}, {self.task.monitor} {record[self.task.monitor]:.3f}"
            self.progress(epoch + 1, self.plan.epochs, note)
        if self.best:
            self.model.load_state_dict(self.best, strict=False)
        self.model.eval()
        return self.history

    def _epoch(self, epoch: int) -> dict[str, float]:
        self.model.train()
        # The random numbers of an epoch depend on its index alone, so a resumed run draws the same ones.
        torch.manual_seed(self.plan.seed * 1_000_003 + epoch)
        losses: list[float] = []
        norms: list[float] = []
        started, samples, pending = time.perf_counter(), 0, 0
        for index, batch in enumerate(self.task.batches(epoch)):
            with self._autocast():
                loss = self.task.loss(self.model, batch)
            value = float(loss.detach())
            if not math.isfinite(value):
                raise TrainingError(
                    f"the loss became {value} in epoch {epoch + 1}, batch {index + 1}; lower the learning rate "
                    f"(now {self.plan.learning_rate}) or look for broken rows in the data"
                )
            torch.autograd.backward(self.scaler.scale(loss / self.plan.accumulate))
            losses.append(value)
            samples += self.task.samples(batch)
            pending += 1
            if pending == self.plan.accumulate:
                norms.append(self._step(epoch * self.steps + len(norms)))
                pending = 0
        if pending:
            norms.append(self._step(epoch * self.steps + len(norms)))
        record = {
            "epoch": float(epoch + 1),
            "loss": sum(losses) / max(1, len(losses)),
            "learning_rate": self.optimizer.param_groups[0]["lr"],
            "gradient_norm": sum(norms) / max(1, len(norms)),
            "samples_per_second": samples / max(1e-9, time.perf_counter() - started),
        }
        return record | self._validate()

    def _step(self, step: int) -> float:
        if self.plan.schedule == "cosine":
            rate = cosine_rate(
                step,
                peak=self.plan.learning_rate,
                minimum=self.plan.minimum_learning_rate,
                warmup_steps=self.warmup,
                total_steps=self.steps * self.plan.epochs,
            )
        else:
            rate = self.plateau.rate * warmup_factor(step, self.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.plan.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self._average()
        return float(norm)

    def _average(self) -> None:
        decay = self.plan.ema_decay
        if decay is None:
            return
        for name, tensor in self._trained().items():
            if tensor.is_floating_point():
                self.average[name].lerp_(tensor.detach(), 1 - decay)
            else:
                self.average[name].copy_(tensor)

    def _validate(self) -> dict[str, float]:
        own = _clone(self._trained()) if self.average else {}
        if self.average:
            self.model.load_state_dict(self.average, strict=False)
        self.model.eval()
        with torch.no_grad(), self._autocast():
            figures = self.task.validate(self.model)
        if own:
            self.model.load_state_dict(own, strict=False)
        return figures

    def _keep_best(self, record: dict[str, float], epoch: int) -> bool:
        figure = record[self.task.monitor]
        sign = 1 if self.task.maximize else -1
        kept = self.history.epochs[self.history.best_epoch - 1][self.task.monitor] if self.history.best_epoch else None
        improved = kept is None or sign * figure > sign * kept
        self.history.epochs.append(record)
        self.stalled = 0 if improved else self.stalled + 1
        if improved:
            self.history.best_epoch = epoch + 1
            self.best = _clone(self.average or self._trained())
        return improved

    def _trained(self) -> dict[str, Tensor]:
        """The parameters that learn and every buffer: a frozen base needs no copy."""
        frozen = {name for name, parameter in self.model.named_parameters() if not parameter.requires_grad}
        return {name: tensor for name, tensor in self.model.state_dict().items() if name not in frozen}

    def _save(self, epoch: int) -> None:
        if self.state_dir is None:
            return
        tensors = {
            "model": self._trained(),
            "best": self.best,
            "optimizer": flatten_optimizer(self.optimizer),
        }
        if self.average:
            tensors["average"] = self.average
        scalars = {
            "epochs": self.history.epochs,
            "best_epoch": self.history.best_epoch,
            "stalled": self.stalled,
            "plateau": [self.plateau.rate, self.plateau.stalled],
            "scaler": self.scaler.state_dict(),
        }
        save_state(self.state_dir, RunState(epoch, tensors, scalars), self.fingerprint)

    def _resume(self) -> int:
        state = load_state(self.state_dir, self.fingerprint) if self.state_dir and self.state_dir.is_dir() else None
        if state is None:
            return 0
        device = self.hardware.device
        self.model.load_state_dict(state.tensors["model"], strict=False)
        self.best = {name: tensor.to(device) for name, tensor in state.tensors["best"].items()}
        self.average = {name: tensor.to(device) for name, tensor in state.tensors.get("average", {}).items()}
        restore_optimizer(self.optimizer, state.tensors["optimizer"])
        self.history = History(state.scalars["epochs"], state.scalars["best_epoch"])
        self.stalled = state.scalars["stalled"]
        self.plateau.rate, self.plateau.stalled = state.scalars["plateau"]
        self.scaler.load_state_dict(state.scalars["scaler"])
        return state.epoch

    def _autocast(self) -> AbstractContextManager[object]:
        if self.hardware.precision == "fp32":
            return nullcontext()
        dtype = torch.bfloat16 if self.hardware.precision == "bf16" else torch.float16
        return torch.autocast(self.hardware.device, dtype=dtype)


def _decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in learning if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in learning if p.ndim < 2], "weight_decay": 0.0},
    ]


def _clone(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def _digest(model: nn.Module) -> list[list[object]]:
    """Names, shapes and sums of the starting weights: cheap, and different for another model or seed."""
    return [[name, list(p.shape), float(p.detach().double().sum())] for name, p in model.named_parameters()]
