"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from releaf.taxonomy import Taxonomy, load_taxonomy

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    """The authored taxonomy."""
    return load_taxonomy(ROOT / "data" / "taxonomy.yaml")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real collections kept outside the project; tests that need them are skipped where they are absent."""
    folder = Path(os.environ.get("SHARED_DATA_DIR", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real collections at {folder}; set SHARED_DATA_DIR to run this")
    return folder
