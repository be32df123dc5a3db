"""The house rules that a machine can count, kept by counting."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("signing", "projections", "ledger", "alembic", "tests")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))

MODULE_LINES = 400
FUNCTION_LINES = 40
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}

# The verifier's whole world: the standard library, these two, and our own two folders.
VERIFIER_PACKAGES = {"nacl", "msgspec", "signing", "projections"}
VERIFIER_LOCK = {"cffi", "msgspec", "pycparser", "pynacl"}
# The one module that needs more, and only where an order names time-stamp authorities: see its first lines.
TIME_STAMPS = {"signing/timestamp.py": {"cryptography", "rfc3161_client"}}
SERVICE_SIDE = {"projections/store.py", "projections/runners/live.py"}

# A pure module decides from its arguments alone: no file, clock, chance, process, thread or network.
IMPURE = {
    *(
        "asyncio",
        "concurrent",
        "contextvars",
        "glob",
        "http",
        "io",
        "logging",
        "multiprocessing",
        "os",
        "pathlib",
    ),
    *(
        "random",
        "secrets",
        "select",
        "selectors",
        "shutil",
        "signal",
        "socket",
        "sqlite3",
        "ssl",
        "subprocess",
    ),
    *("sys", "tempfile", "threading", "time", "urllib.request", "uuid", "zipfile"),
}
IMPURE_CALLS = {
    "open",
    "print",
    "input",
    "now",
    "utcnow",
    "today",
    "uuid1",
    "uuid4",
    "monotonic",
    "perf_counter",
}

# Pieced together, so that this file does not break the rule it checks.
REGISTRY_HOSTS = "|".join(
    ("py" + "pi.org", "python" + "hosted", "crates" + ".io", "npm" + "js.", "proxy.go" + "lang")
)
NOT_FOR_A_COMMIT = {
    "a registry's host or address": rf"{REGISTRY_HOSTS}|--(extra-)?index[-]url|https?://[^ \"]*/simp[l]e",
    "a path of one machine": r"(^|[^A-Za-z0-9_.])/(work|root|farm|home|Users)/",
    "a note to do later": r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b",
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def is_pure(path: Path) -> bool:
    name = name_of(path)
    return name.startswith(("signing/", "projections/")) and not (
        name.startswith("projections/runners/") or name in SERVICE_SIDE
    )


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and full name of each module that a file imports, at its top or later."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or "."


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert function.end_lineno is not None
    first = function.body[0]
    docstring = 0
    if ast.get_docstring(function) is not None and first.end_lineno is not None:
        docstring = first.end_lineno - first.lineno + 1
    return function.end_lineno - function.lineno + 1 - docstring


def test_modules_are_short() -> None:
    long = {
        name_of(path): lines for path in MODULES if (lines := path.read_text().count("\n")) > MODULE_LINES
    }
    assert long == {}, "split by concept"


def test_functions_are_short() -> None:
    long = {
        f"{name_of(path)}:{function.lineno} {function.name}": lines
        for path in MODULES
        for function in functions(parse(path))
        if (lines := code_lines(function)) > FUNCTION_LINES
    }
    assert long == {}, "a long procedure is a short function naming its steps in order"


def test_modules_are_named_for_their_concept() -> None:
    assert [name_of(path) for path in MODULES if path.stem in VAGUE_NAMES] == []


def test_the_migrations_are_no_package() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists(), "it would hide the library of that name"


def test_the_verifier_imports_two_packages_and_the_standard_library() -> None:
    foreign = [
        f"{name_of(path)}:{line} {module}"
        for path in MODULES
        if name_of(path).startswith(("signing/", "projections/")) and name_of(path) not in SERVICE_SIDE
        for line, module in imports(parse(path))
        if module.split(".")[0]
        not in sys.stdlib_module_names | VERIFIER_PACKAGES | TIME_STAMPS.get(name_of(path), set())
    ]
    assert foreign == []


def test_what_reads_time_stamps_is_imported_with_the_first_of_them() -> None:
    script = "import sys; import signing.timestamp, projections.clock; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    loaded = set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())
    assert loaded & TIME_STAMPS["signing/timestamp.py"] == set()


def test_signing_does_not_know_what_events_mean() -> None:
    outward = [
        f"{name_of(path)}:{line} {module}"
        for path in MODULES
        if name_of(path).startswith("signing/")
        for line, module in imports(parse(path))
        if module.split(".")[0] in ("projections", "ledger")
    ]
    assert outward == []


def test_pure_modules_import_nothing_that_acts() -> None:
    acting = [
        f"{name_of(path)}:{line} {module}"
        for path in MODULES
        if is_pure(path)
        for line, module in imports(parse(path))
        if module in IMPURE or module.split(".")[0] in IMPURE or module.startswith("projections.runners")
    ]
    assert acting == [], "the clock, chance and files are arguments; what acts lives at the rim"


def test_pure_modules_call_nothing_that_acts() -> None:
    acting = [
        f"{name_of(path)}:{node.lineno}"
        for path in MODULES
        if is_pure(path)
        for node in ast.walk(parse(path))
        if isinstance(node, ast.AsyncFunctionDef | ast.Await)
        or (isinstance(node, ast.Call) and called_name(node) in IMPURE_CALLS)
    ]
    assert acting == []


def called_name(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def tracked_files() -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("what", NOT_FOR_A_COMMIT)
def test_no_file_names(what: str) -> None:
    pattern = re.compile(NOT_FOR_A_COMMIT[what], re.MULTILINE)
    found = [
        f"{name_of(path)}:{text.count(chr(10), 0, match.start()) + 1} {match.group().strip()}"
        for path in tracked_files()
        if (text := path.read_bytes().decode("utf-8", "replace"))
        for match in pattern.finditer(text)
    ]
    assert found == []


def test_the_verifier_is_locked_with_its_two_packages_and_what_they_need() -> None:
    lock = (ROOT / "requirements" / "verify.lock").read_text()
    assert set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE)) == VERIFIER_LOCK


def test_the_command_line_imports_nothing_until_a_subcommand_is_chosen() -> None:
    script = (
        "import sys; before = set(sys.modules); import ledger.cli; "
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    command = [sys.executable, "-c", script]
    loaded = set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())
    assert loaded - sys.stdlib_module_names - VERIFIER_PACKAGES == {"ledger"}
