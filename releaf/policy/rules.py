"""Which bin a policy sends an object to, and why. Pure functions: same policy and labels, same decision.

The models' outputs come in as labels and are never changed; reading policy files belongs to `schema`.
"""

from __future__ import annotations

from dataclasses import dataclass

from releaf.policy.model import Mode, Notice, Policy, Rule
from releaf.taxonomy import Taxonomy


@dataclass(frozen=True)
class Decision:
    """The bin for one object under one policy.

    `rule_id`, `reason` and `source` (spelled out for a reader) are None where no rule fitted and the model's bin
    stands. `stream` is the bin's local name, None where the policy gives the bin no name or several.
    """

    bin: str
    stream: str | None = None
    rule_id: str | None = None
    reason: str | None = None
    source: str | None = None
    warnings: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class Change:
    """An item of one material that two policies treat differently."""

    item: str
    material: str
    before: Decision
    after: Decision


def decide(policy: Policy, item: str | None, material: str | None, model_bin: str) -> Decision:
    """Apply a policy to what the models saw.

    `item` and `material` are taxonomy ids, None where unknown; `model_bin` is the bin that the model chose. The most
    specific fitting rule decides (item with material, then item, then material); a validated policy has no two
    fitting rules of one rank, so the order of rules does not matter. Mode `unrestricted` returns the model's bin.
    """
    if policy.mode is Mode.UNRESTRICTED:
        return Decision(model_bin)
    warnings = tuple(notice for notice in policy.warnings if notice.match.fits(item, material))
    rule = _most_specific(policy, item, material)
    if rule is None:
        return Decision(model_bin, _only_stream(policy, model_bin), warnings=warnings)
    return Decision(
        bin=rule.bin,
        stream=rule.stream or _only_stream(policy, rule.bin),
        rule_id=rule.id,
        reason=rule.reason,
        source=policy.cite(rule.source),
        warnings=warnings,
    )


def audit_record(
    policy: Policy, item: str | None, material: str | None, model_bin: str, decision: Decision
) -> dict[str, str | bool | list[str] | None]:
    """One JSON-able line of the audit log: which rule of which policy version turned which bin into which."""
    return {
        "policy": policy.id,
        "version": policy.version,
        "item": item,
        "material": material,
        "model_bin": model_bin,
        "bin": decision.bin,
        "changed": decision.bin != model_bin,
        "rule": decision.rule_id,
        "warnings": [notice.id for notice in decision.warnings],
    }


def compare(before: Policy, after: Policy, taxonomy: Taxonomy) -> tuple[Change, ...]:
    """Every item and material of the taxonomy whose bin or stream differs between two policies.

    The taxonomy's own bin stands in for the model's, so that what neither policy rules on shows no change of bin.
    """
    changes = []
    for item in taxonomy.items:
        for material in item.materials:
            old = decide(before, item.id, material, item.bin)
            new = decide(after, item.id, material, item.bin)
            if (old.bin, old.stream) != (new.bin, new.stream):
                changes.append(Change(item.id, material, old, new))
    return tuple(changes)


def _most_specific(policy: Policy, item: str | None, material: str | None) -> Rule | None:
    fitting = [rule for rule in policy.rules if rule.match.fits(item, material)]
    return max(fitting, key=lambda rule: rule.match.specificity, default=None)


def _only_stream(policy: Policy, name: str) -> str | None:
    streams = [stream.name for stream in policy.streams if stream.bin == name]
    return streams[0] if len(streams) == 1 else None
