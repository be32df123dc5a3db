"""The bar that whoever waits for an inventory sees."""

import io
import sys

import pytest

from ledger.cli_inventory import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("total", "shown"), [(1_000, "1500/1500"), (6_000, "1500/6000"), (None, "1500/?")])
def test_a_terminal_shows_how_many_how_fast_and_how_long(
    total: int | None, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    with progress("reading", total, quiet=False) as told:
        told(500)
        told(1_000)
    assert all(word in terminal.getvalue() for word in ("reading", shown, "keys/s"))


@pytest.mark.parametrize("quiet", [True, False])
def test_nobody_else_sees_anything(quiet: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with progress("reading", 10, quiet=quiet) as told:
        told(10)
    assert capsys.readouterr() == ("", "")
