"""A real service's log, published, mirrored from there, replayed offline and watched."""

import asyncio
import http.server
import json
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

from ledger.config import Database
from tests.ledger.command_line import Session, running_session, writ
from tests.ledger.static_log import answering
from tests.ledger.test_cli_story import held, issue, order, plain, tell
from tests.projections.evidence import CRAWLER, ORDER


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Python's own web server, which logs nothing here."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def plain_server(folder: Path) -> AbstractContextManager[str]:
    """A folder behind Python's own web server."""
    return answering(partial(Quiet, directory=str(folder)))


async def post(session: Session, key: str, first: int, count: int) -> None:
    """So many opening balances of one record each."""
    lines = [json.dumps(held(number)) for number in range(first, first + count)]
    (session.folder / "more.ndjson").write_text("\n".join(lines) + "\n")
    await session.value("post", "more.ndjson", key=key)


async def replayed(session: Session, source: str) -> Any:
    value = json.loads(await plain(session, "replay", source, "--json"))
    assert value["sound"], value
    return {**value, "seconds": 0}


async def test_a_log_is_published_and_mirrored_from_there(database: Database, tmp_path: Path) -> None:
    async with running_session(database, tmp_path, public=True) as session:
        await tell(session)
        crawler = str(tmp_path / f"{CRAWLER}.key")
        log = ("--log", session.log_vkey)
        with plain_server(tmp_path / "public") as url:
            for first in (100, 500, 503):
                await post(session, crawler, first, 300 if first == 100 else 2)
                published = await session.ask("log", "publish", "public")
                mirrored = json.loads(await plain(session, "mirror", url, "copy", *log, "--json"))
                assert mirrored["size"] == published["size"] > 300
                assert mirrored["root"] == published["root"]
        live = await replayed(session, f"{session.service.url}/logs/clearview")
        assert live == await replayed(session, "copy")
        assert live == await replayed(session, "public")
        # A mirror of the mirror, from its folder.
        again = json.loads(await plain(session, "mirror", "copy", "copy2", *log, "--json"))
        assert again["root"] == published["root"]
    assert {path.name for path in (tmp_path / "public").iterdir()} == {"checkpoint", "tile"}


async def test_a_private_log_is_watched_and_its_missed_deadline_found(
    database: Database, tmp_path: Path
) -> None:
    async with running_session(database, tmp_path) as session:
        authority = await tell(session)
        made = await session.value("token", "create", "watch.ico.example", "--role", "reader",
                                   key=session.service.admin_key_path)  # fmt: skip
        (tmp_path / "t").write_text(made["secret"] + "\n")
        config = tmp_path / "logs.toml"
        config.write_text(
            f'[[log]]\nurl = "{session.service.url}/logs/clearview"\nvkey = "{session.log_vkey}"\n'
            f'token_file = "t"\norders = ["{ORDER}"]\n'
        )
        words = ("watch", "--config", str(config), "--data", str(tmp_path / "w"), "--once", "--json")
        done = await asyncio.to_thread(writ, *words)
        assert (done.returncode, done.stdout) == (0, ""), done
        await issue(session, authority, order(session.log_vkey, version=2, deadline="2026-02-01"))
        done = await asyncio.to_thread(writ, *words)
        assert done.returncode == 3, done
        (alarm,) = map(json.loads, done.stdout.splitlines())
        assert (alarm["kind"], alarm["subject"]) == ("deadline", ORDER)
        assert "erase is breached after its deadline, 2026-02-01" in alarm["what"]
