"""Every rule of conduct has a name, a place where it can be looked up, and plain words."""

import re
from pathlib import Path
from typing import get_args

import pytest

from projections.runners.wording import GAPS, RULES
from projections.verdict import EVALUATORS
from projections.vocabulary import ObligationType

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "spec" / "obligations.md").read_text()
MODULES = (
    "attesting",
    "binding",
    "cease",
    "conduct",
    "offering",
    "paying",
    "probing",
    "recurring",
    "subjects",
)
RULE = re.compile(r"[\"`]([a-z]+\.[a-z]+(?:_[a-z]+)*)[\"`:]")
# Of the catalogue, not rules.
EVENTS = {"compliance.attested", "compliance.rejected", "penalty.accrued", "penalty.paid", "data.held"}


def rules_of(module: str) -> set[str]:
    """The rules that a module names."""
    return set(RULE.findall((ROOT / "projections" / f"{module}.py").read_text())) - EVENTS


@pytest.mark.parametrize("module", [*MODULES, "vouching"])
def test_each_rule_stands_on_the_page_and_has_words(module: str) -> None:
    named = rules_of(module)
    assert named - {rule for rule in named if f"`{rule}`" in PAGE} == set()
    assert named - GAPS.keys() - RULES.keys() == set()


def test_each_evaluator_says_when() -> None:
    """Its docstring names the four words that it may come to."""
    assert EVALUATORS.keys() <= set(get_args(ObligationType))
    for name, evaluate in EVALUATORS.items():
        said = (evaluate.__doc__ or "").lower()
        if evaluate.__module__.rpartition(".")[2] in MODULES:
            for word in ("carried out", "outstanding", "breached", "cannot be proved"):
                assert word in said, (name, word)
