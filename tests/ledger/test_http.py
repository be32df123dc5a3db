from pathlib import Path

from ledger.config import Database
from signing.merkle import leaf_hash
from signing.tlog_proof import parse_proof, verify_proof
from tests.ledger.lab import running_lab


async def test_receipt_proves_the_submission(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        poster = await lab.register("crawler.clearview.example")
        receipt = await lab.post(poster, poster.events(3))
        proof = parse_proof(receipt)
        async with lab.session.get(f"{lab.url}/entries/{proof.index}") as response:
            entry = await response.read()
        checkpoint = verify_proof(proof, leaf_hash(entry), lab.log.keys.log.verifier)
        assert checkpoint.size == 8
        async with lab.session.get(f"{lab.service.url}/health") as response:
            assert (response.status, await response.json()) == (200, {"status": "ok", "wrong": {}})
