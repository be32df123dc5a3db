"""What `check.py` reads and believes: the zip, notes, the log's registered keys, statements, an order's word.

Python's standard library and the openssl program: none of Writ's code.
"""

import base64
import json
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

SPKI_ED25519 = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: the DER before the 32 bytes of a key
ORDERS = ("writ.order.issued.v1", "writ.order.varied.v1")
PAGES = ("README.txt", "report.html")
# RFC 8032, 7.1, test 2.
ED25519_KEY = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
ED25519_SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
Files = dict[str, bytes]


class Head(NamedTuple):
    """The log's checkpoint, which this key signed."""

    vkey: str
    origin: str
    size: int
    root: str


class Proved(NamedTuple):
    """An event that stands in the log, and the note of the submission that carries it."""

    at: int
    event: Any
    note: bytes


class Keys:
    """The keys that the log has registered so far."""

    def __init__(self) -> None:
        self.valid: set[str] = set()
        self.ever: set[str] = set()

    def check(self, place: str, note: bytes, events: list[Any]) -> str:
        """Whose key signed a submission, if it is registered there and the source log is its own."""
        text, lines = split_note(note)
        if events[0]["type"] == "writ.log.created.v1":
            self.learn(events[0])
        mine = [vkey for vkey in self.valid if claims(lines, vkey)]
        demand(len(lines) == 1 and bool(mine), f"{place}: signed by no key that is registered there")
        demand(verify(text, lines, mine[0]), f"{place}: {name_of(mine[0])} did not sign this submission")
        source = text.decode().split("\n")[0]
        is_own = f"{source}/".startswith(f"{name_of(mine[0])}/")
        demand(is_own, f"{place}: the source log {source} is another's")
        for event in events:
            self.learn(event)
        return name_of(mine[0])

    def learn(self, event: Any) -> None:
        """What an event registers and revokes."""
        kind, data = event["type"], event["data"]
        if kind == "writ.log.created.v1":
            new = {data["admin_vkey"], data["operator_vkey"], data["gateway_vkey"]}
        else:
            new = {data["vkey"]} if kind == "writ.key.registered.v1" else set()
        self.valid |= new
        self.ever |= new
        if kind == "writ.key.revoked.v1":
            self.valid.discard(data["vkey"])

    def operators(self, origin: str) -> list[str]:
        """The operator's keys, by the name that each has."""
        return [vkey for vkey in self.ever if name_of(vkey) == f"{origin}/operator"]


# --- The statement, and whom the order names.


def check_statement(
    files: Files, head: Head, keys: Keys, events: list[Proved], authority: str | None
) -> None:
    """The statement is about this log and the authority's order, and no signature that counts is false."""
    text, lines = split_note(need(files, "statement"))
    said = content(text, "writ/statement/v1", "statement")
    about = (said["log"]["origin"], said["log"]["size"], said["log"]["root"])
    demand(about == head[1:], "statement: about another log, or another size of it")
    for vkey in keys.operators(head.origin):
        is_false = claims(lines, vkey) and not verify(text, lines, vkey)
        demand(not is_false, "statement: the operator's signature is false")
    if authority is None:
        print("order        no authority's key is given: whom to believe stays open, and so does all below")
        return
    order = find_order(events, said["order"], authority)
    trust = order["trust"]
    demand(trust["log_vkey"] == head.vkey, "the order names another key of the log")
    print(f"order        {order['id']} version {order['version']}, signed by {name_of(authority)}")
    signed = check_assessors(files, text, lines, trust["assessors"])
    verdict = said.get("verdict", "no verdict, as the order is not in force")
    print(f"statement    it says {verdict}; signed by: {', '.join(signed) or 'no assessor'}")
    needed = trust.get("assessors_needed", 1)
    is_enough = any(name.startswith("tile/") for name in files) or len(signed) >= needed
    demand(is_enough, f"a compact bundle takes {needed} of the order's assessors")
    check_witnesses(files, trust["witnesses"])
    check_timestamps(events, trust.get("timestamp_roots", []))


def find_order(events: list[Proved], said: Any, authority: str) -> Any:
    """The order that a statement names, under the authority's signature."""
    mine = []
    for index, event, note in events:
        if event["type"] in ORDERS and claims(split_note(note)[1], authority):
            demand(
                verify(*split_note(note), authority), f"entry {index}: the authority did not sign this order"
            )
            mine.append(event["data"]["order"])
    demand(bool(mine), f"no order here is signed by {authority}")
    same = [order for order in mine if (order["id"], order["version"]) == (said["id"], said["version"])]
    hashes = {base64.b64encode(sha256(written(order)).digest()).decode(): order for order in same}
    demand(said["hash"] in hashes, "statement: about other words than those of the authority's order")
    return hashes[said["hash"]]


def check_assessors(files: Files, text: bytes, lines: list[str], assessors: list[str]) -> list[str]:
    """Who signed the statement, of those whom the order names; each attestation of theirs is about it."""
    signed = [vkey for vkey in assessors if claims(lines, vkey)]
    for vkey in signed:
        demand(verify(text, lines, vkey), f"statement: {name_of(vkey)} did not sign it")
    hashed = base64.b64encode(sha256(text).digest()).decode()
    for path in sorted(name for name in files if name.startswith("attestation/")):
        said, own = split_note(files[path])
        found = [vkey for vkey in assessors if claims(own, vkey)]
        if not found:
            print(f"{path}: by somebody whom the order does not name: no effect")
            continue
        vkey = found[0]
        demand(len(own) == 1 and verify(said, own, vkey), f"{path}: {name_of(vkey)} did not sign it")
        header, _, about, *left = said.decode().splitlines()
        is_its = header == "writ/attestation/v1" and about == hashed
        demand(is_its, f"{path}: an attestation of another statement")
        print(f"{path}: {name_of(vkey)} left unchecked: {', '.join(left) or 'nothing that it names'}")
    return sorted({name_of(vkey) for vkey in signed})


def check_witnesses(files: Files, policy: list[str]) -> None:
    """Who cosigned the checkpoint, and whether these are enough. A false cosignature counts for nothing."""
    text, lines = split_note(files["checkpoint"])
    reached: dict[str, bool] = {"none": False}
    quorum, named = "none", []
    for line in policy:
        kind, name, *words = line.split(" ")
        if kind == "witness":
            reached[name] = any(cosigned(text, one, words[0]) for one in claims(lines, words[0]))
            named += [name_of(words[0])] if reached[name] else []
        elif kind == "group":
            needed = {"any": 1, "all": len(words) - 1}.get(words[0]) or number(words[0])
            reached[name] = sum(reached[one] for one in words[1:]) >= needed
        elif kind == "quorum":
            quorum = name
    enough = "enough" if reached[quorum] else "not enough, so the checkpoint is the operator's word"
    print(f"witnesses    cosigned by: {', '.join(named) or 'nobody'}; {enough}")


def cosigned(text: bytes, signature: bytes, vkey: str) -> bool:
    """Whether it is the witness's: eight bytes of time, then Ed25519 over the time and the checkpoint."""
    message = b"cosignature/v1\ntime %d\n%b" % (int.from_bytes(signature[:8], "big"), text)
    return openssl_verify(message, signature[8:], public_key(vkey))


def check_timestamps(events: list[Proved], roots: list[str]) -> None:
    """How many of the log's time-stamps openssl verifies under the order's root certificates."""
    stamps = [one.event["data"] for one in events if one.event["type"] == "writ.checkpoint.timestamped.v1"]
    if not roots or not stamps:
        return
    true = 0
    with tempfile.TemporaryDirectory() as folder:
        pems = [f"-----BEGIN CERTIFICATE-----\n{root}\n-----END CERTIFICATE-----\n" for root in roots]
        (Path(folder) / "roots").write_text("".join(pems))
        for data in stamps:
            (Path(folder) / "text").write_bytes(split_note(unbase64(data["note"]))[0])
            (Path(folder) / "response").write_bytes(unbase64(data["response"]))
            true += openssl("ts -verify -data text -in response -CAfile roots", folder)
    print(f"time-stamps  {true} of {len(stamps)} are by authorities that the order names")


# --- The zip.


def read_zip(bundle: str) -> Files:
    """The members that count, if they follow each other from the file's first byte to its directory, which is
    its end. Pages for people are not read."""
    raw = Path(bundle).read_bytes()
    end, at, files = struct.unpack("<4s4H2LH", raw[-22:]), 0, {}
    demand(end[0] == b"PK\5\6" and end[7] == 0, "something stands behind the zip's directory")
    with zipfile.ZipFile(bundle) as archive:
        members, ends = archive.infolist(), archive.start_dir
    members.sort(key=lambda one: one.header_offset)
    for one, following in zip(members, [*(one.header_offset for one in members[1:]), ends], strict=True):
        most = min(64 << 20, max(64 << 10, 200 * one.compress_size))
        demand(one.file_size <= most, f"{one.filename}: unpacks to more than a bundle may hold")
        demand(one.header_offset == at and one.volume == 0, f"{one.filename}: misplaced in the zip")
        is_plain = not one.flag_bits & 1 and one.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        demand(is_plain, f"{one.filename}: encrypted, or packed by a method other than deflate")
        named, extra = struct.unpack("<2H", raw[at + 26 : at + 30])
        is_its = (
            raw[at : at + 4] == b"PK\3\4" and raw[at + 30 : at + 30 + named] == one.orig_filename.encode()
        )
        ends_at = at + 30 + len(one.orig_filename.encode()) + one.compress_size
        demand(ends_at <= following, f"{one.filename}: overlaps what follows it in the zip")
        # A page's own header is read by nobody.
        at = following if one.filename in PAGES else at + 30 + named + extra + one.compress_size
        demand(is_its or one.filename in PAGES, f"{one.filename}: its own header names another file")
        files[one.filename] = (
            b"" if one.filename in PAGES else unpacked(one, raw[at - one.compress_size : at])
        )
    is_whole = at == ends and end[4] in (len(members), 0xFFFF) and len(files) == len(members)
    for _ in members:
        ends += 46 + sum(struct.unpack("<3H", raw[ends + 28 : ends + 34]))
    demand(is_whole and len(raw) - ends in (22, 98), "the zip's directory lists other files")
    return files


def unpacked(one: zipfile.ZipInfo, data: bytes) -> bytes:
    """A member's content, if it is what the directory describes."""
    is_whole = True
    if one.compress_type == zipfile.ZIP_DEFLATED:
        inflating = zlib.decompressobj(-zlib.MAX_WBITS)
        data = inflating.decompress(data, one.file_size + 1)
        is_whole = inflating.eof and not inflating.unused_data
    is_its = len(data) == one.file_size and zlib.crc32(data) == one.CRC
    demand(is_whole and is_its, f"{one.filename}: not what the zip's directory says")
    return data


# --- Notes, keys and openssl.


def split_note(note: bytes) -> tuple[bytes, list[str]]:
    """A signed note's text, and its signature lines: a dash, a name, and base64 of key id and signature."""
    text, separator, lines = note.rpartition(b"\n\n")
    demand(bool(separator) and lines.endswith(b"\n"), "a signed note is cut off")
    signatures = lines[:-1].decode().split("\n")
    for line in signatures:
        dash, name, encoded = (*line.split(" "), "", "")[:3]
        is_name = name.isprintable() and name != "" and "+" not in name
        is_line = dash == "—" and line.count(" ") == 2 and is_name and len(unbase64(encoded)) > 4
        demand(is_line, "a signed note has a line that is no signature")
    return text + b"\n", signatures


def claims(lines: list[str], vkey: str) -> list[bytes]:
    """The signatures that claim to be this key's: its name and key id stand there."""
    name, key_id, _ = vkey.split("+", 2)
    raw = [unbase64(line.split(" ")[2]) for line in lines if line.split(" ")[1] == name]
    return [one[4:] for one in raw if one[:4].hex() == key_id]


def verify(text: bytes, lines: list[str], vkey: str) -> bool:
    """Whether the key signed the text, and no line that claims so is false."""
    found = claims(lines, vkey)
    return bool(found) and all(openssl_verify(text, one, public_key(vkey)) for one in found)


def name_of(vkey: str) -> str:
    return vkey.split("+")[0]


def public_key(vkey: str) -> bytes:
    return SPKI_ED25519 + unbase64(vkey.split("+", 2)[2])[1:]


def openssl_verify(message: bytes, signature: bytes, key: bytes) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        for name, raw in (("message", message), ("signature", signature), ("key", key)):
            (Path(folder) / name).write_bytes(raw)
        return openssl(
            "pkeyutl -verify -rawin -pubin -keyform DER -inkey key -sigfile signature -in message", folder
        )


def openssl(words: str, folder: str) -> bool:
    command = ["openssl", *words.split()]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


# --- What must be there before anything is checked.


def require_readable(bundle: str) -> None:
    try:
        Path(bundle).open("rb").close()
    except OSError as error:
        refuse(f"{bundle}: {error.strerror}")


def require_keys(vkeys: list[str]) -> None:
    for vkey in vkeys:
        try:
            is_key = len(vkey.split("+", 2)[1]) == 8 and unbase64(vkey.split("+", 2)[2])[:1] == b"\1"
        except (ValueError, IndexError):
            is_key = False
        if not is_key:
            refuse(f"{vkey} is no key as name+key id+base64, of Ed25519")


def require_openssl() -> None:
    signature, key = bytes.fromhex(ED25519_SIGNATURE), SPKI_ED25519 + bytes.fromhex(ED25519_KEY)
    try:
        is_able = openssl_verify(b"\x72", signature, key)
    except OSError:
        is_able = False
    if not is_able:
        refuse("the openssl program is not there or verifies no Ed25519: install OpenSSL 3")


def refuse(what: str) -> NoReturn:
    print(f"check.py: {what}", file=sys.stderr)
    sys.exit(2)


# --- Bytes that can be written in one way only.


def content(text: bytes, header: str, what: str) -> Any:
    """A note's one line of canonical JSON under a header."""
    lines = text.decode().split("\n")
    demand(lines[0] == header and len(lines) == 3, f"{what}: not a header and one line")
    return canonical(lines[1].encode(), what)


def canonical(line: bytes, what: str) -> Any:
    """JSON that stands there as RFC 8785 has it; numbers are integers."""
    value = json.loads(line, parse_float=no_number, parse_constant=no_number)
    demand(written(value) == line, f"{what}: not canonical JSON")
    return value


def written(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def no_number(text: str) -> NoReturn:
    sys.exit(f"WRONG: {text} is no integer")


def number(text: str) -> int:
    demand(str(int(text)) == text, f"{text} is not how a number is written")
    return int(text)


def unbase64(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    demand(base64.b64encode(raw).decode() == text, f"{text} is not how base64 is written")
    return raw


def need(files: Files, name: str) -> bytes:
    demand(name in files, f"{name} is missing")
    return files[name]


def demand(true: bool, otherwise: str) -> None:
    if not true:
        sys.exit(f"WRONG: {otherwise}")
