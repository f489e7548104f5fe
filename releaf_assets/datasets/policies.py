"""Disposal policies: what each jurisdiction asks for, apart from every weight."""

from pathlib import Path

import dagster as dg

from releaf.artifacts import Artifact
from releaf.policy.model import Policy
from releaf.policy.schema import Rejected, load_policies
from releaf.taxonomy import Taxonomy
from releaf_assets.results import artifact_result, markdown_table
from releaf_assets.stage import stage
from resources.artifacts import ArtifactStore
from resources.settings import Settings
from resources.sources import imports_root


@dg.asset(**stage("datasets", code="2", kinds={"json"}, deps=["taxonomy_file", "policy_files", "imported_policies"]))
def disposal_policies(settings: dg.ResourceParam[Settings], store: ArtifactStore) -> dg.MaterializeResult[Artifact]:
    """Policies, authored and imported, that fit the published schema and the taxonomy; no model depends on them."""
    from releaf.artifacts import atomic_write_bytes, write_json
    from releaf.taxonomy import load_taxonomy

    taxonomy = load_taxonomy(settings.data_dir / "taxonomy.yaml")
    imports = imports_root(settings.home) / "policies"
    policies, rejected = _load(settings.data_dir / "policies", imports, taxonomy)

    def write(directory: Path) -> dict[str, float]:
        for file in policies:
            atomic_write_bytes(directory / file.name, file.read_bytes())
        read = len(policies) + len(rejected)
        write_json(directory / "quarantine.json", [list(row) for row in rejected])
        return {"policies": len(policies), "lost_share": len(rejected) / read if read else 1.0}

    artifact = store.publish("disposal_policies", write, code_version="1", inputs={})
    rows = [
        {
            "id": policy.id,
            "version": policy.version,
            "effective": str(policy.effective),
            "rules": len(policy.rules),
            "origin": "imported" if file.parent == imports else "authored",
        }
        for file, policy in policies.items()
    ]
    problems = [{"file": file, "line": line, "reason": reason} for file, line, reason, _ in rejected]
    return artifact_result(
        artifact,
        headline=f"{len(policies)} jurisdictions, {sum(len(policy.rules) for policy in policies.values())} rules",
        metadata={
            "policies_table": dg.MetadataValue.md(markdown_table(rows)),
            "quarantine": dg.MetadataValue.md(markdown_table(problems)),
        },
    )


def _load(authored: Path, imports: Path, taxonomy: Taxonomy) -> tuple[dict[Path, Policy], list[Rejected]]:
    """The policies of both folders by file, and what was rejected; an authored policy keeps its id to itself."""
    found, rejected = load_policies(authored, taxonomy)
    policies = {authored / f"{policy.id}.json": policy for policy in found}
    more, refused = load_policies(imports, taxonomy) if imports.is_dir() else ((), ())
    twins = []
    for policy in more:
        file = imports / f"{policy.id}.json"
        if (authored / file.name).exists():
            reason = f"an authored policy has the id {policy.id!r}; import the table for another jurisdiction id"
            twins.append(Rejected(str(file), None, reason, policy.id))
        else:
            policies[file] = policy
    return policies, [*rejected, *refused, *twins]
