"""The examples that use none of our code, against a service that runs: what one posts, the other finds."""

import asyncio
import subprocess
import sys
from pathlib import Path

from ledger.config import Database
from projections import events as ev
from signing import format_vkey, leaf_hash, parse_entry, parse_proof, verify_proof
from tests.ledger.lab import CONTROLLER, ORIGIN, TIME, Lab, Poster, collected
from tests.ledger.test_export import AUTHORITY, Case, running_case

EXAMPLES = Path(__file__).parent
NAME = "scripts.clearview.example"


async def run(*words: str, stdin: bytes = b"") -> tuple[int | None, bytes, bytes]:
    process = await asyncio.create_subprocess_exec(
        *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await process.communicate(stdin)
    return process.returncode, out, err


async def post(keyfile: Path, lab: Lab, events: list[bytes]) -> tuple[int | None, bytes]:
    """Run post.sh; its exit code, and the service's answer."""
    words = ("bash", str(EXAMPLES / "post.sh"), str(keyfile), NAME, ORIGIN, lab.service.url)
    code, out, _ = await run(*words, stdin=b"".join(line + b"\n" for line in events))
    return code, out


async def registered(keyfile: Path, case: Case) -> str:
    """Have post.sh make a key, and the administrator let it post; returns its public half."""
    code, out, err = await run("bash", str(EXAMPLES / "post.sh"), "--vkey", str(keyfile), NAME)
    assert code == 0, err
    vkey = out.decode().strip()
    administrator: Poster = case.lab.administrator
    data = ev.KeyRegistered(controller=CONTROLLER, name=NAME, role="processor", vkey=vkey)
    event = ev.make_event(data, id="key-of-scripts", source=administrator.source, time=TIME)
    await case.lab.adopt(administrator)
    await case.lab.post(administrator, [ev.encode_event(event)])
    return vkey


async def check(bundle: Path, *vkeys: str) -> tuple[int | None, str]:
    code, out, err = await run(sys.executable, "-E", "-s", str(EXAMPLES / "check.py"), str(bundle), *vkeys)
    return code, (out + err).decode()


async def test_what_the_script_posts_is_in_the_log_and_the_checker_finds_it(
    database: Database, tmp_path: Path
) -> None:
    async with running_case(database, tmp_path / "data") as case:
        log_key, keyfile = case.lab.log.keys.log.verifier, tmp_path / "seed"
        code, answer = await post(keyfile, case.lab, [collected(NAME, 0)])
        assert (code, b"urn:writ:problem:unknown-key" in answer) == (22, True), "curl says that it failed"
        vkey = await registered(keyfile, case)
        events = [collected(NAME, number) for number in range(7)]
        code, receipt = await post(keyfile, case.lab, events)
        assert code == 0, receipt
        proof = parse_proof(receipt)
        submission = await case.lab.log.reader.entry(proof.index)
        last = await case.lab.log.reader.entry(proof.index + 7)
        assert submission is not None
        assert last is not None
        assert verify_proof(proof, leaf_hash(submission), log_key).size == proof.index + 8
        assert parse_entry(last).body == events[-1]
        # The seed alone makes the same bytes again, and they get the same receipt.
        assert await post(keyfile, case.lab, events) == (0, receipt)
        bundle = await case.fetch(tmp_path / "b.zip")
        authority = case.authority_vkey
    code, said = await check(bundle, format_vkey(log_key), authority)
    assert (code, f"1 of {NAME}" in said, f"signed by {AUTHORITY}" in said) == (0, True, True), said
    code, said = await check(bundle, format_vkey(log_key))
    assert (code, f"of {case.lab.administrator.source}" in said) == (0, True), said
    code, said = await check(bundle, vkey)
    assert (code, "not of the log that was asked for" in said) == (1, True), said
