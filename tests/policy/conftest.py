"""A small policy that tests bend to their purpose."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def raw() -> dict[str, Any]:
    """Parsed JSON of a valid policy: three rules of three ranks, one warning, one refusal."""
    return {
        "id": "testville",
        "name": "Testville",
        "version": "1.2.3",
        "effective": "2024-07-01",
        "mode": "rules",
        "sources": [{"id": "leaflet", "title": "Leaflet", "publisher": "Town hall", "date": "2024"}],
        "streams": [
            {"name": "Yellow bin", "bin": "recycle"},
            {"name": "Glass bank", "bin": "recycle"},
            {"name": "Grey bin", "bin": "landfill"},
        ],
        "rules": [
            {
                "id": "foam",
                "match": {"materials": ["polystyrene"]},
                "bin": "landfill",
                "reason": "Foam is not sorted.",
                "source": "leaflet",
            },
            {
                "id": "tub",
                "match": {"items": ["plastic_tub"]},
                "bin": "recycle",
                "stream": "Yellow bin",
                "reason": "Tubs are sorted.",
                "source": "leaflet#page 2",
            },
            {
                "id": "foam-tub",
                "match": {"items": ["plastic_tub"], "materials": ["polystyrene"]},
                "bin": "landfill",
                "reason": "Tubs of foam are not.",
                "source": "leaflet#page 3",
            },
        ],
        "warnings": [
            {
                "id": "poles",
                "match": {"items": ["battery"]},
                "message": "Tape the poles.",
                "source": "leaflet",
            }
        ],
        "refusals": [
            {
                "id": "sharps",
                "match": {"keywords": ["syringe", "used needles"]},
                "message": "Take sharps to a pharmacy.",
                "source": "leaflet",
            }
        ],
    }
