"""`releaf plan`: what a training run will cost, before it runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from command.output import out, print_json, stdout_kept_clean
from command.session import settings
from releaf.errors import InputError

if TYPE_CHECKING:
    from releaf.language.planning import Held, Load, Plan, Shape
    from releaf.language.settings import AdapterSettings
    from resources.settings import Settings

LLAMA = "llama-3-8b"

app = typer.Typer(help="What a training run will cost, before it runs.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.callback()
def _group() -> None:
    """What a training run will cost, before it runs."""


@app.command()
def adapter(
    base: Annotated[str, typer.Option(help=f"local, {LLAMA}, path:<directory> or hub:<owner>/<name>.")] = "local",
    rank: Annotated[int | None, typer.Option(help="Rank of the adapter; the settings' if nothing is said.")] = None,
    budget_parameters: Annotated[int | None, typer.Option(help="Largest rank with at most so many.")] = None,
    budget_memory: Annotated[float | None, typer.Option(help="Largest rank in so many GiB, all in all.")] = None,
    targets: Annotated[str | None, typer.Option(help="Projections, with commas between; all seven by default.")] = None,
    batch: Annotated[int | None, typer.Option(help="Rows of a batch; the settings' by default.")] = None,
    tokens: Annotated[int, typer.Option(help="Tokens of a row.")] = 512,
    held: Annotated[str | None, typer.Option(help="How the base is held: fp32, bf16 or nf4.")] = None,
    checkpointing: Annotated[
        bool, typer.Option("--checkpointing", help="Activations are computed twice instead of kept.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Also build the model without memory, and count its parameters.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Parameters and memory of a LoRA adapter: of a rank, or of the largest rank that fits a budget."""
    from releaf.language.planning import Load, check_counts, largest_rank, plan

    effective = settings()
    tuning = effective.language.tuning
    if rank is not None and (budget_parameters is not None or budget_memory is not None):
        raise InputError("--rank names a rank and a budget looks for one; give either")
    shape = _shape(base, effective)
    wanted = _wanted(tuning.adapter, rank, targets)
    load = Load(tuning.batch_size if batch is None else batch, tokens, checkpointing=checkpointing)
    how = _held(held, base)
    if budget_parameters is None and budget_memory is None:
        made = plan(shape, wanted, load, held=how)
    else:
        memory = None if budget_memory is None else round(budget_memory * 2**30)
        made = largest_rank(shape, wanted, load, held=how, parameters=budget_parameters, memory_bytes=memory)
    if check:
        with stdout_kept_clean():
            check_counts(shape, replace(wanted, rank=made.rank), made)
    if as_json:
        load_json = {"batch": load.batch, "tokens": load.tokens, "checkpointing": load.checkpointing}
        print_json({"base": base, **made.as_json(), **load_json, "checked_on_built_model": check})
    else:
        _show(base, made, load, checked=check)


def _shape(base: str, effective: Settings) -> Shape:
    from releaf.language.planning import LLAMA_3_8B_SHAPE, read_shape, shape_of

    if base == "local":
        scratch = effective.language.base
        return shape_of(scratch.decoder, scratch.tokenizer.vocabulary)
    if base == LLAMA:
        return LLAMA_3_8B_SHAPE
    if base.partition(":")[0] not in ("path", "hub"):
        raise InputError(f"unknown base {base!r}; give local, {LLAMA}, path:<directory> or hub:<owner>/<name>")
    return read_shape(base)


def _wanted(chosen: AdapterSettings, rank: int | None, targets: str | None) -> AdapterSettings:
    """The settings' adapter with what the command line says; α / r stays."""
    names = chosen.targets if targets is None else tuple(name.strip() for name in targets.split(","))
    if rank is None:
        return replace(chosen, targets=names)
    return replace(chosen, targets=names, rank=rank, alpha=max(1, round(chosen.alpha * rank / chosen.rank)))


def _held(given: str | None, base: str) -> Held:
    from typing import get_args

    from releaf.language.planning import Held

    wanted = given or ("fp32" if base == "local" else "bf16")
    for known in get_args(Held):
        if wanted == known:
            held: Held = known
            return held
    raise InputError(f"--held {wanted!r} is none of {', '.join(get_args(Held))}")


def _show(base: str, made: Plan, load: Load, *, checked: bool) -> None:
    out.print(
        f"[bold]rank {made.rank}[/], α {made.alpha} on {base}: {made.trainable:,} parameters learn, "
        f"{made.trainable / made.base_parameters:.2%} of {made.base_parameters:,}"
    )
    shown = Table(box=None, pad_edge=False)
    for heading in ("projection", "d × k", "blocks", "d·k", "r·(d + k)", "share"):
        shown.add_column(heading, header_style="bold", justify="left" if heading == "projection" else "right")
    for target in made.targets:
        sizes = (f"{target.outputs:,} × {target.inputs:,}", str(target.layers), f"{target.full:,}")
        shown.add_row(target.name, *sizes, f"{target.trainable:,}", f"{target.trainable / target.full:.2%}")
    out.print(shown)
    out.print(f"[dim]{made.reduction:.1f} times fewer than these projections hold[/]")
    if checked:
        out.print("[green]the model built without memory has as many[/]")
    memory = made.memory
    parts = {
        f"base in {made.held}": memory.weights,
        "adapter": memory.adapter,
        "gradients": memory.gradients,
        "optimizer": memory.optimizer,
        f"activations of {load.batch} × {load.tokens} tokens": memory.activations,
        "together": memory.total,
    }
    needed = Table(box=None, pad_edge=False, show_header=False)
    for name, size in parts.items():
        needed.add_row(name, f"{size / 2**30:,.3f} GiB")
    out.print(needed)
