"""Disposal policies: what each jurisdiction asks for, apart from every weight."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact
from releaf_assets.results import artifact_result, markdown_table
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.settings import Settings


@dg.asset(**stage("datasets", code="1", kinds={"json"}, deps=["taxonomy_file", "policy_files"]))
def disposal_policies(settings: dg.ResourceParam[Settings], store: ArtifactStore) -> dg.MaterializeResult[Artifact]:
    """Policies that fit the published schema and the taxonomy, as they are served; no model depends on them."""
    from releaf.artifacts import atomic_write_bytes, write_json
    from releaf.policy.schema import load_policies
    from releaf.taxonomy import load_taxonomy

    folder = settings.data_dir / "policies"
    policies, rejected = load_policies(folder, load_taxonomy(settings.data_dir / "taxonomy.yaml"))

    def write(directory: Path) -> dict[str, float]:
        for policy in policies:
            atomic_write_bytes(directory / f"{policy.id}.json", (folder / f"{policy.id}.json").read_bytes())
        read = len(policies) + len(rejected)
        write_json(directory / "quarantine.json", [list(row) for row in rejected])
        return {"policies": len(policies), "lost_share": len(rejected) / read if read else 1.0}

    artifact = store.publish("disposal_policies", write, code_version="1", inputs={})
    rows = [{"id": p.id, "version": p.version, "effective": str(p.effective), "rules": len(p.rules)} for p in policies]
    problems = [{"file": file, "line": line, "reason": reason} for file, line, reason, _ in rejected]
    return artifact_result(
        artifact,
        headline=f"{len(policies)} jurisdictions, {sum(len(p.rules) for p in policies)} rules",
        metadata={
            "policies_table": dg.MetadataValue.md(markdown_table(rows)),
            "quarantine": dg.MetadataValue.md(markdown_table(problems)),
        },
    )
