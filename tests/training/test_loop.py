from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from releaf.errors import InputError, TrainingError
from releaf.training.device import Hardware
from releaf.training.loop import Optimization, fit

CPU = Hardware("cpu", "fp32", 1 << 30, 1)
Batch = tuple[Tensor, Tensor]


class Line:
    """Fit y = 2x − 1 from sixteen points, in batches of four."""

    monitor = "error"
    maximize = False

    def __init__(self, stop_before: int | None = None, poison: bool = False) -> None:
        self.stop_before = stop_before
        self.poison = poison

    def batches(self, epoch: int) -> Iterator[Batch]:
        if epoch == self.stop_before:
            raise KeyboardInterrupt
        order = torch.randperm(16, generator=torch.Generator().manual_seed(epoch))
        x = torch.linspace(-1, 1, 16)[order].reshape(4, 4, 1)
        for piece in x:
            yield piece, 2 * piece - 1 + (float("nan") if self.poison else 0)

    def steps_per_epoch(self) -> int:
        return 4

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        prediction: Tensor = model(batch[0])
        return (prediction - batch[1]).square().mean()

    def samples(self, batch: Batch) -> int:
        return len(batch[0])

    def validate(self, model: nn.Module) -> dict[str, float]:
        x = torch.linspace(-1, 1, 5).reshape(-1, 1)
        return {"error": float((model(x) - (2 * x - 1)).abs().mean())}


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 1))


PLAN = Optimization(epochs=8, learning_rate=0.05, weight_decay=0.0, ema_decay=0.5)


def test_a_line_is_learned() -> None:
    model = nn.Linear(1, 1)
    history = fit(model, Line(), Optimization(60, 0.1, 0.0), CPU)
    assert history.epochs[-1]["error"] < 0.05


def test_a_run_killed_between_epochs_ends_bit_identical_to_one_that_was_not(tmp_path: Path) -> None:
    whole, resumed = network(), network()
    straight = fit(whole, Line(), PLAN, CPU)
    with pytest.raises(KeyboardInterrupt):
        fit(network(), Line(stop_before=5), PLAN, CPU, state_dir=tmp_path)
    continued = fit(resumed, Line(), PLAN, CPU, state_dir=tmp_path)
    assert all(
        torch.equal(a, b) for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True)
    )
    assert [e["loss"] for e in straight.epochs] == [e["loss"] for e in continued.epochs]


def test_two_runs_with_one_seed_are_bit_identical() -> None:
    first, second = network(), network()
    fit(first, Line(), PLAN, CPU)
    fit(second, Line(), PLAN, CPU)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_the_best_epoch_is_the_one_that_is_kept() -> None:
    model = network()
    task = Line()
    history = fit(model, task, PLAN, CPU)
    best = min(e["error"] for e in history.epochs)
    with torch.no_grad():
        assert task.validate(model)["error"] == pytest.approx(best)


def test_early_stopping_ends_a_run_that_does_not_improve() -> None:
    class Stuck(Line):
        def validate(self, model: nn.Module) -> dict[str, float]:
            return {"error": 1.0}

    history = fit(network(), Stuck(), Optimization(50, 0.01, 0.0, patience=2), CPU)
    assert len(history.epochs) == 4
    assert history.best_epoch == 1


def test_accumulating_two_batches_equals_one_batch_of_both() -> None:
    class Doubled(Line):
        def batches(self, epoch: int) -> Iterator[Batch]:
            pieces = list(super().batches(epoch))
            for a, b in zip(pieces[::2], pieces[1::2], strict=True):
                yield torch.cat([a[0], b[0]]), torch.cat([a[1], b[1]])

        def steps_per_epoch(self) -> int:
            return 2

    torch.manual_seed(0)
    one = nn.Linear(1, 1)
    torch.manual_seed(0)
    two = nn.Linear(1, 1)
    fit(one, Line(), Optimization(3, 0.05, 0.0, accumulate=2), CPU)
    fit(two, Doubled(), Optimization(3, 0.05, 0.0), CPU)
    assert torch.allclose(one.weight, two.weight, atol=1e-6)


def test_a_loss_that_is_no_number_stops_the_run_and_says_where() -> None:
    with pytest.raises(TrainingError, match="loss became nan in epoch 1, batch 1"):
        fit(network(), Line(poison=True), PLAN, CPU)


def test_a_saved_state_of_another_run_is_refused(tmp_path: Path) -> None:
    fit(network(), Line(), PLAN, CPU, state_dir=tmp_path)
    with pytest.raises(TrainingError, match="another run"):
        fit(network(seed=1), Line(), PLAN, CPU, state_dir=tmp_path)


def test_contradictory_settings_are_refused() -> None:
    with pytest.raises(InputError, match="epochs"):
        Optimization(0, 0.1, 0.0)
    with pytest.raises(InputError, match="ema_decay"):
        Optimization(1, 0.1, 0.0, ema_decay=1.0)
