"""Rules: which code judged. A statement names its hash, so that two verdicts can be told apart by their
rules."""

from functools import cache
from hashlib import sha256
from importlib import resources

IMPURE = frozenset({"store.py"})
"""Modules beside the pure ones that decide nothing: SQL."""


@cache
def rules_hash() -> str:
    """SHA-256 (hex) over the sorted `sha256  path` lines of the pure modules of `projections/`.

    The same as `cd` to the folder above, then `sha256sum projections/*.py` without the impure ones, `sort`,
    `sha256sum`.
    """
    folder = resources.files("projections")
    lines = sorted(
        f"{sha256(one.read_bytes()).hexdigest()}  projections/{one.name}\n"
        for one in folder.iterdir()
        if one.name.endswith(".py") and one.name not in IMPURE
    )
    return sha256("".join(lines).encode()).hexdigest()


@cache
def code_hash() -> str:
    """SHA-256 (hex) over all that verifies, rules and runners, as the machine has it: who goes on from what
    another run has verified (`resuming`) trusts that it was this code."""
    folders = (
        resources.files("signing"),
        resources.files("projections"),
        resources.files("projections").joinpath("runners"),
    )
    lines = sorted(
        f"{sha256(one.read_bytes()).hexdigest()}  {folder.name}/{one.name}\n"
        for folder in folders
        for one in folder.iterdir()
        if one.name.endswith(".py")
    )
    return sha256("".join(lines).encode()).hexdigest()
