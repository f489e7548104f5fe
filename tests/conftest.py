"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

import os
from pathlib import Path

# Two test processes on two cores: one thread each, none of them spinning. Read when torch is first imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from releaf.taxonomy import Taxonomy, load_taxonomy

# A loaded machine is no failure, and a run must find what the run before it found.
hypothesis_settings.register_profile(
    "repeatable", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("repeatable")

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
