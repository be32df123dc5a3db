"""Witnesses and logs that others wrote: recorded exchanges, which both of our sides must fit."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from ledger.cosigning import Contradiction, Trouble, judge, read_size
from ledger.witness import Witness
from ledger.witness_logs import Watch
from ledger.witness_memory import Memory
from signing.cosignature import verify_cosignature
from signing.keys import COSIGNATURE, SigningKey, parse_vkey
from signing.log_list import ListedLog
from signing.note import NoteSignature
from signing.policy import PolicyWitness
from signing.witness import parse_add_checkpoint
from tests.ledger.growing_log import GrowingLog

FOLDER = Path(__file__).parents[1] / "vectors" / "witness-exchanges"
LITEWITNESS = PolicyWitness(
    "lw", parse_vkey("litewitness.example/w+c3dcad94+BFMpbjt44rUMTuMM+XcxRQro018jmdrbiEV+RV8TOwIh")
)
ANSWERS = json.loads((FOLDER / "litewitness.json").read_text())
CLIENT = json.loads((FOLDER / "transparency-dev.json").read_text())
LOG = GrowingLog()
OURS = SigningKey("witness.example/w1", COSIGNATURE, bytes(range(32, 64)))
STANDARD_SAYS = {
    "a log that it does not know": 404,
    "no checkpoint": 400,
    "an old size with a leading zero": 400,
}
"""Where litewitness v0.6.1 says otherwise."""


async def answers_of_ours(folder: Path, qpd: int, asked: list[str]) -> AsyncIterator[tuple[int, str, str]]:
    """Status, content type exactly as sent, and body."""
    log = ListedLog(LOG.key.verifier, LOG.key.name, qpd, "c")
    witness = Witness(Memory(folder / "w.sqlite"), Watch([log]), OURS)
    async with TestServer(witness.application()) as server, aiohttp.ClientSession() as session:
        for body in asked:
            async with session.post(server.make_url("/add-checkpoint"), data=body.encode()) as response:
                yield response.status, response.headers["Content-Type"], await response.text()


async def test_our_witness_answers_as_litewitness_does(tmp_path: Path) -> None:
    asked = [exchange["request"] for exchange in ANSWERS]
    answers = [answer async for answer in answers_of_ours(tmp_path, 86_400, asked)]
    for exchange, (status, kind, body) in zip(ANSWERS, answers, strict=True):
        assert status == STANDARD_SAYS.get(exchange["what"], exchange["status"]), exchange["what"]
        if status == 409:
            assert (kind, body) == (exchange["content_type"], exchange["body"])


@pytest.mark.parametrize("exchange", ANSWERS, ids=lambda exchange: exchange["what"])
def test_our_log_understands_litewitness(exchange: dict[str, Any]) -> None:
    status, body = exchange["status"], exchange["body"].encode()
    if exchange["what"] in STANDARD_SAYS and status == 403:
        outcome = judge(status, body, LITEWITNESS, LOG.note(5), 0)
        assert isinstance(outcome, Trouble)
        return
    if status == 409:
        assert read_size(body) == 300
        return
    asked = exchange["request"].replace("old 0300", "old 300")
    outcome = judge(status, body, LITEWITNESS, parse_add_checkpoint(asked.encode()).note, 300)
    if status == 200:
        assert isinstance(outcome, NoteSignature)
        text = parse_add_checkpoint(asked.encode()).note.text
        assert verify_cosignature(text, outcome, LITEWITNESS.key) > 1_790_000_000
    else:
        assert isinstance(outcome, Contradiction if status == 422 else Trouble)


@pytest.mark.parametrize("qpd", CLIENT)
async def test_our_witness_answers_the_other_client_as_it_was_understood(tmp_path: Path, qpd: str) -> None:
    exchanges = CLIENT[qpd]
    asked = [exchange["request"] for exchange in exchanges]
    answers = [answer async for answer in answers_of_ours(tmp_path, int(qpd), asked)]
    for exchange, (status, kind, body) in zip(exchanges, answers, strict=True):
        # To the client a conflict is one by its content type, letter for letter.
        assert (status, kind) == (exchange["status"], exchange["content_type"]), exchange["what"]
        assert status == 200 or body == exchange["body"]


def test_what_the_other_client_concluded_is_what_was_meant() -> None:
    concluded = {exchange["what"]: exchange["concluded"] for exchange in CLIENT["86400"] + CLIENT["1"]}
    assert concluded["a continuation"] == "cosigned"
    assert concluded["an old size that is out of date"] == "stale: it has 300"
    assert concluded["another history of the same size"] == "invalid proof"
    assert concluded["a log that it does not know"] == "unknown log"
    assert concluded["a signature over another size"] == "no valid signature"
    assert concluded["too soon"] == "pushback"
