"""What the examples are made of: names, keys, handles, and an order.

The keys are made for these pages: the seed of each is the SHA-256 of its name. Handles are those of native
ids 1 to 4 under the blinding key of bytes 00 to 1f.
"""

import hashlib
from typing import Final

import msgspec

from projections.order import Deadline, Obligation, Order, Scope, Trust
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.cosignature import cosign
from signing.encoding import encode_base64
from signing.handle import blinding_commitment, handle
from signing.keys import COSIGNATURE, ED25519, SigningKey, format_vkey
from signing.note import Note, add_signatures, format_note
from signing.setdigest import copies_digest

ORIGIN: Final = "ledger.example/clearview"
ADMIN: Final = "admin.example"
CONTROLLER: Final = "crawler.clearview.example"
AUTHORITY: Final = "ico.example"
AUDITOR: Final = "auditor.example"
WITNESS: Final = "witness.example/w1"
RECIPIENT: Final = "shop.clearview.example"

TIME: Final = "2022-05-18T09:00:00Z"
_TIME_S: Final = 1_652_864_400
_BLINDING_KEY: Final = bytes(range(32))


def signing_key(name: str, algorithm: int = ED25519) -> SigningKey:
    """The key that has this name in the examples."""
    return SigningKey(name, algorithm, hashlib.sha256(name.encode()).digest())


def vkey(name: str, algorithm: int = ED25519) -> str:
    """Its public half."""
    return format_vkey(signing_key(name, algorithm).verifier)


def example_order() -> Order:
    """An order of two obligations: erase what concerns residents of GB, and collect no more of it."""
    scope = Scope(categories=("user.biometric", "user.content.self_image"), residency=("GB",))
    return Order(
        appeal_expires="2022-06-15",
        controllers=("clearview",),
        country="GB",
        effective="2022-05-18",
        id=f"{AUTHORITY}/en-2022-1",
        instrument_sha256=sha256("enforcement notice"),
        issued="2022-05-18",
        legal_basis="dpa2018.s149",
        obligations=(
            Obligation(
                deadline=Deadline(anchor="appeal_expires", duration="P3M"),
                id="cease",
                scope=scope,
                type="cease_collecting",
            ),
            Obligation(
                deadline=Deadline(anchor="appeal_expires", duration="P6M"),
                id="erase",
                min_evidence="E2",
                scope=scope,
                type="erase",
            ),
        ),
        served="2022-05-18",
        trust=Trust(
            assessors=(vkey(AUDITOR),),
            log_vkey=vkey(ORIGIN),
            witnesses=(f"witness w1 {vkey(WITNESS, COSIGNATURE)}", "quorum w1"),
        ),
    )


def sha256(text: str) -> str:
    """The hash of a document that stays outside, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def hash_of(text: str) -> str:
    """A hash in base64."""
    return encode_base64(hashlib.sha256(text.encode()).digest())


def set_digest(handles: tuple[str, ...]) -> str:
    """The digest of a set of handles."""
    return encode_base64(copies_digest(handle.encode() for handle in handles))


def checkpoint_note() -> Note:
    """A checkpoint of the log, which it alone signed."""
    return sign_checkpoint(Checkpoint(ORIGIN, 98_231, hashlib.sha256(b"root").digest()), signing_key(ORIGIN))


def cosigned_note() -> str:
    """That checkpoint with its witness's cosignature."""
    note = checkpoint_note()
    cosigned = add_signatures(note, cosign(note.text, signing_key(WITNESS, COSIGNATURE), _TIME_S))
    return encode_base64(format_note(cosigned))


# What an authority of OpenSSL's answered about that checkpoint: tests/vectors/timestamp/good.
TIMESTAMP_RESPONSE: Final = (
    "MIIDazADAgEAMIIDYgYJKoZIhvcNAQcCoIIDUzCCA08CAQMxDzANBglghkgBZQMEAgEFADBoBgsqhkiG9w0BCRABBKBZBFcwVQIB"
    "AQYEKgMEATAxMA0GCWCGSAFlAwQCAQUABCC3sBeXunhLMeQ6NAdBgLytLNuFDgjRL/o7zSQlKRYM7QIBAhgPMjAyNjExMzAwMDM2"
    "MDVaMAMCAQGgggGBMIIBfTCCASKgAwIBAgIUNEYL9k1+KZnp5bnoQatc4NMOFWswCgYIKoZIzj0EAwIwGzEZMBcGA1UEAwwQdHNh"
    "LmV4YW1wbGUgcm9vdDAgFw0yNjAxMDEwMDAwMDBaGA8yMTI2MDEwMTAwMDAwMFowFjEUMBIGA1UEAwwLdHNhLmV4YW1wbGUwWTAT"
    "BgcqhkjOPQIBBggqhkjOPQMBBwNCAASxKOiXWH0lEXuEGHUU25cSL3DbmMJz4+R4kGoKs6yXXhePj2gPJ8rmPWUHwUNsDpOcoaea"
    "eBj7I9TBQdswejZuo0cwRTAMBgNVHRMBAf8EAjAAMB0GA1UdDgQWBBSW01S6J9eJZaUBA7AIX1AdGSE0dTAWBgNVHSUBAf8EDDAK"
    "BggrBgEFBQcDCDAKBggqhkjOPQQDAgNJADBGAiEAi7B1yvbVQEWDyctYMGGZ+3sUVeKnq2UBqe201C4vQ3gCIQCsxeyjkxZ/1qZ8"
    "xJo1c2cWtgQccd7bVddeTDzaQL46TDGCAUgwggFEAgEBMDMwGzEZMBcGA1UEAwwQdHNhLmV4YW1wbGUgcm9vdAIUNEYL9k1+KZnp"
    "5bnoQatc4NMOFWswDQYJYIZIAWUDBAIBBQCggaQwGgYJKoZIhvcNAQkDMQ0GCyqGSIb3DQEJEAEEMBwGCSqGSIb3DQEJBTEPFw0y"
    "NjExMzAwMDM2MDVaMC8GCSqGSIb3DQEJBDEiBCCUzsjh0LQ16rGCMMXFguLC86RlqQzsS02J8SLaQr5JCDA3BgsqhkiG9w0BCRAC"
    "LzEoMCYwJDAiBCBcOscTkAaJmTj2XO3TjBr1LLGQ2baU0/A7pd7VPYqzmDAKBggqhkjOPQQDAgRIMEYCIQCiuAVdrL3nTxrZGuQW"
    "NIhmWyZP5HIQR5CdYFF66Tw+BwIhAMxN64U+YIYEs1h/clRhBKGMyATN3O8cw/ui1v9An9ow"
)
RECORDS: Final = tuple(sorted(handle(_BLINDING_KEY, "people", number) for number in (1, 2)))
TEMPLATES: Final = tuple(sorted(handle(_BLINDING_KEY, "templates", number) for number in (3, 4)))
COMMITMENT: Final = encode_base64(blinding_commitment(_BLINDING_KEY))
ORDER: Final = example_order()
VARIED_ORDER: Final = msgspec.structs.replace(
    ORDER, instrument_sha256=sha256("notice of variation"), version=2
)
