from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_imports_run_one_way_and_subjects_stand_side_by_side(project_root: Path) -> None:
    lint = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run([*lint, "--no-cache"], cwd=project_root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_nothing_is_pickled_anywhere(project_root: Path) -> None:
    packages = ("releaf", "releaf_assets", "resources", "sensors", "command")
    for file in (file for package in packages for file in (project_root / package).rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        assert "import pickle" not in text, file
        assert "torch.load(" not in text, file
        assert "allow_pickle=True" not in text, file


def test_every_file_of_the_house_opens_with_what_belongs_there(project_root: Path) -> None:
    packages = ("releaf", "releaf_assets", "resources", "sensors", "command")
    for file in (file for package in packages for file in (project_root / package).rglob("*.py")):
        assert file.read_text(encoding="utf-8").startswith('"""'), file
