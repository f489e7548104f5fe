"""A sparse mixture of experts in the place of each feed-forward layer: its model, its balance, the load of its experts.

The model is transformers' Mixtral (Jiang et al. 2024): a router sends each token to the `active` of `count` experts
that it scores highest. Training and everything else of a base is the same as for a dense one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from releaf.errors import InputError
from releaf.language.batches import Row, batched
from releaf.language.settings import ATTENTION, ExpertSettings

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel

Load = list[list[float]]
"""For each layer each expert's share of the choices: a layer sums to 1, and 1 / count each is an even load."""


def sparse_model(sizes: Mapping[str, Any], experts: ExpertSettings) -> PreTrainedModel:
    """A Mixtral decoder with fresh weights; `sizes` are the arguments that it shares with Llama's configuration."""
    from transformers import MixtralConfig, MixtralForCausalLM

    # Written out, a loop over experts: the same sums in the same order on every machine.
    plain: dict[str, Any] = {**sizes, "experts_implementation": "eager"}
    config = MixtralConfig(
        **plain,
        num_local_experts=experts.count,
        num_experts_per_tok=experts.active,
        router_aux_loss_coef=experts.balance,
    )
    return MixtralForCausalLM(config)


def is_sparse(model: nn.Module) -> bool:
    """Whether any layer of the model has a router."""
    return bool(_routers(model))


def balance_loss(logits: Tensor, active: int, mask: Tensor | None = None) -> Tensor:
    """N · Σ_i f_i·P_i of one layer, from its router's logits (T, N): Fedus et al. 2021, equations 4 to 6, for top-k.

    f_i is the share of tokens that have expert i among their `active` ones, so that Σ f_i = `active`, and P_i the mean
    of its softmax probability. The least is `active`, where the load is even. Tokens where `mask` (T,) is 0 do not
    count. As transformers' `load_balancing_loss_func` on one layer.
    """
    import torch

    probabilities = logits.float().softmax(-1)
    if mask is not None:
        probabilities = probabilities[mask.bool()]
    chosen = probabilities.topk(active, dim=-1).indices
    count = logits.shape[-1]
    shares = torch.bincount(chosen.flatten(), minlength=count) / len(probabilities)
    return count * (shares * probabilities.mean(0)).sum()


@contextmanager
def routed(model: nn.Module) -> Iterator[list[Tensor]]:
    """Inside the block every pass appends the routers' logits, (B·T, N) a layer, to the list that is given."""
    seen: list[Tensor] = []
    hooks = [router.register_forward_hook(lambda _, __, output: seen.append(output[0])) for router in _routers(model)]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def balance_term(model: nn.Module, logits: Sequence[Tensor], mask: Tensor) -> Tensor:
    """What balancing adds to the loss: α · Σ over layers of `balance_loss`, α being the model's own coefficient.

    `mask` (B, T) is 1 on real tokens. Each layer is balanced by itself: pooled over layers, one layer's idle expert
    could make up for another's.
    """
    import torch

    config: Any = model.config
    flat = mask.flatten().to(logits[0].device)
    losses = [balance_loss(layer, config.num_experts_per_tok, flat) for layer in logits]
    return float(config.router_aux_loss_coef) * torch.stack(losses).sum()


def expert_load(model: nn.Module, rows: Sequence[Row], size: int, *, pad: int) -> Load:
    """Where a model in evaluation mode sends the tokens of `rows`, read `size` at a time.

    Raises `InputError` for a dense model or no rows.
    """
    import torch

    if not rows or not is_sparse(model):
        raise InputError(f"{len(rows)} rows and a {type(model).__name__}: a load needs rows and a model with experts")
    config: Any = model.config
    counts = torch.zeros(config.num_hidden_layers, config.num_local_experts, dtype=torch.long)
    device = next(model.parameters()).device
    for batch in batched(rows, size, pad=pad):
        with torch.no_grad(), routed(model) as logits:
            model(input_ids=batch.ids.to(device), use_cache=False)
        real = batch.mask.flatten().bool().to(device)
        for layer, scores in enumerate(logits):
            chosen = scores[real].topk(config.num_experts_per_tok, dim=-1).indices
            counts[layer] += torch.bincount(chosen.flatten(), minlength=counts.shape[1]).cpu()
    load: Load = (counts.double() / counts.sum(1, keepdim=True)).tolist()
    return load


def busiest_over_mean(load: Load) -> float:
    """The busiest expert's share over the mean share, in the worst layer: 1 is even, count / active the most."""
    return max(max(layer) * len(layer) for layer in load)


def refuse_expert_targets(model: nn.Module, targets: Sequence[str]) -> None:
    """Raise `InputError` where an adapter would go on experts: they are slices of one tensor and no linear layers."""
    wrong = [name for name in targets if name not in ATTENTION]
    if wrong and is_sparse(model):
        raise InputError(
            f"LoRA targets {', '.join(wrong)} lie in the experts of this base, where no adapter can be put; "
            f"set the targets to some of {', '.join(ATTENTION)}"
        )


def _routers(model: nn.Module) -> list[nn.Module]:
    """Routers in the order of the layers. Mixtral's gate is one by its class; the layer around an adapter is none."""
    from transformers.models.mixtral.modeling_mixtral import MixtralTopKRouter

    return [module for module in model.modules() if isinstance(module, MixtralTopKRouter)]
