"""What an adapter will cost before any of it exists: parameters, memory, and the rank that fits a budget.

Closed forms over the sizes of a base; no weight is read and no torch loaded, except to build the same model without
memory and count it. Training lives in `tuning`, the adapter itself in `adapters`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from releaf.errors import DataError, InputError, ModelSourceError
from releaf.language.adapters import lora_config, without_deprecation
from releaf.language.decoder import LLAMA_3_8B, Geometry, geometry_of_config, parameter_count
from releaf.language.settings import AdapterSettings, DecoderSettings

Held = Literal["fp32", "bf16", "nf4"]
"""How the frozen base is held."""

_BYTES = {"fp32": 4.0, "bf16": 2.0}
# NF4 keeps 4 bits a weight, and for each block of 64 a constant: 8 bits, itself quantized in blocks of 256 with an fp32
# constant (double quantization, Dettmers et al. 2023, section 3: 8/64 + 32/(64·256) = 0.127 bits a weight).
NF4_BITS = 4 + 8 / 64 + 32 / (64 * 256)
GIB = 2**30


@dataclass(frozen=True)
class Shape:
    """A base's sizes: those of its blocks, its vocabulary, and whether one matrix serves tokens going in and out."""

    geometry: Geometry
    vocabulary: int
    tied: bool

    @property
    def projected(self) -> int:
        """Weights of the seven projections of all blocks: what NF4 quantizes."""
        return self.geometry.layers * sum(d * k for d, k in self.geometry.projections.values())

    @property
    def parameters(self) -> int:
        """All weights: projections, two norms a block and one at the end, embedding and output matrix."""
        norms = (2 * self.geometry.layers + 1) * self.geometry.width
        return self.projected + norms + self.vocabulary * self.geometry.width * (1 if self.tied else 2)


LLAMA_3_8B_SHAPE = Shape(LLAMA_3_8B, vocabulary=128_256, tied=False)


@dataclass(frozen=True)
class Load:
    """What one training step reads: `batch` rows of `tokens`, of which `labelled` (0 to 1) carry a label.

    checkpointing: keep only each block's input, and compute the rest of one block at a time again.
    """

    batch: int = 8
    tokens: int = 512
    labelled: float = 1.0
    checkpointing: bool = False

    def __post_init__(self) -> None:
        if self.batch < 1 or self.tokens < 1 or not 0 < self.labelled <= 1:
            raise InputError(
                f"batch {self.batch} and tokens {self.tokens} must be at least 1, labelled {self.labelled} in (0, 1]"
            )


@dataclass(frozen=True)
class Target:
    """One projection: W is `outputs` × `inputs` in each of `layers` blocks; `full` and `trainable` count all blocks."""

    name: str
    outputs: int
    inputs: int
    layers: int
    full: int
    trainable: int


@dataclass(frozen=True)
class Memory:
    """Bytes of a training step: the frozen base, the adapter, its gradients, AdamW's moments, what backward keeps."""

    weights: int
    adapter: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.weights + self.adapter + self.gradients + self.optimizer + self.activations


@dataclass(frozen=True)
class Plan:
    """What an adapter of a rank costs on a base."""

    rank: int
    alpha: int
    held: Held
    targets: tuple[Target, ...]
    base_parameters: int
    memory: Memory

    @property
    def trainable(self) -> int:
        """Parameters that learn: Σ r·(d + k)."""
        return sum(target.trainable for target in self.targets)

    @property
    def reduction(self) -> float:
        """How many times fewer than the targets' own weights: Σ d·k / Σ r·(d + k)."""
        return sum(target.full for target in self.targets) / self.trainable

    def as_json(self) -> dict[str, Any]:
        """The plan as plain JSON values, memory in bytes."""
        return {
            "rank": self.rank,
            "alpha": self.alpha,
            "base_held_in": self.held,
            "base_parameters": self.base_parameters,
            "trainable_parameters": self.trainable,
            "share_of_base": self.trainable / self.base_parameters,
            "reduction_on_targets": self.reduction,
            "targets": [asdict(target) for target in self.targets],
            "memory_bytes": {**asdict(self.memory), "total": self.memory.total},
        }


def shape_of(settings: DecoderSettings, vocabulary: int) -> Shape:
    """The sizes of a decoder that is still to be trained."""
    geometry = Geometry(
        settings.width,
        settings.feed_forward,
        settings.layers,
        settings.heads,
        settings.key_value_heads,
        settings.width // settings.heads,
    )
    return Shape(geometry, vocabulary, settings.tie_embeddings)


def read_shape(source: str) -> Shape:
    """The sizes of `path:<directory>` or `hub:<owner>/<name>`, from its configuration alone.

    Raises `ModelSourceError` that says what to set when there is none, or when it is no decoder of the Llama family.
    """
    from transformers import AutoConfig

    kind, _, name = source.partition(":")
    if kind == "path" and not (Path(name) / "config.json").is_file():
        raise ModelSourceError(f"{name} holds no checkpoint (config.json is missing); give a directory that does")
    try:
        config: Any = AutoConfig.from_pretrained(name, local_files_only=kind == "path")
        geometry = geometry_of_config(config)
    except (OSError, ValueError) as error:
        why = str(error).strip().split("\n", 1)[0]
        raise ModelSourceError(
            f"cannot read the sizes of {source}: {why}; check the name and the network, or give path:<directory> of a "
            "folder with its config.json"
        ) from error
    except AttributeError as error:
        raise ModelSourceError(
            f"{source} is a {config.model_type!r} model, whose projections are not those of the Llama family "
            f"({error}); give a Llama, Mistral or Qwen decoder"
        ) from error
    return Shape(geometry, config.vocab_size, bool(config.tie_word_embeddings))


def plan(shape: Shape, settings: AdapterSettings, load: Load, *, held: Held) -> Plan:
    """Cost of the adapter of `settings` on a base of `shape`.

    r·(d + k) instead of d·k for each target (Hu et al. 2022, section 4.1). The adapter is fp32 whatever the base is
    held in, as PEFT makes it; its gradients are as large, and AdamW keeps two moments of each. Raises `InputError` for
    a rank above the base's width.
    """
    check_rank(shape, settings.rank)
    if held not in get_args(Held):
        raise InputError(f"a base held in {held!r} is not known; choose one of {', '.join(get_args(Held))}")
    geometry = shape.geometry
    targets = tuple(
        Target(name, d, k, geometry.layers, geometry.layers * d * k, geometry.layers * settings.rank * (d + k))
        for name, (d, k) in geometry.projections.items()
        if name in settings.targets
    )
    adapter = 4 * sum(target.trainable for target in targets)
    memory = Memory(_weights(shape, held), adapter, adapter, 2 * adapter, _activations(shape, settings, load, held))
    return Plan(settings.rank, settings.alpha, held, targets, shape.parameters, memory)


def check_rank(shape: Shape, rank: int) -> None:
    """Raises `InputError` for a rank above the base's width, which could not lower any rank."""
    if rank > shape.geometry.width:
        raise InputError(
            f"LoRA rank {rank} is above the base's width {shape.geometry.width}; it could not lower any rank"
        )


def largest_rank(
    shape: Shape,
    settings: AdapterSettings,
    load: Load,
    *,
    held: Held,
    parameters: int | None = None,
    memory_bytes: int | None = None,
) -> Plan:
    """The plan of the largest rank within all budgets that are given; α / r stays what `settings` has.

    Raises `InputError` when not even rank 1 fits, saying what that would need.
    """
    for name, given in (("parameters", parameters), ("memory", memory_bytes)):
        if given is not None and given < 1:
            raise InputError(f"a budget of {given} for {name} is none; give a positive number")

    def planned(rank: int) -> Plan:
        alpha = max(1, round(settings.alpha * rank / settings.rank))
        return plan(shape, replace(settings, rank=rank, alpha=alpha), load, held=held)

    def fits(rank: int) -> bool:
        made = planned(rank)
        return (parameters is None or made.trainable <= parameters) and (
            memory_bytes is None or made.memory.total <= memory_bytes
        )

    if not fits(1):
        least = planned(1)
        raise InputError(
            f"no rank fits {_budgets(parameters, memory_bytes)}: rank 1 on these {len(least.targets)} projections "
            f"needs {least.trainable:,} parameters and {least.memory.total / GIB:.2f} GiB; raise the budget, name "
            "fewer targets, or lower batch and tokens"
        )
    return planned(_largest(fits, shape.geometry.width))


def built_parameters(shape: Shape, settings: AdapterSettings) -> tuple[int, int]:
    """Parameters of the base and of the adapter, counted on a model that PEFT builds without memory (meta device)."""
    import torch
    from peft import get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    geometry = shape.geometry
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=geometry.width,
        intermediate_size=geometry.feed_forward,
        num_hidden_layers=geometry.layers,
        num_attention_heads=geometry.heads,
        num_key_value_heads=geometry.key_value_heads,
        head_dim=geometry.head_width,
        tie_word_embeddings=shape.tied,
    )
    with torch.device("meta"), without_deprecation():
        base = LlamaForCausalLM(config)
        counted = parameter_count(base)
        model = get_peft_model(base, lora_config(settings))
    return counted, parameter_count(model, trainable=True)


def check_counts(shape: Shape, settings: AdapterSettings, made: Plan) -> None:
    """Raises `DataError` where the closed forms of a plan and the built model disagree."""
    built = built_parameters(shape, settings)
    if built != (made.base_parameters, made.trainable):
        raise DataError(
            f"the built model has {built[0]:,} parameters and {built[1]:,} that learn, the plan "
            f"{made.base_parameters:,} and {made.trainable:,}; its blocks are not those of the Llama family"
        )


def _largest(fits: Callable[[int], bool], highest: int) -> int:
    """The largest of 1 … `highest` that fits; 1 does, and what fits falls with the rank."""
    low = 1
    while low < highest:
        middle = (low + highest + 1) // 2
        low, highest = (middle, highest) if fits(middle) else (low, middle - 1)
    return low


def _weights(shape: Shape, held: Held) -> int:
    """NF4 quantizes the projections only; embedding, output matrix and norms stay in bf16 beside it."""
    if held == "nf4":
        return round(shape.projected * NF4_BITS / 8 + (shape.parameters - shape.projected) * _BYTES["bf16"])
    return round(shape.parameters * _BYTES[held])


def _activations(shape: Shape, settings: AdapterSettings, load: Load, held: Held) -> int:
    """What backward keeps, in bytes, counted along one Llama block as Korthikanti et al. 2023 (section 4) do for GPT.

    A token and block, in numbers of the base's precision: the input and the output of both norms (4·width), queries,
    keys, values and what attention gives (2·queries + 2·keys), and four of the feed-forward's width (gate, up, silu of
    gate, and their product). Each target keeps its input with dropout (k, and a mask of as many) and the r numbers
    between its matrices. Attention keeps no scores where it is fused. Once: logits of the labelled tokens, as computed
    and in fp32. With checkpointing a block keeps its input, and one block is whole.
    """
    number = _BYTES["fp32"] if held == "fp32" else _BYTES["bf16"]
    geometry, shapes = shape.geometry, shape.geometry.projections
    queries, keys = shapes["q_proj"][0], shapes["k_proj"][0]
    own = 4 * geometry.width + 2 * queries + 2 * keys + 4 * geometry.feed_forward
    dropped = 2 if settings.dropout else 0
    added = sum(settings.rank + dropped * shapes[name][1] for name in settings.targets)
    block = (own + added) * number
    blocks = block + geometry.layers * geometry.width * number if load.checkpointing else geometry.layers * block
    tokens = load.batch * load.tokens
    return round(tokens * (blocks + load.labelled * shape.vocabulary * (number + 4)))


def _budgets(parameters: int | None, memory_bytes: int | None) -> str:
    parts = [f"{parameters:,} parameters"] if parameters is not None else []
    parts += [f"{memory_bytes / GIB:.2f} GiB"] if memory_bytes is not None else []
    return " and ".join(parts)
