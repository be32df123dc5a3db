"""What the README says to type can be typed: its commands tell one story, from nothing to the proof."""

import asyncio
import re
import shlex
from pathlib import Path

import msgspec
import pytest

from ledger.cli import build_parser, chosen_command
from ledger.config import Database
from projections.examples import example_order
from projections.order import Order, encode_order
from tests.ledger.command_line import writ
from tests.ledger.founding import short_folder
from tests.ledger.processes import Serving, announcement, serving, start_writ
from tests.ledger.test_cli_story import events, order
from tests.projections.deeds import handle

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
USE = README.split("## Use\n")[1].split("```")[1]
COMMANDS = [shlex.split(line, comments=True)[1:] for line in USE.splitlines() if line]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
# Whatever the verdict, the bundle of this short story rests on the operator's word: no witness was asked.
EXIT_CODES = {"verify": 4}


def lines_of(page: str) -> list[str]:
    """The command lines in a page's blocks that are printed whole."""
    blocks = re.findall(r"```\w*\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    found = [re.match(r"(?:\$ )?writ (.*)", line) for line in lines]
    return [one[1].partition(" > ")[0] for one in found if one is not None and "…" not in one[1]]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_s_commands_have_all_that_they_need(page: str) -> None:
    for line in lines_of(page):
        words = shlex.split(line, comments=True)
        build_parser(chosen_command(words)).parse_args(words)


class Reader:
    """Somebody who types the README's lines, one after another, in one folder."""

    def __init__(self, service: Serving, folder: Path) -> None:
        self.service = service
        self.folder = folder
        self.known: dict[str, str] = {"HANDLE": handle(1), "LOG_URL": f"{service.url}/logs/clearview"}

    async def type(self, words: list[str]) -> None:
        """Run a command with what the ones before it printed; it must end as it should."""
        words = [self.known.get(word, word) for word in words]
        asks = words[0] not in ("mirror", "verify")
        if ("--log" in words and asks) or words[:2] == ["log", "create"]:
            words = [*words, "--url", self.service.url]
        if words[:2] == ["order", "issue"]:
            words = [*words, "--yes"]  # whoever sits at a terminal is asked
        done = await asyncio.to_thread(writ, *words, cwd=self.folder)
        assert done.returncode == EXIT_CODES.get(words[0], 0), (words, done.stdout, done.stderr)
        shown = re.search(r"\S+\+[0-9a-f]{8}\+\S+", done.stdout)
        if words[:2] == ["log", "create"]:
            assert shown is not None
            self.known["LOG_VKEY"] = shown[0]
            (self.folder / "order.json").write_bytes(encode_order(witnessed(order(shown[0]))))
            followed = f'[[log]]\nurl = "{self.known["LOG_URL"]}"\nvkey = "{shown[0]}"\n'
            (self.folder / "logs.toml").write_text(f'{followed}orders = ["ico.example/en-2026-1"]\n')
        elif words[0] == "keygen":
            assert shown is not None
            self.known["ICO_VKEY" if words[1] == "ico.example" else "VKEY"] = shown[0]

    async def watch(self, words: list[str]) -> None:
        """Start the witness, on a port of its own, and end it."""
        words = [self.known.get(word, word) for word in words]
        more = ["--json", "--port", "0", "--data", str(self.folder / "witness")]
        words[words.index("--key") + 1] = str(self.folder / "w1.example.key")
        says = self.folder / "witness.log"
        process = await start_writ(*words, *more, says=says)
        try:
            assert (await announcement(process, says))["name"] == "w1.example"
        finally:
            process.terminate()
            await process.wait()


def witnessed(one: Order) -> Order:
    """The order, as an authority would sign it: with a witness, and a document behind it."""
    trust = msgspec.structs.replace(one.trust, witnesses=example_order().trust.witnesses)
    return msgspec.structs.replace(one, trust=trust, instrument_sha256="1" * 64)


async def test_the_commands_tell_a_story(database: Database) -> None:
    assert COMMANDS[0] == ["serve"]
    with short_folder() as folder:
        (folder / "events.ndjson").write_text(events("systems.clearview.example"))
        async with serving(folder / "writ-data", database) as service:
            reader = Reader(service, folder)
            for words in COMMANDS[1:]:
                await (reader.watch(words) if words[0] == "witness" else reader.type(words))


def test_what_make_is_asked_for_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    asked = set(re.findall(r"`make ([a-z]+)`|^make ([a-z]+)", README, re.MULTILINE))
    targets = {first or second for first, second in asked}
    assert targets >= {"demo", "test", "serve", "setup", "help"}
    for target in targets:
        assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), target


def test_examples_and_folders_that_are_named_exist() -> None:
    for path in re.findall(r"`((?:tests|ledger|signing|projections|alembic)/[A-Za-z0-9_./-]*)`", README):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", *PAGES])
def test_what_a_page_links_to_exists(page: str) -> None:
    text = (ROOT / page).read_text()
    links = re.findall(r"\]\(([\w./-]+)\)", text)
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []
