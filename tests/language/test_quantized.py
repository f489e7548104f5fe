from __future__ import annotations

from pathlib import Path

import pytest
import torch

from releaf.errors import HardwareError, InputError
from releaf.language import quantized
from releaf.language.decoder import open_base
from releaf.language.quantized import nf4, quantization
from releaf.language.settings import LanguageSettings
from releaf.training.device import Device, Hardware

CUDA = Hardware("cuda", "bf16", memory_bytes=2**34, threads=1)


def test_nothing_is_asked_of_a_base_that_is_held_as_it_is(hardware: Hardware) -> None:
    assert quantization("none", hardware) is None


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_nf4_is_refused_where_there_is_no_cuda_with_what_to_set(device: Device) -> None:
    with pytest.raises(HardwareError, match=rf"computes on {device}; set RELEAF_LANGUAGE__QUANTIZE=none"):
        quantization("nf4", Hardware(device, "fp16", memory_bytes=2**30, threads=1))


def test_a_base_is_not_opened_before_nf4_is_refused(base_directory: Path, hardware: Hardware) -> None:
    with pytest.raises(HardwareError, match="needs CUDA"):
        open_base(f"path:{base_directory}", hardware, quantize="nf4")


def test_nf4_without_bitsandbytes_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantized, "find_spec", lambda name: None)
    with pytest.raises(HardwareError, match="extra `cuda`"):
        quantization("nf4", CUDA)


def test_nf4_is_asked_of_bitsandbytes_with_double_quantization_and_the_run_s_precision() -> None:
    config = nf4(CUDA)

    assert config.load_in_4bit
    assert config.bnb_4bit_quant_type == "nf4"
    assert config.bnb_4bit_use_double_quant
    assert config.bnb_4bit_compute_dtype == torch.bfloat16


def test_a_base_from_scratch_cannot_be_held_in_nf4() -> None:
    with pytest.raises(InputError, match="for a base that exists"):
        LanguageSettings(quantize="nf4")
    assert LanguageSettings(source="hub:owner/name", quantize="nf4").quantize == "nf4"


def test_an_unknown_way_to_hold_a_base_is_refused() -> None:
    with pytest.raises(InputError, match="'int8' is none of none, nf4"):
        LanguageSettings(quantize="int8")  # type: ignore[arg-type]
