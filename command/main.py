"""The `releaf` command: puts the verbs together and turns an error into one clear message."""

from __future__ import annotations

import os
import sys
import warnings

import typer

from command import answer, ask, classify, evaluate, imports, plan, query, recommend, run, status, ui
from command.output import err
from releaf.errors import GateError, ReleafError

app = typer.Typer(
    name="releaf",
    help="A sustainability assistant's models as software-defined assets: from data to a gated release.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(run.run)
app.command()(status.status)
app.command()(status.report)
app.add_typer(imports.app, name="import")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(plan.app, name="plan")
app.command()(answer.ask)
app.command()(ask.search)
app.command()(classify.classify)
app.command()(recommend.recommend)
app.command()(query.query)
app.command()(ui.ui)


def main() -> None:
    """Run the command; exit 1 where the work failed or a gate did, 2 where what was asked for cannot be."""
    # Progress of downloads and tokenizers' warnings about forks belong to no user of this command.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Threads that spin while they wait made a training step three times slower where other work shares the cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    # torch_geometric compiles helpers with what torch now calls deprecated; nobody here can do anything about it.
    warnings.filterwarnings("ignore", message=".*torch.jit.script.*", category=FutureWarning)
    try:
        app()
    except ReleafError as error:
        err.print(f"[bold red]error:[/] {_escape(str(error))}", soft_wrap=True)
        sys.exit(1 if isinstance(error, GateError) else 2)
    except BrokenPipeError:
        sys.exit(141)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
