"""What is installed without a checkout: the packages, and the migrations inside them."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_a_wheel_carries_the_packages_and_the_migrations(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    migrations = {path.name for path in (ROOT / "alembic" / "versions").glob("*.py")}
    assert migrations
    assert {f"ledger/_migrations/versions/{name}" for name in migrations} <= names
    assert {"ledger/pages/verifier/page.html", "ledger/pages/verifier/worker.js"} <= names
    assert {"ledger/_migrations/env.py", "signing/__init__.py", "projections/__init__.py"} <= names
    assert not any(name.startswith(("alembic/", "tests/")) for name in names)
