"""`releaf plan adapter`: what it says, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from command.main import app
from releaf.errors import InputError, ReleafError


def planned(*arguments: str) -> Any:
    result = CliRunner().invoke(app, ["plan", "adapter", *arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refusal(*arguments: str) -> ReleafError:
    with pytest.raises(ReleafError) as caught:
        CliRunner().invoke(app, ["plan", "adapter", *arguments], catch_exceptions=False)
    return caught.value


def test_the_default_rank_on_llama_3_8b() -> None:
    found = planned("--base", "llama-3-8b")

    assert found["trainable_parameters"] == 167_772_160
    assert found["base_parameters"] == 8_030_261_248
    assert found["memory_bytes"]["weights"] == 2 * 8_030_261_248
    assert sum(target["trainable"] for target in found["targets"]) == 167_772_160


def test_the_local_base_is_counted_on_a_built_model() -> None:
    found = planned("--rank", "8", "--check")

    assert found["checked_on_built_model"]
    assert (found["rank"], found["alpha"]) == (8, 16)


def test_a_budget_finds_the_rank() -> None:
    found = planned("--base", "llama-3-8b", "--budget-parameters", "50000000", "--targets", "q_proj, v_proj")

    # One rank of both is 32·((4096 + 4096) + (1024 + 4096)) = 425,984 parameters.
    assert found["rank"] == 50_000_000 // 425_984
    assert [target["name"] for target in found["targets"]] == ["q_proj", "v_proj"]


def test_a_person_reads_parameters_and_memory() -> None:
    shown = CliRunner().invoke(app, ["plan", "adapter", "--base", "llama-3-8b", "--held", "nf4", "--batch", "1"]).output

    assert "167,772,160 parameters learn, 2.09% of 8,030,261,248" in shown
    assert "base in nf4" in shown
    assert "41.6 times fewer" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rank", "0"), "rank 0"),
        (("--rank", "-2"), "rank -2"),
        (("--base", "llama-3-8b", "--rank", "5000"), "rank 5000 is above the base's width 4096"),
        (("--rank", "4", "--budget-memory", "2"), "give either"),
        (("--budget-parameters", "10"), "no rank fits 10 parameters: rank 1"),
        (("--targets", "q_proj,nope"), "unknown projection 'nope'"),
        (("--base", "gpt"), "unknown base 'gpt'"),
        (("--held", "int8"), "'int8' is none of fp32, bf16, nf4"),
        (("--batch", "0"), "batch 0"),
    ],
)
def test_what_cannot_be_planned_says_why(arguments: tuple[str, ...], message: str) -> None:
    error = refusal(*arguments)

    assert isinstance(error, InputError)
    assert message in str(error)
