"""`writ verifier` prints the page, whole."""

import json

import pytest

from ledger.cli import main
from ledger.readme import order_readme
from ledger.verifier_page import SCRIPTS, verifier_page
from tests.projections.verifying import finished


def test_the_page_is_one_file() -> None:
    page = verifier_page()
    assert page.count("<script") == page.count("</script>") == 2
    assert "{{" not in page
    assert "http://" not in page
    assert "https://" not in page
    assert all(f"// {name}.js" in page for name in SCRIPTS)


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verifier"]) == 0
    assert capsys.readouterr().out == verifier_page()
    assert main(["verifier", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"page": verifier_page()}


@pytest.mark.parametrize("compact", [False, True])
def test_a_bundle_tells_of_it(compact: bool) -> None:
    assert "`writ verifier` writes the" in order_readme(finished().statement(), compact=compact)
