"""`releaf status` and `releaf report`: what stands where, and the page that shows how good it is."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from command.output import out, print_json
from command.session import open_instance, settings
from releaf.errors import InputError


def status(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> None:
    """Show every asset's state, version and gates, and what is released."""
    from releaf_assets.definitions import build_definitions, inspect_assets
    from resources.observing import observe_sources
    from resources.releases import current_release

    effective = settings()
    with open_instance(effective.home) as instance:
        observe_sources(instance, effective.data_dir, effective.home)
        states = inspect_assets(build_definitions(effective), instance, effective.home)
    release = current_release(effective.home)
    if not as_json:
        from command.tables import print_states

        print_states(states, release)
        return
    assets: list[dict[str, Any]] = [
        {
            "key": state.key,
            "state": state.state,
            "reasons": list(state.reasons),
            "data_version": state.data_version,
            "materialized_at": state.materialized_at,
            "checks": [
                {"name": v.name, "passed": v.passed, "value": v.value, "threshold": v.threshold} for v in state.verdicts
            ],
        }
        for state in states.values()
    ]
    print_json({"assets": assets, "release": release})


def report(
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as one JSON document.")] = False,
) -> None:
    """Show where the evaluation report is, open it, or print its figures."""
    from resources.pointers import read_pointer
    from resources.references import load_artifact

    home = settings().home
    if read_pointer(home, "evaluation_report") is None:
        raise InputError(f"no evaluation report in {home} yet; run `releaf run` first")
    artifact = load_artifact(home, "evaluation_report")
    page = artifact.path / "report.html"
    if as_json:
        print_json({"page": str(page), "version": artifact.version, "figures": artifact.read_json("figures.json")})
        return
    out.print(str(page), soft_wrap=True)
    for name, value in artifact.metrics.items():
        out.print(f"  {name:<44} {value:.4g}")
    if open_page:
        typer.launch(str(page))
