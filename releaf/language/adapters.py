"""LoRA adapters: attach one to a base, count it, merge it, switch it off, save it, load it.

W = W₀ + (α/r)·B·A with A Kaiming-uniform and B zero (Hu et al. 2022, section 4.1), through PEFT.
Training lives in `tuning`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from releaf.artifacts import read_json, storage_errors, write_json
from releaf.errors import ArtifactError, InputError
from releaf.language.decoder import Base, geometry_of
from releaf.language.experts import refuse_expert_targets
from releaf.language.settings import AdapterSettings
from releaf.language.tokenizer import tokenizer_fingerprint

if TYPE_CHECKING:
    from peft import LoraConfig, PeftModel

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
BASE = "base.json"


def attach(base: Base, settings: AdapterSettings, *, seed: int) -> PeftModel:
    """Put a fresh adapter on the base; only the adapter learns, and at first it changes no output since B is zero.

    The base's own modules are wrapped in place: use `without_adapter` to see the base again. Raises `InputError` for a
    rank above the base's width, a base that already carries an adapter, or targets within a base's experts.
    """
    import torch
    from peft import get_peft_model

    _refuse_second(base)
    refuse_expert_targets(base.model, settings.targets)
    width = geometry_of(base.model).width
    if settings.rank > width:
        raise InputError(f"LoRA rank {settings.rank} is above the base's width {width}; it could not lower any rank")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        with without_deprecation():
            model: PeftModel = get_peft_model(base.model, lora_config(settings))
    model.train(False)
    return model


def lora_config(settings: AdapterSettings) -> LoraConfig:
    """The adapter's shape as PEFT is told."""
    from peft import LoraConfig

    return LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(settings.targets),
        bias="none",
        task_type="CAUSAL_LM",
    )


@contextmanager
def without_adapter(model: PeftModel) -> Iterator[PeftModel]:
    """Switch the adapter off inside the block, so that the model computes what its base does."""
    with model.disable_adapter():
        yield model


@contextmanager
def merged(model: PeftModel) -> Iterator[PeftModel]:
    """Inside the block the adapter is added into the base's weights, W = W₀ + (α/r)·B·A, and taken out again after it.

    Merged it answers with one product a projection instead of three. Taking it out leaves rounding of the last bit in
    the weights, so a base that is to be fingerprinted again is opened again.
    """
    model.merge_adapter()
    try:
        yield model
    finally:
        model.unmerge_adapter()


def save_adapter(model: PeftModel, base: Base, directory: Path) -> None:
    """Write the adapter in PEFT's format, and which base it belongs to."""
    with storage_errors(directory):
        model.peft_config["default"].base_model_name_or_path = ""  # a path of the machine that trained it helps nobody
        model.save_pretrained(str(directory), save_embedding_layers=False)
        (directory / "README.md").unlink(missing_ok=True)  # PEFT's model card, an empty form
        # PEFT writes a set, whose order is another in each process; equal adapters have equal bytes.
        config = read_json(directory / CONFIG)
        write_json(directory / CONFIG, config | {"target_modules": sorted(config["target_modules"])})
    owner = {"fingerprint": base.fingerprint, "tokenizer": tokenizer_fingerprint(base.tokenizer)}
    write_json(directory / BASE, owner)


def load_adapter(base: Base, directory: Path) -> PeftModel:
    """Put a saved adapter on the base it was trained on, ready to answer (nothing learns).

    Raises `ArtifactError` when a file is missing or the adapter belongs to another base or another tokenizer.
    """
    from peft import PeftModel

    _refuse_second(base)
    for name in (WEIGHTS, CONFIG):
        if not (directory / name).is_file():
            raise ArtifactError(f"{directory / name} is missing; {directory} holds no adapter")
    owner = read_json(directory / BASE)
    ours = {"tokenizer": tokenizer_fingerprint(base.tokenizer), "fingerprint": base.fingerprint}
    for name, what in (("tokenizer", "tokenizer"), ("fingerprint", "base")):
        theirs = str(owner.get(name))
        if theirs != ours[name]:
            raise ArtifactError(
                f"adapter {directory} belongs to the {what} {theirs[:12]}…, not to {ours[name][:12]}…; "
                "open its base or fine-tune again"
            )
    with without_deprecation():
        model: PeftModel = PeftModel.from_pretrained(base.model, str(directory), is_trainable=False)
    model.train(False)
    return model


@contextmanager
def without_deprecation() -> Iterator[None]:
    """Within it PEFT warns of nothing that a caller could change: 0.21 asks a transformers 5 model by an old name."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)
        yield


def _refuse_second(base: Base) -> None:
    if any(".lora_" in name for name, _ in base.model.named_parameters()):
        raise InputError("this base already carries an adapter; open the base anew for another one")
