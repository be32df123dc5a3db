"""Evidence bundles of logs in memory, as an exporter makes them: for tests of verification and of judging."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from projections import events as ev
from projections.order import Order
from projections.runners.offline import replay
from projections.runners.rules import rules_hash
from projections.statement import Statement, format_statement
from projections.stating import find_order, state
from signing.keys import COSIGNATURE
from signing.merkle import EMPTY_RANGE, grow, leaf_hashes_of
from signing.note import format_note, parse_note, sign_note
from signing.submission import parse_submission_text, prove_line
from signing.tlog_proof import TlogProof, format_proof
from tests.projections.logbuilder import (
    OPERATOR,
    ORIGIN,
    LogBuilder,
    MemorySource,
    key_of,
    vkey_of,
    write_zip,
)

AUTHORITY = "ico.example"
ASSESSOR = "auditor.example"
CRAWLER = "crawler.clearview.example"
WITNESS = "witness.example/w1"
ORDER = f"{AUTHORITY}/en-2026-1"
WITNESSES = (f"witness w1 {vkey_of(WITNESS, COSIGNATURE)}", "quorum w1")


def order(**changes: object) -> Order:
    """An order to erase what is about residents of GB by 1 March 2026."""
    value = {
        "controllers": ["clearview"],
        "country": "GB",
        "effective": "2026-01-01",
        "id": ORDER,
        "instrument_sha256": "0" * 64,
        "issued": "2026-01-01",
        "legal_basis": "uk-gdpr.58.2",
        "obligations": [
            {"deadline": {"at": "2026-03-01"}, "id": "erase", "scope": {"residency": ["GB"]}, "type": "erase"}
        ],
        "trust": {
            "assessors": [vkey_of(ASSESSOR)],
            "log_vkey": vkey_of(ORIGIN),
            "max_statement_age": "P7D",
            "witnesses": list(WITNESSES),
        },
        "version": 1,
    }
    return msgspec.convert({**value, **changes}, Order)


def issued(one: Order) -> ev.OrderIssued:
    """The event that issues it."""
    return ev.OrderIssued(
        controller="clearview",
        effective_at=one.effective,
        instrument_sha256=one.instrument_sha256,
        order=one,
    )


@dataclass
class Evidence:
    """A log with an order, and the bundle that its operator hands out."""

    log: LogBuilder
    witnesses: tuple[str, ...] = (WITNESS,)
    order_id: str = ORDER
    signer: str = AUTHORITY

    @property
    def as_of(self) -> int:
        """The second after the last entry."""
        return self.log.now_us // 1_000_000 + 1

    def statement(self, **changes: object) -> Statement:
        """What the log gives, with whatever the operator makes of it."""
        replayed = replay(MemorySource(self.log.tree()))
        provisional = changes.pop("provisional", not self.witnesses) is True
        size = self.log.size if provisional else None
        vkey = vkey_of(self.signer)
        found = find_order(replayed.fold, self.order_id, None, vkey, as_of=self.as_of, size=size)
        assert found is not None
        stated = state(
            replayed.fold,
            replayed.audited.checkpoint,
            found,
            as_of=self.as_of,
            rules=rules_hash(),
            recorded=self.log.size if provisional else None,
        )
        return msgspec.structs.replace(stated.statement, **changes)

    def files(self, *signers: str, **changes: object) -> dict[str, bytes]:
        """The members of a full bundle."""
        return {**self.log.tree(*self.witnesses), **self._note((OPERATOR, *signers), changes)}

    def compact(self, *signers: str, **changes: object) -> dict[str, bytes]:
        """The members of a compact bundle: the order's event, and proofs of it."""
        files = self._note((OPERATOR, *signers), changes)
        files["checkpoint"] = self.log.checkpoint_note(None, *self.witnesses)
        for index, row in enumerate(self.log.rows):
            if row.kind == "event" and row.body.endswith((b'order.issued.v1"}', b'order.varied.v1"}')):
                files |= self.proofs(index)
        return files

    def proofs(self, index: int) -> dict[str, bytes]:
        """All that proves one event."""
        entries = self.log.entries()
        opening = max(at for at in range(index) if self.log.rows[at].kind == "submission")
        growth = grow(EMPTY_RANGE, leaf_hashes_of(entries))
        checkpoint = parse_note(self.log.checkpoint_note(None, *self.witnesses))
        note = parse_note(self.log.rows[opening].body)
        text = parse_submission_text(note.text)
        lines = [row.body for row in self.log.rows[opening + 1 : opening + 1 + text.size - text.base]]
        frontier = grow(EMPTY_RANGE, leaf_hashes_of(self._source_lines(text.origin)[: text.base])).frontier
        source = prove_line(note, frontier, leaf_hashes_of(lines), index - opening - 1)
        return {
            f"proof/{index}/event": entries[index],
            f"proof/{index}/event.tlog-proof": format_proof(
                TlogProof(index, growth.prove(index), checkpoint)
            ),
            f"proof/{index}/submission": entries[opening],
            f"proof/{index}/submission.tlog-proof": format_proof(
                TlogProof(opening, growth.prove(opening), checkpoint)
            ),
            f"proof/{index}/source.tlog-proof": format_proof(source),
        }

    def zip(self, folder: Path, *signers: str, **changes: object) -> Path:
        """The full bundle on disk."""
        return write_zip(self.files(*signers, **changes), folder / "bundle.zip")

    def _note(self, signers: tuple[str, ...], changes: dict[str, object]) -> dict[str, bytes]:
        text = format_statement(self.statement(**changes))
        return {"statement": format_note(sign_note(text, *(key_of(name) for name in signers)))}

    def _source_lines(self, origin: str) -> list[bytes]:
        lines = []
        current = ""
        for row in self.log.rows:
            if row.kind == "submission":
                current = row.body.split(b"\n")[0].decode()
            elif current == origin:
                lines.append(row.body)
        return lines
