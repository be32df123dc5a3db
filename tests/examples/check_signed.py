"""What `check.py` believes: the log's registered keys, statements, an order's word.

Python's standard library and the openssl program: none of Writ's code.
"""

import base64
import re
import subprocess
import sys
import tempfile
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from check_bytes import (  # type: ignore[import-not-found]
    Files,
    content,
    demand,
    is_name,
    need,
    number,
    read_submission,
    split_note,
    unbase64,
    unhash,
    written,
)

SPKI_ED25519 = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: the DER before the 32 bytes of a key
ORDERS = ("writ.order.issued.v1", "writ.order.varied.v1")
MOST_ORDERS = 1000
LOG_CREATED = "writ.log.created.v1"
UNCHECKED = re.compile(
    r"backups|blinding|collectors|identity|lineage|recipients|residency|stores|undeclared|store:[a-z0-9][a-z0-9._-]{0,63}"
)
NEUTRAL = bytes([1]) + bytes(31)  # of the group, as a point is written
# RFC 8032, 7.1, test 2.
ED25519_KEY = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
ED25519_SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


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
        (text, lines), source = split_note(note), read_submission(note).source
        is_first = events[0]["type"] == LOG_CREATED and not self.ever
        known = {events[0]["data"]["admin_vkey"]} if is_first else self.valid
        mine = [vkey for vkey in known if claims(lines, vkey)]
        demand(bool(mine), f"{place}: signed by no key that is registered there")
        demand(verify(text, lines, mine[0]), f"{place}: {name_of(mine[0])} did not sign this submission")
        demand(is_own(source, mine[0]), f"{place}: the source log {source} is another's")
        for event in events:
            self.learn(event)
        return name_of(mine[0])

    def learn(self, event: Any) -> None:
        """What an event registers and revokes."""
        kind, data = event["type"], event["data"]
        if kind == LOG_CREATED:
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
    demand(0 <= said["counted"] <= head.size, "statement: it counts other entries than the log has")
    other = "would_be" if said["status"] == "in_force" else "verdict"
    is_told = {"verdict", "would_be"} & said.keys() == {"verdict", "would_be"} - {other}
    demand(is_told, "statement: `verdict` stands in force alone, else `would_be`")
    for vkey in keys.operators(head.origin):
        is_false = claims(lines, vkey) and not verify(text, lines, vkey)
        demand(not is_false, "statement: the operator's signature is false")
    if authority is None:
        print("order        no authority's key is given: whom to believe stays open, and so does all below")
        return
    is_full = any(name.startswith("tile/") for name in files)
    order = find_order(events if is_full else few_orders(events, authority), said, authority)
    trust = order["trust"]
    demand(trust["log_vkey"] == head.vkey, "the order names another key of the log")
    print(f"order        {order['id']} version {order['version']}, signed by {name_of(authority)}")
    signed = check_assessors(files, text, lines, trust["assessors"])
    verdict = said.get("verdict", "no verdict, as the order is not in force")
    print(f"statement    it says {verdict}; signed by: {', '.join(signed) or 'no assessor'}")
    needed = trust.get("assessors_needed", 1)
    is_enough = is_full or len(signed) >= needed
    demand(is_enough, f"a compact bundle takes {needed} of the order's assessors")
    check_witnesses(files, trust["witnesses"])
    check_timestamps(events, trust.get("timestamp_roots", []))


def few_orders(events: list[Proved], authority: str) -> list[Proved]:
    """The same, if no more are the authority's orders than a compact bundle may hold."""
    mine = [
        one for one in events if one.event["type"] in ORDERS and claims(split_note(one.note)[1], authority)
    ]
    demand(len(mine) <= MOST_ORDERS, f"it holds over {MOST_ORDERS} orders: ask for the full bundle")
    return events


def find_order(events: list[Proved], statement: Any, authority: str) -> Any:
    """The order that a statement names, under the authority's signature, in the version that governs."""
    said, mine = statement["order"], []
    for index, event, note in events:
        text, lines = split_note(note)
        if event["type"] in ORDERS and claims(lines, authority):
            demand(verify(text, lines, authority), f"entry {index}: the authority did not sign this order")
            source, order = read_submission(note).source, event["data"]["order"]
            demand(is_own(source, authority), f"entry {index}: the source log {source} is another's")
            is_its = order["id"].rpartition("/")[0] == name_of(authority)
            demand(is_its, f"entry {index}: the order {order['id']} is another authority's")
            mine.append((index, order, begins(event["data"]["effective_at"])))
    demand(bool(mine), f"no order here is signed by {authority}")
    same = [one for one in mine if one[1]["id"] == said["id"]] or mine
    order = governing([one for one in same if one[0] < statement["counted"]] or same, statement["as_of"])
    about = (order["id"], order["version"], base64.b64encode(sha256(written(order)).digest()).decode())
    is_its = about == (said["id"], said["version"], said["hash"])
    demand(is_its, "statement: about other words than those of the authority's order")
    return order


def governing(versions: list[tuple[int, Any, int]], as_of: int) -> Any:
    """Of an order's versions the highest that governs by then, else the one that will first."""
    latest = sorted(versions, key=lambda one: (one[1]["version"], one[0]), reverse=True)
    begun = [order for _, order, begins in latest if begins <= as_of]
    return begun[0] if begun else min(latest, key=lambda one: one[2])[1]


def begins(moment: str) -> int:
    """The Unix second with which a date or time begins."""
    time = moment.replace("Z", "+00:00") if "T" in moment else f"{moment}T00:00:00+00:00"
    return int(datetime.fromisoformat(time).timestamp() // 1)


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
        header, log, about, *left = said.decode()[:-1].split("\n")
        is_form = header == "writ/attestation/v1" and is_name(log) and len(unhash(about)) == 32
        is_form = is_form and all(map(UNCHECKED.fullmatch, left)) and sorted(set(left)) == left
        demand(is_form and len(left) <= 1000, f"{path}: not in the form of an attestation")
        demand(about == hashed, f"{path}: an attestation of another statement")
        print(f"{path}: {name_of(vkey)} left unchecked: {', '.join(left) or 'nothing that it names'}")
    return sorted({name_of(vkey) for vkey in signed})


def check_witnesses(files: Files, policy: list[str]) -> None:
    """Who cosigned the checkpoint, and whether these are enough. A false cosignature counts for nothing."""
    text, lines = split_note(files["checkpoint"])
    reached: dict[str, bool] = {}
    quorum, named = "none", []
    for kind, name, *words in check_policy(policy):
        if kind == "witness":
            reached[name] = any(cosigned(text, one, words[0]) for one in claims(lines, words[0]))
            named += [name_of(words[0])] if reached[name] else []
        elif kind == "group":
            reached[name] = sum(reached[one] for one in words[1:]) >= needed_of(words)
        else:
            quorum = name
    enough = "enough" if reached.get(quorum) else "not enough, so the checkpoint is the operator's word"
    print(f"witnesses    cosigned by: {', '.join(named) or 'nobody'}; {enough}")


def check_policy(policy: list[str]) -> list[list[str]]:
    """The words of each line, if no name or key stands there twice: one witness would count as two."""
    lines = [line.split(" ") for line in policy or ["quorum none"]]
    defined: list[str] = ["none"]
    members: list[str] = ["none"]
    for kind, name, *words in lines:
        if kind == "group":
            is_known = set(words[1:]) <= set(defined) and 1 <= needed_of(words) < len(words)
            demand(is_known, f"the order's policy: {name} has members or a number that can't be")
            members += words[1:]
        is_known = (kind, name in defined) in (("witness", False), ("group", False), ("quorum", True))
        demand(is_known, f"the order's policy: {name} stands there twice, or where nothing defines it")
        defined += [name] if kind != "quorum" else []
    keys = [public_key(words[2]) for words in lines if words[0] == "witness"]
    is_once = all(len(set(some)) == len(some) for some in (members, keys))
    demand(
        is_once and [words[0] for words in lines].count("quorum") == 1, "the order's policy counts one twice"
    )
    return lines


def needed_of(words: list[str]) -> int:
    """How many of a group's members, which stand behind the first word, must have cosigned."""
    return {"any": 1, "all": len(words) - 1}.get(words[0]) or number(words[0])


def cosigned(text: bytes, signature: bytes, vkey: str) -> bool:
    """Whether it is the witness's: eight bytes of time, then Ed25519 over the time and the checkpoint."""
    time = int.from_bytes(signature[:8], "big")
    message = b"cosignature/v1\ntime %d\n%b" % (time, text)
    return 0 < time < 2**63 and openssl_verify(message, signature[8:], public_key(vkey))


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


# --- Keys and openssl.


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


def is_own(source: str, vkey: str) -> bool:
    """Whether it is a key's own source log: of its name, or of a path under it."""
    return f"{source}/".startswith(f"{name_of(vkey)}/")


def public_key(vkey: str) -> bytes:
    raw: bytes = unbase64(vkey.split("+", 2)[2])
    return SPKI_ED25519 + raw[1:]


def openssl_verify(message: bytes, signature: bytes, key: bytes) -> bool:
    # Who has the key can sign with the neutral element for a nonce: openssl takes it, others do not.
    if signature[:32] == NEUTRAL:
        return False
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
