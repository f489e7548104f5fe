"""A frozen base in 4-bit NF4 under LoRA (QLoRA, Dettmers et al. 2023): how it is asked for, and where it is refused.

Opening the base is `decoder`'s business; what NF4 saves is counted in `planning`.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from releaf.errors import HardwareError

if TYPE_CHECKING:
    from transformers import BitsAndBytesConfig

    from releaf.language.settings import Quantize
    from releaf.training.device import Hardware

SETTING = "RELEAF_LANGUAGE__QUANTIZE"


def quantization(quantize: Quantize, hardware: Hardware | None) -> BitsAndBytesConfig | None:
    """What transformers is told to load the base with; None where it is loaded as it is.

    Raises `HardwareError`, saying what to set, where the device holds no 4-bit base or bitsandbytes is missing.
    """
    if quantize == "none":
        return None
    device = hardware.device if hardware else "cpu"
    if hardware is None or not hardware.four_bit:
        raise HardwareError(
            f"a base in NF4 needs CUDA, and this run computes on {device}; set {SETTING}=none, or RELEAF_DEVICE=cuda "
            "on a machine that has it"
        )
    if find_spec("bitsandbytes") is None:
        raise HardwareError(
            f"a base in NF4 needs bitsandbytes, which is not installed; install the extra `cuda`, or set {SETTING}=none"
        )
    return nf4(hardware)


def nf4(hardware: Hardware) -> BitsAndBytesConfig:
    """NF4 with double quantization; products are computed in the precision of `hardware`."""
    import torch
    from transformers import BitsAndBytesConfig

    computed = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[hardware.precision]
    config: Any = BitsAndBytesConfig
    asked: BitsAndBytesConfig = config(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=computed,
    )
    return asked
