"""Training the models that are to be compared, each alone: in this process, or several at once in their own.

Which models they are and what decides between them is `choice`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from releaf.graph.settings import GraphSettings
from releaf.graph.splits import EdgeSplit
from releaf.processes import in_processes, may_start_processes
from releaf.training.device import Hardware

# Of a training on one core, for an epoch and a message along an edge.
_SECONDS_PER_MESSAGE = 6e-6
# A new process imports torch and torch_geometric for 3 to 6 seconds before it is of use.
_WORTH_PROCESSES = 15.0
_PROCESS_BYTES = 1 << 30


@dataclass(frozen=True, eq=False)
class Candidate:
    """One training: features (N, D), split and settings, and the nodes whose attention an attention model tells."""

    features: npt.NDArray[np.float32]
    split: EdgeSplit
    settings: GraphSettings
    hardware: Hardware
    node_ids: tuple[str, ...]
    shown: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class TrainedCandidate:
    """Embeddings z (N, output) under the message edges, best validation AUC, and a row for each attention shown.

    `attention` is empty for models that have none.
    """

    z: npt.NDArray[np.float32]
    auc: float
    attention: list[dict[str, Any]]


def train_candidate(candidate: Candidate) -> TrainedCandidate:
    """Train one candidate in this process; the same in any process."""
    from releaf.graph.link_prediction import LinkTask, train_links

    trained = train_links(candidate.features, candidate.split, candidate.settings, candidate.hardware)
    auc = trained.history.epochs[trained.history.best_epoch - 1][LinkTask.monitor]
    return TrainedCandidate(trained.z, float(auc), _attention(trained.model.encoder, candidate))


def _attention(encoder: Any, candidate: Candidate) -> list[dict[str, Any]]:
    import torch

    from releaf.graph.gat import GraphAttention, attention_table
    from releaf.graph.link_prediction import one_thread

    if not isinstance(encoder, GraphAttention):
        return []
    device = next(encoder.parameters()).device
    arrays = candidate.features, candidate.split.message
    with one_thread():
        read = encoder.attention(*(torch.from_numpy(array).to(device) for array in arrays))
    return attention_table(read, candidate.node_ids, candidate.shown).to_dicts()


def train_candidates(
    candidates: Sequence[Candidate], *, processes: int | None = None
) -> AbstractContextManager[Iterator[tuple[int, TrainedCandidate]]]:
    """Within it the candidates are trained; gives (place, trained) as they finish, in whatever order.

    `processes` at a time, this one among them, each with one thread; None takes one a processor where that saves time,
    else this one alone. Results do not depend on it.
    """
    count = _processes(candidates) if processes is None else processes
    if count > 1:
        return in_processes(train_candidate, candidates, count)
    return nullcontext((place, train_candidate(one)) for place, one in enumerate(candidates))


def _processes(candidates: Sequence[Candidate]) -> int:
    """How many trainings at a time are worth their processes, and have processors and memory.

    No more than torch would take threads: where other work has a share of the processors, `OMP_NUM_THREADS` says so.
    """
    import torch

    hardware = candidates[0].hardware
    seconds = _SECONDS_PER_MESSAGE * sum(one.settings.epochs * one.split.message.shape[1] for one in candidates)
    if hardware.device != "cpu" or seconds < _WORTH_PROCESSES or not may_start_processes():
        return 1
    free = min(hardware.threads, torch.get_num_threads())
    return min(free, len(candidates), hardware.memory_bytes // _PROCESS_BYTES)
