"""A disposal policy put together from plain rows, such as those that a municipal table was read into.

Where the rows come from is not known here; what a policy may say is checked by `schema`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from releaf.errors import InputError
from releaf.policy.schema import parse_policy
from releaf.taxonomy import Taxonomy


def policy_from_rows(
    *,
    policy_id: str,
    name: str,
    version: str,
    effective: date,
    source: Mapping[str, str | None],
    streams: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    taxonomy: Taxonomy,
) -> dict[str, Any]:
    """The JSON of a policy in mode `rules`, in the published schema.

    `source` has the keys of the schema's sources (None is left out), `streams` gives each stream's bin, and each row
    the keys item, material (one of them may be None), stream, bin, reason and place. Raises `InputError` naming the
    policy and the place in it, for rows that contradict each other, unknown names, and where there are no rows.
    """
    if not rows:
        raise InputError(f"no rule for policy {policy_id!r}; a policy of mode 'rules' has at least one")
    raw: dict[str, Any] = {
        "id": policy_id,
        "name": name,
        "version": version,
        "effective": effective.isoformat(),
        "mode": "rules",
        "sources": [{key: value for key, value in source.items() if value is not None}],
        "streams": [{"name": stream, "bin": bin_id} for stream, bin_id in streams.items()],
        "rules": [_rule(row, str(source["id"])) for row in rows],
        "warnings": [],
        "refusals": [],
    }
    parse_policy(raw, taxonomy, f"policy {policy_id}")
    return raw


def _rule(row: Mapping[str, Any], source: str) -> dict[str, Any]:
    parts = [row[key] for key in ("item", "material") if row[key] is not None]
    if row["item"] is None:
        parts.insert(0, "other")  # as in authored policies: what no rule on an item covers
    match = {key: [row[name]] for key, name in (("items", "item"), ("materials", "material")) if row[name] is not None}
    return {
        "id": re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-"),
        "match": match,
        "bin": row["bin"],
        "stream": row["stream"],
        "reason": row["reason"],
        "source": f"{source}#{row['place']}" if row["place"] else source,
    }
