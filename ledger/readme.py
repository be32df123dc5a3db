"""README.txt of a bundle: what it is, and how to check it with our software, in a browser, and with neither.

ASCII, and no line longer than 78 characters: it is read where nothing else is installed.
"""

import textwrap
from typing import Final

from projections.runners import wording
from projections.runners.record import Record
from projections.statement import Statement

WIDTH: Final = 78

_FULL: Final = """\
This is a full bundle: every entry of the log is in it. Who reads it replays
the log and reaches the statement by himself. He trusts nobody but the
authority whose order it is.
"""

_COMPACT: Final = """\
This is a compact bundle: the statement, the log's checkpoint, and proofs of
the order, of what was attested and of every exception. It hides what it
omits, so it counts only with the signatures, on the statement, of assessors
whom the order names. The full bundle needs nobody's signature.
"""

_ORDER_CHECK: Final = """\
CHECK IT: ONE COMMAND

    writ verify FILE.zip --authority VKEY

It needs no network; Python, PyNaCl and msgspec, nothing else (pip install
writ). VKEY is the authority's public key. Get it from the authority, never
from this file, nor from whoever sent it. Posters who kept their submissions
or receipts can add them: --with FILE. It ends with

    0  sound, and carried out
    3  sound, and not carried out
    4  sound, but on the operator's word alone
    1  not sound
    2  wrong usage

CHECK IT: IN A BROWSER

Open verifier.html, drop this file on it, and give the authority's key. It
loads nothing from the network and sends nothing. `writ verifier` writes the
page, a service has it under /verifier.html; it is not in here, for what
judges a bundle must not come with it. It checks hashes, signatures,
witnesses and the order, and does not judge the law again.
"""

_CHECK_ORDER: Final = """\
CHECK IT: WITHOUT OUR SOFTWARE

    python3 check.py FILE.zip LOG_VKEY AUTHORITY_VKEY

check.py, check_bytes.py and check_signed.py are three files of plain Python
that call openssl and use none of our code (tests/examples of our sources;
short enough to be read). They recompute every hash that stands or is proved
here, and have openssl verify the log's signature, the posters', and those of
whom the order names. They do not know what events mean, so they do not check
the verdict, nor who may post what, nor how old all this is.

"""

_CHECK_RECORD: Final = """\
CHECK IT: WITHOUT OUR SOFTWARE

    python3 check.py FILE.zip LOG_VKEY

check.py, check_bytes.py and check_signed.py are three files of plain Python
that call openssl and use none of our code (tests/examples of our sources;
short enough to be read). They check each proof, each signature, and that the
list is signed.

"""

_FULL_WITHOUT: Final = """\
By hand, after unzip: the hash of an entry is SHA-256 over a zero byte and
the entry, of two hashes together SHA-256 over a byte 1 and both (RFC 6962).

    checkpoint        signed note (C2SP signed-note, tlog-checkpoint), with
                      witnesses' cosignatures (tlog-cosignature)
    tile/entries/...  entries, 256 a file, each after its length in two bytes
    tile/LEVEL/...    hash tiles of the tree over them (C2SP tlog-tiles)
    statement         the verdict, a signed note; report.html says the same
                      for people, and proves nothing
    attestation/N     where assessors signed the statement before: what each
                      says that he did not check (writ/attestation/v1)

Any C2SP tool that reads a static tlog-tiles tree reads this one, and any
that verifies cosignatures verifies these.
"""

_ATTESTED: Final = """\
    attestation/N     where assessors signed the statement before: what each
                      says that he did not check (writ/attestation/v1)
"""

_PROOFS: Final = """\
    proof/N/event, proof/N/submission
                      entry N, and the signed note that brought it in
    proof/N/*.tlog-proof
                      that both stand in the log (C2SP tlog-proof);
                      source.tlog-proof: that the event is among those which
                      its poster signed
"""

_PROOFS_WITHOUT: Final = """\
{members}{proofs}
Any C2SP tool that verifies a tlog-proof verifies these: the leaf is SHA-256
over a zero byte and the entry, inner nodes SHA-256 over a byte 1 and both
halves (RFC 6962). A note's signature is Ed25519 over its text:

    openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey KEY \\
        -sigfile SIGNATURE -in TEXT

with the signature's bytes after the first four of its base64.
"""

_COMPACT_MEMBERS: Final = """\
    checkpoint        the log's head, signed by it and its witnesses
    statement         the verdict, a signed note; report.html says the same
                      for people, and proves nothing
"""

_RECORD: Final = """\
It holds each entry of the log that names this record, with proofs that the
entry stands in the log and who signed it, and the entries that registered
those keys. The operator signed the list of entries (the file `record`).

WHAT IT DOES NOT PROVE

That no entry was left out. The operator signed that these are all, so one
that turns up later stands against his signature; but only who replays the
whole log can tell. Nor that what the entries say is true, nor what is held
where nobody posted it, or under another handle.

CHECK IT: ONE COMMAND

    writ verify FILE.zip --log LOG_VKEY --policy FILE

It needs no network; Python, PyNaCl and msgspec, nothing else (pip install
writ). LOG_VKEY is the log's public key, the policy names the witnesses that
you believe (C2SP tlog-policy). Get both from somebody else than whoever
sent this file: the authority has them in its orders. Without them the
entries rest on the operator's word alone. It ends with

    0  sound
    4  sound, but on the operator's word alone
    1  not sound
    2  wrong usage

CHECK IT: IN A BROWSER

Open verifier.html, drop this file on it, and give the log's key and the
witnesses' lines. It loads nothing from the network and sends nothing. `writ
verifier` writes the page, a service has it under /verifier.html; it is not
in here, for what judges a bundle must not come with it.
"""

_RECORD_MEMBERS: Final = """\
    checkpoint        the log's head, signed by it and its witnesses
    record            which entries name the record, signed by the operator
"""


def order_readme(statement: Statement, *, compact: bool) -> str:
    """Of a bundle about an order."""
    order = statement.order
    proved = _PROOFS_WITHOUT.format(members=_COMPACT_MEMBERS + _ATTESTED, proofs=_PROOFS)
    parts = [
        _wrapped(f"Evidence on the order {order.id}, version {order.version}"),
        _wrapped(wording.headline(statement)),
        _COMPACT if compact else _FULL,
        _ORDER_CHECK,
        _CHECK_ORDER + (proved if compact else _FULL_WITHOUT),
    ]
    return "\n".join(parts)


def record_readme(record: Record) -> str:
    """Of a bundle about one record."""
    count, log = len(record.entries), record.log
    parts = [
        _wrapped(f"What {log.origin} has about the record {record.handle}"),
        _wrapped(f"{count:,} {'entry' if count == 1 else 'entries'} of {log.size:,}"),
        _RECORD,
        _CHECK_RECORD + _PROOFS_WITHOUT.format(members=_RECORD_MEMBERS, proofs=_PROOFS),
    ]
    return "\n".join(parts)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False) + "\n"
