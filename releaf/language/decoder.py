"""The base language model: a small Llama-family decoder from scratch, or an existing checkpoint by source string.

Shape, construction, opening, saving and identity of a base. How it is trained and adapted lives beside this module.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from releaf.artifacts import storage_errors
from releaf.errors import ModelSourceError
from releaf.language.experts import sparse_model
from releaf.language.quantized import quantization
from releaf.language.settings import DecoderSettings, Quantize

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from releaf.training.device import Hardware


@dataclass(frozen=True)
class Geometry:
    """The sizes of a Llama-family decoder that decide the shape of its weight matrices."""

    width: int
    feed_forward: int
    layers: int
    heads: int
    key_value_heads: int
    head_width: int

    @property
    def projections(self) -> dict[str, tuple[int, int]]:
        """(outputs d, inputs k) of each linear projection in one block, by its name in transformers."""
        queries, keys = self.heads * self.head_width, self.key_value_heads * self.head_width
        return {
            "q_proj": (queries, self.width),
            "k_proj": (keys, self.width),
            "v_proj": (keys, self.width),
            "o_proj": (self.width, queries),
            "gate_proj": (self.feed_forward, self.width),
            "up_proj": (self.feed_forward, self.width),
            "down_proj": (self.width, self.feed_forward),
        }


LLAMA_3_8B = Geometry(width=4096, feed_forward=14336, layers=32, heads=32, key_value_heads=8, head_width=128)
"""`config.json` of meta-llama/Meta-Llama-3-8B-Instruct."""


@dataclass(frozen=True)
class Base:
    """A base model in evaluation mode with its tokenizer.

    `fingerprint` identifies the weights and the vocabulary: an adapter remembers it and fits no other base.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    fingerprint: str

    @property
    def context(self) -> int:
        """Most tokens the model reads at once."""
        return int(self.model.config.max_position_embeddings)


def build_decoder(settings: DecoderSettings, tokenizer: PreTrainedTokenizerFast, *, seed: int) -> PreTrainedModel:
    """A decoder with random weights for the tokenizer's vocabulary; the same seed gives the same weights.

    It is transformers' Llama, or its Mixtral where the settings ask for experts.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": settings.width,
        "intermediate_size": settings.feed_forward,
        "num_hidden_layers": settings.layers,
        "num_attention_heads": settings.heads,
        "num_key_value_heads": settings.key_value_heads,
        "max_position_embeddings": settings.context,
        "rope_parameters": {"rope_type": "default", "rope_theta": settings.rope_base},
        "tie_word_embeddings": settings.tie_embeddings,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = (
            sparse_model(sizes, settings.experts) if settings.experts.sparse else LlamaForCausalLM(LlamaConfig(**sizes))
        )
    model.train(False)
    return model


def as_base(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> Base:
    """Put a model and its tokenizer together, fingerprinted as they are now."""
    model.train(False)
    return Base(model, tokenizer, fingerprint(model, tokenizer))


def save_base(base: Base, directory: Path) -> None:
    """Write weights (safetensors), configuration and tokenizer; `open_base("path:<directory>")` reads them back."""
    from releaf.language.tokenizer import save_tokenizer

    with storage_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        with without_bars():
            base.model.save_pretrained(str(directory))
    save_tokenizer(base.tokenizer, directory)


def open_base(source: str, hardware: Hardware | None = None, *, quantize: Quantize = "none") -> Base:
    """Open `path:<directory>` or `hub:<owner>/<name>`: a causal language model, weights as safetensors.

    Weights come in the precision of `hardware` and on its device (fp32 on CPU without one). Code that a checkpoint
    carries is never run. Raises `ModelSourceError` that says what to set when the source cannot be opened, and
    `HardwareError` where it is to be held in NF4 and cannot be.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    kind, _, name = source.partition(":")
    if kind not in ("path", "hub") or not name:
        raise ModelSourceError(f"base source {source!r} is neither path:<directory> nor hub:<owner>/<name>")
    local = kind == "path"
    if local and not (Path(name) / "config.json").is_file():
        raise ModelSourceError(
            f"{name} holds no checkpoint (config.json is missing); set the base to a directory that does"
        )
    quantized = quantization(quantize, hardware)
    placed: dict[str, Any] = {} if quantized is None else {"quantization_config": quantized, "device_map": {"": 0}}
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(name, local_files_only=local)
        with without_bars():
            model: Any = AutoModelForCausalLM.from_pretrained(
                name, dtype=_dtype(hardware), use_safetensors=True, local_files_only=local, **placed
            )
    except (OSError, ValueError, SafetensorError) as error:
        advice = (
            "write it again"
            if local
            else "check the name and the network (gated models also need HF_TOKEN), or set the base to "
            "path:<directory> of a copy, or to scratch"
        )
        raise ModelSourceError(f"cannot open base {source}: {_first_line(error)}; {advice}") from error
    if quantized is None:
        model = model.to(hardware.device if hardware else "cpu")
    return as_base(model, tokenizer)


@contextmanager
def without_bars() -> Iterator[None]:
    """Keep transformers' own progress bars off the terminal, which is the caller's."""
    from transformers.utils import logging

    bars: Any = logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            bars.enable_progress_bar()


@contextmanager
def quick_attention(model: PreTrainedModel, hardware: Hardware) -> Iterator[None]:
    """Within it a model that trains in bf16 on a CPU computes attention step by step, and as before afterwards.

    There the backward pass of torch's fused kernel takes a third of a training step; written out it is a quarter faster
    for the lengths that fit a small context, at the price of keeping every score (batch × heads × length²).
    """
    before = model.config._attn_implementation
    slow = hardware.device == "cpu" and hardware.precision == "bf16" and before == "sdpa"
    if slow:
        model.set_attn_implementation("eager")
    try:
        yield
    finally:
        if slow:
            model.set_attn_implementation(before)


def geometry_of(model: nn.Module) -> Geometry:
    """Read the sizes from a built model's configuration."""
    return geometry_of_config(model.config)


def geometry_of_config(config: Any) -> Geometry:
    """Read the sizes from a configuration; raises `AttributeError` for one of another family."""
    heads = config.num_attention_heads
    return Geometry(
        width=config.hidden_size,
        feed_forward=config.intermediate_size,
        layers=config.num_hidden_layers,
        heads=heads,
        key_value_heads=config.num_key_value_heads,
        head_width=getattr(config, "head_dim", None) or config.hidden_size // heads,
    )


def parameter_count(model: nn.Module, *, trainable: bool = False) -> int:
    """How many numbers a model holds, shared matrices once; with `trainable` only those that learn."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad or not trainable)


def fingerprint(model: nn.Module, tokenizer: PreTrainedTokenizerFast) -> str:
    """Hex sha256 over names, types and bytes of the base's weights and over the vocabulary.

    An adapter attached to the model changes nothing: its own weights are left out.
    """
    digest = hashlib.sha256(repr(sorted(tokenizer.get_vocab().items())).encode())
    for name, tensor in sorted(_base_tensors(model).items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(_bytes(tensor))
    return digest.hexdigest()


def _base_tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters under the names they have without an adapter."""
    return {
        name.removeprefix("base_model.model.").replace(".base_layer.", "."): parameter.detach()
        for name, parameter in model.named_parameters()
        if ".lora_" not in name
    }


def _bytes(tensor: torch.Tensor) -> bytes:
    import torch

    return tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def _dtype(hardware: Hardware | None) -> torch.dtype:
    import torch

    precision = hardware.precision if hardware else "fp32"
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
