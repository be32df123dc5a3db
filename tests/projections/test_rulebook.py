"""The rulebook has every rule that the judging modules name, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from projections.rulebook import RULES, explain, format_rulebook

ROOT = Path(__file__).parent.parent.parent
NAME = re.compile(r"[a-z_]+\.[a-z_]+")
# What these name are fields, types, categories and columns; the standing questions have words of their own.
OTHERS = re.compile(r"(events|examples|vocabulary|registr|registered|question|specimens|rulebook|schema)")
# Looks like a rule, and is a category of data.
CATEGORIES = {"user.biometric"}


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / "projections").glob("*.py")):
        if not OTHERS.match(path.stem):
            yield path, ast.parse(path.read_text())


def docstrings(tree: ast.Module) -> dict[int, str]:
    """The docstrings of a module, each with its node's identity."""
    found: dict[int, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found[id(first.value)] = str(first.value.value)
    return found


def named_in_code(tree: ast.Module) -> set[str]:
    spoken = docstrings(tree)
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in spoken
        and NAME.fullmatch(node.value)
    }


def named_in_docstrings(tree: ast.Module) -> set[str]:
    return {name for text in docstrings(tree).values() for name in re.findall(r"`([a-z_]+\.[a-z_]+)`", text)}


def test_every_rule_that_is_named_is_in_the_book() -> None:
    missing = {
        f"{path.name}: {name}"
        for path, tree in modules()
        for name in named_in_code(tree) - RULES.keys() - CATEGORIES
    }
    assert missing == set(), "say in projections/rulebook.py what it says"


def test_every_rule_in_the_book_is_applied_somewhere() -> None:
    named = set().union(*(named_in_code(tree) | named_in_docstrings(tree) for _, tree in modules()))
    assert set(RULES) - named == set()


def test_the_book_is_in_order_and_its_sentences_end() -> None:
    assert list(RULES) == sorted(RULES)
    assert [name for name, sentence in RULES.items() if not sentence.endswith(".") or "|" in sentence] == []
    assert explain("erasure.late") == RULES["erasure.late"]
    assert explain("no.such_rule").startswith("These rules do not know")


def test_the_page_is_the_book() -> None:
    assert (ROOT / "docs/spec/rules.md").read_text() == format_rulebook()
