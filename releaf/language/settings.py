"""Every setting of the language model, free of torch, so that whoever only configures one need not load it.

Defaults are the local profile: what two CPU cores train in a minute. What the settings mean in code lives beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from releaf.errors import InputError, UnknownNameError

Quantize = Literal["none", "nf4"]

BYTES = 256
SPECIAL_TOKENS = ("<pad>", "<bos>", "<eos>")
"""Ids 0, 1 and 2, in this order."""

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Linear layers of one block, by their names in transformers' Llama."""

ATTENTION = PROJECTIONS[:4]
"""Those of attention: all that a mixture of experts shares with a dense block."""

SECTION = "\n\n### "
"""What opens each part of a prompt but the first; a model that writes it has run on past its answer."""


@dataclass(frozen=True)
class TokenizerSettings:
    """How the vocabulary is learned.

    vocabulary: its size, special tokens and the 256 bytes included; a small corpus may yield fewer.
    minimum_frequency: how often a pair must occur to be merged.
    """

    vocabulary: int = 2000
    minimum_frequency: int = 2

    def __post_init__(self) -> None:
        smallest = BYTES + len(SPECIAL_TOKENS)
        if self.vocabulary < smallest:
            raise InputError(
                f"vocabulary of {self.vocabulary} tokens is too small: {BYTES} bytes and "
                f"{len(SPECIAL_TOKENS)} special tokens need at least {smallest}"
            )
        if self.minimum_frequency < 1:
            raise InputError(f"minimum_frequency {self.minimum_frequency} must be at least 1")


@dataclass(frozen=True)
class ExpertSettings:
    """A sparse mixture of experts in the place of each block's feed-forward layer.

    count: experts of a block; 0 or 1 is a dense block. active: experts that each token is sent to.
    balance: α of the load-balancing loss, 0 leaves the load to itself.
    """

    count: int = 0
    active: int = 2
    balance: float = 0.01

    def __post_init__(self) -> None:
        if self.count < 0 or self.balance < 0:
            raise InputError(f"experts count {self.count} and balance {self.balance} must be at least 0")
        if self.sparse and not 1 <= self.active <= self.count:
            raise InputError(f"{self.active} active experts must be between 1 and the count {self.count}")

    @property
    def sparse(self) -> bool:
        """Whether there is a choice between experts."""
        return self.count > 1


@dataclass(frozen=True)
class DecoderSettings:
    """Shape of a decoder: RMSNorm, RoPE, SwiGLU and grouped-query attention, as in Llama.

    width: size of the residual stream. layers: blocks. heads: query heads, each width / heads wide.
    key_value_heads: heads of keys and values, each shared by heads / key_value_heads query heads.
    feed_forward: inner width of SwiGLU. context: most tokens at once, prompt and answer together.
    rope_base: θ of the rotary embedding. tie_embeddings: one matrix for tokens going in and coming out.
    experts: a sparse mixture, each expert as wide as `feed_forward`; dense by default.
    """

    width: int = 128
    layers: int = 4
    heads: int = 4
    key_value_heads: int = 2
    feed_forward: int = 384
    context: int = 512
    rope_base: float = 10_000.0
    tie_embeddings: bool = False
    experts: ExpertSettings = ExpertSettings()

    def __post_init__(self) -> None:
        for name in ("width", "layers", "heads", "key_value_heads", "feed_forward"):
            if getattr(self, name) < 1:
                raise InputError(f"decoder {name} {getattr(self, name)} must be at least 1")
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise InputError(
                f"width {self.width} must be an even multiple of {self.heads} heads: RoPE turns pairs of channels"
            )
        if self.heads % self.key_value_heads:
            raise InputError(f"{self.heads} heads cannot share {self.key_value_heads} key-value heads evenly")
        if self.context < 2 or self.rope_base <= 1:
            raise InputError(
                f"context {self.context} must be at least 2 (one token to read, one to predict) "
                f"and rope_base {self.rope_base} above 1"
            )


@dataclass(frozen=True)
class BaseSettings:
    """How a base is trained from nothing: AdamW with warm-up and cosine, the best validation epoch kept.

    held_out_share: share of documents kept for validation, by content hash, between 0 and 1.
    window: tokens of one training row, at most the decoder's context. batch_size: rows of one step.
    epochs, learning_rate, weight_decay, warmup_epochs, ema_decay, patience: as for `Optimization`.
    native_bf16: train in bf16 where the CPU computes in it. seed: of weights, order and windows.
    """

    tokenizer: TokenizerSettings = TokenizerSettings()
    decoder: DecoderSettings = DecoderSettings()
    held_out_share: float = 0.1
    window: int = 256
    batch_size: int = 4
    epochs: int = 10
    learning_rate: float = 2e-3
    weight_decay: float = 0.5
    warmup_epochs: float = 3
    ema_decay: float | None = 0.98
    patience: int | None = 2
    native_bf16: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if not 2 <= self.window <= self.decoder.context:
            raise InputError(f"window {self.window} must be between 2 and the decoder's context {self.decoder.context}")
        if self.batch_size < 1 or not 0 < self.held_out_share < 1:
            raise InputError(
                f"batch_size {self.batch_size} must be at least 1 "
                f"and held_out_share {self.held_out_share} between 0 and 1"
            )


@dataclass(frozen=True)
class AdapterSettings:
    """Shape of a LoRA adapter.

    rank: r, inner width of each pair of matrices. alpha: α; the product is scaled by α / r.
    dropout: share of an adapter's inputs dropped while training. targets: projections of every block that get a pair.
    """

    rank: int = 64
    alpha: int = 128
    dropout: float = 0.05
    targets: tuple[str, ...] = PROJECTIONS

    def __post_init__(self) -> None:
        if self.rank < 1 or self.alpha < 1:
            raise InputError(f"LoRA rank {self.rank} and alpha {self.alpha} must be at least 1")
        if not 0 <= self.dropout < 1:
            raise InputError(f"LoRA dropout {self.dropout} must be in [0, 1)")
        if not self.targets or len(set(self.targets)) != len(self.targets):
            raise InputError(f"LoRA targets {self.targets} must name each projection once, and at least one")
        for name in self.targets:
            if name not in PROJECTIONS:
                raise UnknownNameError("projection", name, PROJECTIONS, "LoRA targets")


@dataclass(frozen=True)
class TuningSettings:
    """How an adapter is trained: AdamW with warm-up and cosine, early stopping on the validation instructions.

    batch_size: examples held in memory at once. packing: lay a batch's examples out in as few rows as the context
    holds, instead of one in each row of a batch of alike lengths; worth it where attention skips what is masked (CUDA).
    gradient_checkpointing: compute activations twice instead of keeping them; slower, and needs less memory.
    accumulate: batches of one optimizer step; it, epochs, learning_rate, weight_decay, warmup_epochs and patience are
    as for `Optimization`. native_bf16: train in bf16 where the CPU computes in it. seed: of the adapter's weights and
    the order.
    """

    adapter: AdapterSettings = AdapterSettings()
    batch_size: int = 8
    accumulate: int = 1
    epochs: int = 6
    learning_rate: float = 3e-4
    weight_decay: float = 0.01
    warmup_epochs: float = 1
    patience: int | None = 2
    packing: bool = False
    gradient_checkpointing: bool = False
    native_bf16: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise InputError(f"batch_size {self.batch_size} must be at least 1")


@dataclass(frozen=True)
class GenerationSettings:
    """How an answer is drawn.

    max_new_tokens: longest answer. temperature: divides the logits; 0 takes the likeliest token each time.
    top_p: draw only among the likeliest tokens that together reach this probability, above 0 to 1.
    stop: strings that end the answer and are not part of it. seed: the same seed draws the same answer.
    """

    max_new_tokens: int = 128
    temperature: float = 0.7
    top_p: float = 0.95
    stop: tuple[str, ...] = (SECTION,)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise InputError(f"max_new_tokens {self.max_new_tokens} must be at least 1")
        if self.temperature < 0 or not 0 < self.top_p <= 1:
            raise InputError(f"temperature {self.temperature} must be at least 0 and top_p {self.top_p} in (0, 1]")
        if "" in self.stop:
            raise InputError("a stop string is empty; it would end every answer before it begins")


@dataclass(frozen=True)
class AlignmentSettings:
    """How the tuned adapter is aligned with preferences, and how that is judged.

    algorithm: `ppo` (clipped, with a value head) or `rloo` (leave-one-out baseline, no value head).
    steps: rounds of writing answers and learning from them. prompts_per_step × samples_per_prompt: answers of a round.
    max_new_tokens: longest answer. temperature: divides the logits of policy and tuned model alike, so that what is
    learned, and the drift, are those of answers as they are served. epochs: passes of PPO over a round's answers (RLOO
    makes one). minibatch: answers of one optimizer step. learning_rate: of the adapter, value_learning_rate: of the
    value head. clip: ε of ratio and value. kl_weight: β of the penalty a nat against the tuned model. value_weight,
    entropy_weight: of their terms in the loss. discount: γ. smoothing: λ of generalized advantage estimation.
    kl_limit: nats an answer may drift from the tuned model before training stops. unfinished_penalty: taken from the
    reward, in standard deviations, of an answer that does not come to its end. judge_samples: answers a held-out
    prompt is judged by. seed: of answers, order and value head.
    """

    algorithm: Literal["ppo", "rloo"] = "ppo"
    steps: int = 24
    prompts_per_step: int = 32
    samples_per_prompt: int = 4
    max_new_tokens: int = 64
    temperature: float = 0.7
    epochs: int = 2
    minibatch: int = 32
    learning_rate: float = 1e-4
    value_learning_rate: float = 1e-3
    clip: float = 0.2
    kl_weight: float = 0.02
    value_weight: float = 0.5
    entropy_weight: float = 0.0
    discount: float = 1.0
    smoothing: float = 0.95
    kl_limit: float = 8.0
    unfinished_penalty: float = 1.0
    judge_samples: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        whole = ("steps", "prompts_per_step", "samples_per_prompt", "max_new_tokens", "epochs", "minibatch")
        for name in (*whole, "judge_samples"):
            if getattr(self, name) < 1:
                raise InputError(f"alignment {name} {getattr(self, name)} must be at least 1")
        for name in ("temperature", "learning_rate", "value_learning_rate", "kl_limit"):
            if not getattr(self, name) > 0:
                raise InputError(f"alignment {name} {getattr(self, name)} must be above 0")
        for name in ("kl_weight", "value_weight", "entropy_weight", "unfinished_penalty"):
            if not getattr(self, name) >= 0:
                raise InputError(f"alignment {name} {getattr(self, name)} must be at least 0")
        if not (0 < self.clip < 1 and 0 <= self.discount <= 1 and 0 <= self.smoothing <= 1):
            raise InputError(
                f"alignment clip {self.clip} must be in (0, 1), discount {self.discount} "
                f"and smoothing {self.smoothing} in [0, 1]"
            )
        if self.algorithm == "rloo" and self.samples_per_prompt < 2:
            raise InputError(
                "rloo compares an answer with others to the same prompt; set samples_per_prompt to 2 or more"
            )


@dataclass(frozen=True)
class LanguageSettings:
    """The language model: where its base comes from, and how base, adapter and answers are made.

    source: `scratch` trains the base of `base`; `path:<directory>` or `hub:<owner>/<name>` opens one that exists.
    quantize: `nf4` holds a base that exists in 4 bits under the adapter, on CUDA alone; `none` holds it as it is.
    """

    source: str = "scratch"
    quantize: Quantize = "none"
    base: BaseSettings = BaseSettings()
    tuning: TuningSettings = TuningSettings()
    generation: GenerationSettings = GenerationSettings()

    def __post_init__(self) -> None:
        kind, _, name = self.source.partition(":")
        if self.source != "scratch" and (kind not in ("path", "hub") or not name):
            raise InputError(
                f"language source {self.source!r} is none of scratch, path:<directory> and hub:<owner>/<name>"
            )
        targets = self.tuning.adapter.targets
        if self.source == "scratch" and self.base.decoder.experts.sparse and not set(targets) <= set(ATTENTION):
            raise InputError(
                f"LoRA targets {', '.join(targets)} with {self.base.decoder.experts.count} experts: the adapter of a "
                f"mixture goes on attention; set tuning.adapter.targets to some of {', '.join(ATTENTION)}"
            )
        if self.quantize not in get_args(Quantize):
            raise InputError(f"quantize {self.quantize!r} is none of {', '.join(get_args(Quantize))}")
        if self.quantize != "none" and self.source == "scratch":
            raise InputError(
                f"quantize {self.quantize!r} is for a base that exists; set source to path:<directory> or "
                "hub:<owner>/<name>, or quantize to none"
            )
