from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import torch
from peft import PeftModel

from releaf.errors import DataError, InputError
from releaf.language.decoder import Base, fingerprint
from releaf.language.settings import AdapterSettings, TuningSettings
from releaf.language.tuning import InstructionTask, encode_split, pad_id, rows, tune
from releaf.training.device import Hardware

SETTINGS = TuningSettings(
    AdapterSettings(rank=4, alpha=8), batch_size=2, epochs=3, learning_rate=1e-2, warmup_epochs=0, patience=None
)


def weights(model: PeftModel) -> dict[str, torch.Tensor]:
    return {name: parameter.detach() for name, parameter in model.named_parameters() if "lora_" in name}


def same(first: PeftModel, second: PeftModel) -> bool:
    theirs = weights(second)
    return all(torch.equal(tensor, theirs[name]) for name, tensor in weights(first).items())


def test_tuning_lowers_the_validation_loss_and_leaves_the_base_as_it_was(
    base: Base, instructions: pl.DataFrame, hardware: Hardware
) -> None:
    tuned = tune(base, instructions, SETTINGS, hardware)
    losses = [epoch["validation_loss"] for epoch in tuned.history.epochs]

    assert losses[-1] < losses[0]
    assert fingerprint(tuned.model, base.tokenizer) == base.fingerprint


def test_tuning_reports_its_counts_and_a_masked_example(
    base: Base, instructions: pl.DataFrame, hardware: Hardware
) -> None:
    tuned = tune(base, instructions, replace(SETTINGS, epochs=1), hardware)

    assert tuned.counts["training_examples"] == 5
    assert tuned.counts["validation_examples"] == 2
    assert tuned.counts["shortened_prompts"] == 0
    assert tuned.counts["parameters"] > tuned.counts["trainable_parameters"] > 0
    assert tuned.example.endswith("### Response:\n⟦The bottle goes to the recycling bin.<eos>⟧")


def test_tuning_repeats_bit_for_bit(
    open_copy: Callable[[], Base], instructions: pl.DataFrame, hardware: Hardware
) -> None:
    first, second = (tune(open_copy(), instructions, SETTINGS, hardware).model for _ in range(2))

    assert same(first, second)


def test_gradient_checkpointing_changes_memory_only(
    open_copy: Callable[[], Base], instructions: pl.DataFrame, hardware: Hardware
) -> None:
    plain = tune(open_copy(), instructions, replace(SETTINGS, epochs=2), hardware)
    saving = tune(open_copy(), instructions, replace(SETTINGS, epochs=2, gradient_checkpointing=True), hardware)

    for name, tensor in weights(plain.model).items():
        torch.testing.assert_close(tensor, weights(saving.model)[name])


class KilledError(Exception):
    """Stands for a kill after an epoch."""


def test_a_killed_tuning_goes_on_to_the_same_adapter(
    open_copy: Callable[[], Base], instructions: pl.DataFrame, hardware: Hardware, tmp_path: Path
) -> None:
    def kill(done: int, total: int, note: str = "") -> None:
        if done == 1:
            raise KilledError

    with pytest.raises(KilledError):
        tune(open_copy(), instructions, SETTINGS, hardware, state_dir=tmp_path, progress=kill)
    resumed = tune(open_copy(), instructions, SETTINGS, hardware, state_dir=tmp_path)

    assert same(resumed.model, tune(open_copy(), instructions, SETTINGS, hardware).model)


def test_an_epoch_sees_every_example_once_in_an_order_of_its_own(base: Base, instructions: pl.DataFrame) -> None:
    examples = encode_split(base, instructions, "train").examples
    task = InstructionTask(examples, examples, batch_size=2, pad=pad_id(base), seed=0)
    seen = [
        [tuple(row[mask == 1].tolist()) for b in task.batches(e) for row, mask in zip(b.ids, b.mask, strict=True)]
        for e in range(3)
    ]

    assert [sorted(epoch) for epoch in seen] == [sorted(example.ids for example in examples)] * 3
    assert seen[0] != seen[1] or seen[0] != seen[2]
    assert task.steps_per_epoch() == len(list(task.batches(0))) == 3


def test_rows_carry_ids_and_labels(base: Base, instructions: pl.DataFrame) -> None:
    examples = encode_split(base, instructions, "test").examples

    assert rows(examples) == [(example.ids, example.labels) for example in examples]


def test_a_tokenizer_without_a_padding_token_pads_with_its_end_token(base: Base) -> None:
    assert pad_id(base) == 0
    base.tokenizer.pad_token = None

    assert pad_id(base) == base.tokenizer.eos_token_id


def test_an_empty_split_is_refused_by_name(base: Base, instructions: pl.DataFrame, hardware: Hardware) -> None:
    with pytest.raises(DataError, match="no validation split"):
        tune(base, instructions.filter(pl.col("split") == "train"), SETTINGS, hardware)


def test_a_record_without_output_is_refused_before_anything_is_attached(
    base: Base, instructions: pl.DataFrame, hardware: Hardware
) -> None:
    broken = instructions.with_columns(
        pl.when(pl.col("id") == "ins-02").then(pl.lit("")).otherwise("output").alias("output")
    )

    with pytest.raises(InputError, match="ins-02 has no output"):
        tune(base, broken, SETTINGS, hardware)
    assert not any("lora_" in name for name, _ in base.model.named_parameters())


def test_a_record_that_does_not_fit_is_left_out_and_counted(
    base: Base, instructions: pl.DataFrame, hardware: Hardware
) -> None:
    longer = instructions.with_columns(
        pl.when(pl.col("id").is_in(["ins-02", "ins-05"]))
        .then(pl.lit("on and on " * 60))
        .otherwise("output")
        .alias("output")
    )
    tuned = tune(base, longer, replace(SETTINGS, epochs=1), hardware)

    assert (tuned.counts["training_examples"], tuned.counts["validation_examples"]) == (4, 1)
    assert tuned.counts["left_out_too_long"] == 2


def test_a_split_of_which_nothing_fits_is_refused(base: Base, instructions: pl.DataFrame, hardware: Hardware) -> None:
    longer = instructions.with_columns(output=pl.lit("on and on " * 60))

    with pytest.raises(DataError, match="none of the 5 train instructions fits the context of 128 tokens"):
        tune(base, longer, SETTINGS, hardware)


def test_packed_rows_learn_what_padded_ones_do(
    open_copy: Callable[[], Base], instructions: pl.DataFrame, hardware: Hardware
) -> None:
    # One batch holds all examples, so that only its layout differs; without dropout nothing is random.
    settings = TuningSettings(
        AdapterSettings(rank=4, alpha=8, dropout=0.0), batch_size=8, epochs=2, learning_rate=1e-2, native_bf16=False
    )
    padded = tune(open_copy(), instructions, settings, hardware)
    packed = tune(open_copy(), instructions, replace(settings, packing=True), hardware)

    for name, tensor in weights(padded.model).items():
        torch.testing.assert_close(weights(packed.model)[name], tensor, atol=1e-4, rtol=1e-3)


def test_a_packed_epoch_sees_every_token_once(base: Base, instructions: pl.DataFrame) -> None:
    examples = encode_split(base, instructions, "train").examples
    task = InstructionTask(examples, examples, batch_size=3, pad=pad_id(base), seed=0, capacity=128)
    batches = list(task.batches(0))

    assert sum(int(batch.mask.sum()) for batch in batches) == sum(len(example.ids) for example in examples)
    assert [task.samples(batch) for batch in batches] == [3, 2]
    assert len(batches) == task.steps_per_epoch()


KILLED = """
import os, signal, sys
from pathlib import Path
import polars as pl
import torch
from releaf.language import tuning
from releaf.language.decoder import open_base
from tests.language.test_tuning import SETTINGS
from releaf.training.device import Hardware

torch.set_num_threads(1)
losses, real = [], tuning.mean_loss

def counted(model, batch):
    losses.append(real(model, batch))
    if len(losses) == 5:  # in the second of three epochs, after one of its three steps
        os.kill(os.getpid(), signal.SIGKILL)
    return losses[-1]

tuning.mean_loss = counted
base, table, state = sys.argv[1:]
hardware = Hardware("cpu", "fp32", memory_bytes=2**30, threads=1)
tuning.tune(open_base(f"path:{base}"), pl.read_parquet(table), SETTINGS, hardware, state_dir=Path(state))
"""


def test_a_process_killed_within_an_epoch_is_resumed_bit_for_bit(
    open_copy: Callable[[], Base],
    base_directory: Path,
    instructions: pl.DataFrame,
    hardware: Hardware,
    tmp_path: Path,
) -> None:
    table, state = tmp_path / "instructions.parquet", tmp_path / "state"
    instructions.write_parquet(table)
    root = Path(__file__).resolve().parents[2]
    arguments = [sys.executable, "-c", KILLED, str(base_directory), str(table), str(state)]
    killed = subprocess.run(arguments, cwd=root, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [folder.name for folder in state.iterdir()] == ["epoch-00001"]

    resumed = tune(open_copy(), instructions, SETTINGS, hardware, state_dir=state)
    whole = tune(open_copy(), instructions, SETTINGS, hardware)

    assert same(resumed.model, whole.model)
    assert [epoch["loss"] for epoch in resumed.history.epochs] == [epoch["loss"] for epoch in whole.history.epochs]
