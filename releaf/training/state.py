"""Everything a killed training run needs to go on, as safetensors and JSON; nothing is pickled."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from releaf.artifacts import read_json, staged_directory, write_json
from releaf.errors import TrainingError


@dataclass
class RunState:
    """Where a run stands after `epoch` whole epochs.

    `tensors` holds groups such as `model`, `best`, `average`, each name → tensor; `scalars` is JSON.
    """

    epoch: int = 0
    tensors: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    scalars: dict[str, Any] = field(default_factory=dict)


def flatten_optimizer(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's per-parameter state as `index.name` → tensor."""
    state = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": torch.as_tensor(value) for index, entry in state.items() for name, value in entry.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, flat: dict[str, Tensor]) -> None:
    """Put back what `flatten_optimizer` gave, each moment laid out in memory as its parameter.

    The fused kernel walks over both side by side, and a file knows but one layout.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in flat.items():
        index, name = key.split(".", 1)
        like = parameters[int(index)]
        moment = value.shape == like.shape and name != "step"
        state.setdefault(int(index), {})[name] = torch.empty_like(like).copy_(value) if moment else value.clone()
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def save_state(directory: Path, state: RunState, fingerprint: str) -> None:
    """Replace the saved state by this one; a kill at any point leaves the old or the new one whole."""
    from safetensors.torch import save_file

    with staged_directory(directory) as staging:
        for group, tensors in state.tensors.items():
            save_file({name: _plain(tensor) for name, tensor in tensors.items()}, staging / f"{group}.safetensors")
        write_json(
            staging / "state.json",
            {
                "epoch": state.epoch,
                "fingerprint": fingerprint,
                "groups": sorted(state.tensors),
                "scalars": state.scalars,
            },
        )
        final = directory / f"epoch-{state.epoch:05d}"
        shutil.rmtree(final, ignore_errors=True)
        os.rename(staging, final)
    for older in directory.glob("epoch-*"):
        if older != final:
            shutil.rmtree(older, ignore_errors=True)


def load_state(directory: Path, fingerprint: str) -> RunState | None:
    """The newest whole state in `directory`, or None when there is none.

    Raises `TrainingError` when it belongs to a run with another model, data or settings.
    """
    from safetensors.torch import load_file

    saved = sorted(directory.glob("epoch-*"))
    if not saved:
        return None
    raw = read_json(saved[-1] / "state.json")
    if raw["fingerprint"] != fingerprint:
        raise TrainingError(
            f"{saved[-1]} belongs to another run (its model or settings differ); delete {directory} to start afresh"
        )
    tensors = {group: load_file(saved[-1] / f"{group}.safetensors") for group in raw["groups"]}
    return RunState(raw["epoch"], tensors, raw["scalars"])


def _plain(tensor: Tensor) -> Tensor:
    # A clone breaks shared storage, which safetensors refuses (tied embeddings).
    return tensor.detach().cpu().contiguous().clone()
