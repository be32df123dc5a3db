"""Vectors of what is signed: keys, notes, checkpoints, cosignatures and policies."""

from signing import (
    COSIGNATURE,
    ED25519,
    Note,
    NoteSignature,
    SigningKey,
    VerifierKey,
    cosign,
    encode_base64,
    format_checkpoint,
    format_note,
    format_vkey,
    sign_checkpoint,
    sign_note,
)
from tests.vectors.mutation import (
    HEAD,
    LOG,
    OTHER,
    TIME_S,
    WITNESS,
    WITNESS_2,
    Case,
    Vectors,
    altered,
    bad,
    false,
    flipped,
    loosened,
    signed,
)


def vkeys() -> Vectors:
    """Verifier keys."""
    good = format_vkey(LOG.verifier)
    name, key_id, encoded = good.split("+", 2)
    of_type = SigningKey(LOG.name, 2, LOG.seed).verifier
    small = VerifierKey(LOG.name, ED25519, b"\x01" + bytes(31))
    off_curve = VerifierKey(LOG.name, ED25519, b"\x02" + bytes(31))
    cases = [
        bad("type-2", "an algorithm that we do not use", format_vkey(of_type).encode()),
        bad(
            "small-order",
            "the neutral point: it verifies what nobody signed",
            format_vkey(small).encode(),
        ),
        bad("off-curve", "32 bytes that are no point", format_vkey(off_curve).encode()),
        *altered(
            good.encode(),
            ("key-id", "the key id is another key's", key_id, "00000000"),
            ("upper-case-id", "hex digits are lower case", key_id, key_id.upper()),
            ("upper-case-name", "registered names are lower case", "ledger", "Ledger"),
            ("newline", "a line break is no part of a key", encoded, encoded + "\n"),
            ("no-key", "the key is missing", f"+{encoded}", ""),
            ("empty-name", "a key has a name", name, ""),
        ),
    ]
    return Vectors(good.encode(), {}, cases)


def notes() -> Vectors:
    """Signed notes."""
    text = "This is an example message.\n\nIt has an empty line.\n"
    note = sign_note(text, LOG, OTHER)
    good = format_note(note)
    mine, other = note.signatures
    forged = NoteSignature(mine.name, mine.key_id, flipped(mine.signature, 63))
    encoded = encode_base64(mine.key_id + mine.signature)
    cases = [
        bad("no-final-newline", "the last line does not end in a newline", good[:-1]),
        bad("no-signature", "nobody signed it", text.encode()),
        bad(
            "101-signatures",
            "more signatures than are verified",
            format_note(Note(text, (mine,) * 101)),
        ),
        false("text-altered", "the text is not the one signed", good.replace(b"message", b"massage")),
        false("signature-altered", "the signature is false", format_note(Note(text, (forged, other)))),
        false("one-of-two-false", "a known key's line is false", format_note(Note(text, (mine, forged)))),
        false("unknown-key-only", "the known key did not sign", format_note(Note(text, (other,)))),
        *altered(
            good,
            ("no-empty-line", "text and signatures are not parted", ".\n\n—", ".\n—"),
            ("hyphen", "a signature line begins with an em dash", "— ledger", "- ledger"),
            ("two-spaces", "one space parts name and signature", "clearview ", "clearview  "),
            ("crlf", "lines end in a newline alone", "line.\n", "line.\r\n"),
            ("tab", "control characters are not allowed", "an empty", "an\tempty"),
            ("not-utf-8", "a note is UTF-8", b"message", b"m\xe9ssage"),
            ("plus-in-name", "a key name has no plus", "ledger.example/", "ledger+example/"),
            ("next-line-in-name", "U+0085 is white space", "ledger.", "ledger\u0085."),
            ("zero-width-in-name", "U+200B is a format character", "ledger.", "ledger\u200b."),
            ("byte-order-mark", "U+FEFF is a format character", "ledger.", "\ufeffledger."),
            ("loose-base64", "base64 has left-over bits", encoded, loosened(encoded)),
            ("unpadded-base64", "base64 is padded", encoded, encoded.rstrip("=")),
            ("key-id-only", "the signature is missing", encoded, encoded[:5] + "A=="),
        ),
    ]
    return Vectors(good, {"vkey": format_vkey(LOG.verifier), "text": text}, cases)


def checkpoints() -> Vectors:
    """Signed checkpoints; every bad one but the last is rightly signed."""
    good = format_note(sign_checkpoint(HEAD, LOG))
    text, root = format_checkpoint(HEAD), encode_base64(HEAD.root)
    changes = [
        ("leading-zero", "a size has no leading zero", "\n11\n", "\n011\n"),
        ("plus-sign", "a size has no sign", "\n11\n", "\n+11\n"),
        ("arabic-digits", "a size is of ASCII digits", "\n11\n", "\n١١\n"),
        ("underscore", "a size has no separators", "\n11\n", "\n1_1\n"),
        ("too-large", "a size is less than 2^63", "\n11\n", "\n9223372036854775808\n"),
        ("extension-line", "our checkpoints have three lines", f"{root}\n", f"{root}\nmore\n"),
        ("no-root", "the root is missing", f"{root}\n", ""),
        ("short-root", "a root has 32 bytes", root, encode_base64(HEAD.root[:31])),
        ("loose-root", "base64 has left-over bits", root, loosened(root)),
        ("no-origin", "the origin is empty", LOG.name, ""),
    ]
    cases = [Case(name, "format", why, signed(text.replace(old, new))) for name, why, old, new in changes]
    cases += [
        false(
            "other-origin",
            "the log's key signs another origin",
            signed(text.replace("clear", "dim")),
        ),
        false("other-key", "another key signed", signed(text, OTHER)),
        false("size-altered", "the size is not the one signed", good.replace(b"\n11\n", b"\n12\n")),
    ]
    return Vectors(good, {"vkey": format_vkey(LOG.verifier)}, cases)


def cosignatures() -> Vectors:
    """Checkpoints with a witness's line under the log's."""
    note, text = sign_checkpoint(HEAD, LOG), format_checkpoint(HEAD)
    line = cosign(text, WITNESS, TIME_S)
    time, signature = line.signature[:8], line.signature[8:]

    def cosigned(raw: bytes, name: str = line.name, key_id: bytes = line.key_id) -> bytes:
        return format_note(Note(text, (*note.signatures, NoteSignature(name, key_id, raw))))

    def stamped(time_s: int) -> bytes:
        message = f"cosignature/v1\ntime {time_s}\n{text}".encode()
        return cosigned(time_s.to_bytes(8, "big") + WITNESS.sign(message))

    good = cosigned(time + signature)
    cases = [
        false("time-altered", "the time is not the one signed", cosigned(flipped(time, 7) + signature)),
        false("time-zero", "no time is stated", stamped(0)),
        false("time-2-63", "no time of ours", stamped(2**63)),
        false("no-time", "the time is left out", cosigned(signature)),
        false(
            "plain-signature",
            "the text is signed without time",
            cosigned(time + WITNESS.sign(text.encode())),
        ),
        false("signature-altered", "the signature is false", cosigned(time + flipped(signature, 63))),
        false(
            "other-witness",
            "another witness's key",
            cosigned(cosign(text, WITNESS_2, TIME_S).signature),
        ),
        false("other-name", "a name that is not the key's", cosigned(line.signature, WITNESS_2.name)),
        false(
            "other-key-id",
            "a key id that is not the key's",
            cosigned(line.signature, key_id=bytes(4)),
        ),
        false("size-altered", "the size is not the one cosigned", good.replace(b"\n11\n", b"\n12\n")),
    ]
    return Vectors(good, {"vkey": format_vkey(WITNESS.verifier), "time_s": TIME_S}, cases)


def policies() -> Vectors:
    """Policies as orders carry them."""
    log, w1, w2 = (format_vkey(key.verifier) for key in (LOG, WITNESS, WITNESS_2))
    good = (
        f"log {log} https://ledger.example/clearview\nwitness w1 {w1}\nwitness w2 {w2} https://w2.example/\n"
        "group both all w1 w2\nquorum both\n"
    ).encode()
    again = format_vkey(SigningKey("witness.example/w3", COSIGNATURE, WITNESS.seed).verifier)
    cases = [
        bad("no-final-newline", "the last line may be cut off", good[:-1]),
        *altered(
            good,
            ("no-quorum", "there is one quorum line", "quorum both\n", ""),
            ("two-quorums", "there is one quorum line", "quorum both\n", "quorum both\nquorum none\n"),
            ("undefined-quorum", "the quorum is not defined", "quorum both", "quorum all"),
            ("quorum-first", "names are defined before they are used", "log ", "quorum both\nlog "),
            ("undefined-member", "names are defined before they are used", "all w1 w2", "all w1 w3"),
            ("member-twice", "a witness counts once", "all w1 w2", "2 w1 w1"),
            ("name-twice", "a name is defined once", "witness w2", "witness w1"),
            ("reserved-name", "`none` is reserved", "group both", "group none"),
            ("witness-twice", "one public key under two names", w2, again),
            ("log-as-witness", "a witness has a cosignature key", w2, log),
            ("witness-as-log", "a log has a key of type 1", log, w2),
            ("threshold-zero", "at least one member is needed", "all w1", "0 w1"),
            ("threshold-three", "no more members are needed than there are", "all w1", "3 w1"),
            ("threshold-word", "any, all or a number", "all w1", "most w1"),
            ("no-members", "a group has members", " all w1 w2", " all"),
            ("unknown-line", "there are four kinds of line", "group", "party"),
            ("comment", "orders carry no comments", "quorum", "# why\nquorum"),
            ("tab", "orders part words by one space", "quorum both", "quorum\tboth"),
            ("crlf", "lines end in a newline alone", "w1 w2\n", "w1 w2\r\n"),
        ),
    ]
    return Vectors(good, {}, cases)


def log_lists() -> Vectors:
    """The logs of a witness."""
    log, other, witness = (format_vkey(key.verifier) for key in (LOG, OTHER, WITNESS))
    tree = "origin go.sum database tree\n"
    good = (
        f"logs/v0\n\nvkey {log}\nqpd 86400\ncontact operator@ledger.example\n"
        f"\nvkey {other}\n{tree}qpd 24\ncontact sysadmin (at) other.example\n"
    ).encode()
    cases = [
        *altered(
            good,
            ("no-header", "a list says what it is", "logs/v0\n", ""),
            ("other-version", "another version may mean something else", "logs/v0", "logs/v1"),
            ("no-qpd", "each log has its allowance", "qpd 86400\n", ""),
            ("no-contact", "each log has somebody to ask", "contact operator@ledger.example\n", ""),
            ("no-vkey", "each log has a key", f"vkey {log}\n", ""),
            ("qpd-first", "lines stand in one order", f"{tree}qpd 24\n", f"qpd 24\n{tree}"),
            ("qpd-twice", "each line stands once", "qpd 24\n", "qpd 24\nqpd 24\n"),
            ("qpd-zero", "from 1 on", "qpd 24", "qpd 0"),
            ("qpd-leading-zero", "numbers have no leading zeroes", "qpd 24", "qpd 024"),
            ("qpd-too-large", "below 2^31", "qpd 24", "qpd 2147483648"),
            ("unknown-line", "there are four kinds of line", "contact sys", "burst 5\ncontact sys"),
            ("empty-origin", "an origin is not empty", tree, "origin\n"),
            ("witness-key", "a log has a key of type 1", log, witness),
            ("log-twice", "a log stands there once under each key", f"{other}\n{tree}", f"{log}\n"),
        ),
    ]  # fmt: skip
    return Vectors(good, {}, cases)
