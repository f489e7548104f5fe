"""`releaf ui`: the Dagster UI on this home."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from command.output import err
from command.session import prepare_home, settings
from resources.settings import PROJECT_ROOT, Settings


def ui(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 3000,
) -> None:
    """Start the Dagster UI and its daemon, until interrupted."""
    effective = settings()
    prepare_home(effective.home)
    err.print(f"Dagster UI on http://{host}:{port} (home {effective.home}); press Ctrl-C to stop")
    command, environment = ui_process(effective, host, port)
    os.chdir(effective.home)
    # In this process's place: whoever ends it ends the UI, and no daemon is left behind.
    os.execve(command[0], command, environment)


def ui_process(effective: Settings, host: str, port: int) -> tuple[list[str], dict[str, str]]:
    """Command and environment of the UI; it is started in the home, so that paths in its environment are absolute."""
    workspace = str(PROJECT_ROOT / "workspace.yaml")
    command = [sys.executable, "-m", "dagster", "dev", "-w", workspace, "--host", host, "--port", str(port)]
    paths = {"RELEAF_HOME": str(effective.home), "RELEAF_DATA_DIR": str(effective.data_dir)}
    return command, os.environ | paths
