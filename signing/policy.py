"""Trust policies: which logs, which witnesses, and how many of them must have cosigned (C2SP tlog-policy).

    log ledger.example/clearview+fc6bee99+AQOh…
    witness w1 witness.example/w1+20324abe+BCms…
    witness w2 witness.example/w2+b1a5f0c3+BKx0…
    group both all w1 w2
    quorum both

`parse_policy` takes the exact text that `format_policy` writes, as orders carry it; `read_policy` also takes
what people write by hand: comments, empty lines, and more space than needed.
"""

import re
from typing import Final

import msgspec

from signing.cosignature import verify_cosignature
from signing.encoding import parse_decimal
from signing.errors import FormatError, ProofError
from signing.keys import COSIGNATURE, ED25519, VerifierKey, format_vkey, parse_vkey
from signing.note import Note, signatures_of

NO_QUORUM: Final = "none"
MAX_LINES: Final = 1_000

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class PolicyLog(msgspec.Struct, frozen=True):
    """A log whose checkpoints are accepted."""

    key: VerifierKey
    url: str | None = None


class PolicyWitness(msgspec.Struct, frozen=True):
    """A witness, under the name by which groups and quorum refer to it."""

    name: str
    key: VerifierKey
    url: str | None = None


class PolicyGroup(msgspec.Struct, frozen=True):
    """Members of which a number must have cosigned: `any`, `all`, or that number."""

    name: str
    threshold: str
    members: tuple[str, ...]

    @property
    def required(self) -> int:
        """How many members are needed."""
        return {"any": 1, "all": len(self.members)}.get(self.threshold) or int(self.threshold)


class PolicyQuorum(msgspec.Struct, frozen=True):
    """The witness or group that must have cosigned, or `none`."""

    name: str


Statement = PolicyLog | PolicyWitness | PolicyGroup | PolicyQuorum


class Policy(msgspec.Struct, frozen=True):
    """A checked policy: every name defined once, before it is used, and exactly one quorum."""

    statements: tuple[Statement, ...]

    @property
    def logs(self) -> tuple[PolicyLog, ...]:
        """The logs, in the order of the text."""
        return tuple(item for item in self.statements if isinstance(item, PolicyLog))

    @property
    def witnesses(self) -> tuple[PolicyWitness, ...]:
        """The witnesses, in the order of the text."""
        return tuple(item for item in self.statements if isinstance(item, PolicyWitness))

    @property
    def groups(self) -> tuple[PolicyGroup, ...]:
        """The groups, each after its members."""
        return tuple(item for item in self.statements if isinstance(item, PolicyGroup))

    @property
    def quorum(self) -> str:
        """The name of the witness or group that must have cosigned, or `none`."""
        return next(item.name for item in self.statements if isinstance(item, PolicyQuorum))


def parse_policy(text: str) -> Policy:
    """Parse a policy, accepting only what `format_policy` writes."""
    policy = read_policy(text)
    if format_policy(policy) != text:
        raise FormatError("policy has comments, empty lines or spaces that are not needed: orders carry none")
    return policy


def read_policy(text: str) -> Policy:
    """Read a policy as people write it: comments, empty lines and any space between words."""
    if not text.endswith("\n"):
        raise FormatError("policy does not end in a newline: its last line may be cut off")
    if _CONTROL.search(text):
        raise FormatError("policy has control characters: only tab and newline are allowed")
    lines = text[:-1].split("\n")
    if len(lines) > MAX_LINES:
        raise FormatError(f"policy has {len(lines)} lines: at most {MAX_LINES}")
    statements: list[Statement] = []
    for number, line in enumerate(lines, 1):
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        if not words or words[0].startswith("#"):
            continue
        try:
            statements.append(_parse_statement(words))
        except FormatError as error:
            raise FormatError(f"policy line {number}: {error}") from error
    return _checked(Policy(tuple(statements)))


def format_policy(policy: Policy) -> str:
    """Write a policy."""
    return "".join(_format_statement(statement) + "\n" for statement in policy.statements)


def quorum_time(policy: Policy, checkpoint: Note) -> int | None:
    """The earliest Unix second by which enough witnesses had cosigned, or None if they have not.

    Cosignatures that do not verify count for nothing. With `quorum none` nothing is proved about time.
    """
    times: dict[str, int | None] = {NO_QUORUM: None}
    for statement in policy.statements:
        if isinstance(statement, PolicyWitness):
            times[statement.name] = cosigned_at(checkpoint, statement.key)
        elif isinstance(statement, PolicyGroup):
            known = sorted(time for name in statement.members if (time := times[name]) is not None)
            enough = len(known) >= statement.required
            times[statement.name] = known[statement.required - 1] if enough else None
    return times[policy.quorum]


def cosigned_at(checkpoint: Note, key: VerifierKey) -> int | None:
    """The earliest second at which a witness cosigned; None: it did not, or no line in its name is true."""
    times = []
    for signature in signatures_of(checkpoint, key):
        try:
            times.append(verify_cosignature(checkpoint.text, signature, key))
        except ProofError:
            continue
    return min(times, default=None)


def _parse_statement(words: list[str]) -> Statement:
    match words:
        case ["log", vkey, *url] if len(url) <= 1:
            return PolicyLog(_parse_key(vkey, ED25519), *url)
        case ["witness", name, vkey, *url] if len(url) <= 1:
            return PolicyWitness(name, _parse_key(vkey, COSIGNATURE), *url)
        case ["group", name, threshold, *members] if members:
            return PolicyGroup(name, _parse_threshold(threshold, len(members)), tuple(members))
        case ["quorum", name]:
            return PolicyQuorum(name)
    raise FormatError(f"{words[0]!r} is not a log, witness, group or quorum with its words")


def _parse_key(text: str, algorithm: int) -> VerifierKey:
    key = parse_vkey(text)
    if key.algorithm != algorithm:
        raise FormatError(f"key of {key.name!r} has type {key.algorithm}: type {algorithm} belongs here")
    return key


def _parse_threshold(text: str, members: int) -> str:
    if text not in ("any", "all") and not 1 <= parse_decimal(text, what="threshold") <= members:
        raise FormatError(f"threshold {text} does not lie between 1 and the {members} members")
    return text


def _format_statement(statement: Statement) -> str:
    match statement:
        case PolicyLog(key, url):
            words = ["log", format_vkey(key), url]
        case PolicyWitness(name, key, url):
            words = ["witness", name, format_vkey(key), url]
        case PolicyGroup(name, threshold, members):
            words = ["group", name, threshold, *members]
        case PolicyQuorum(name):
            words = ["quorum", name]
    return " ".join(word for word in words if word is not None)


def _checked(policy: Policy) -> Policy:
    """Return the policy only if its names and keys are used as the standard says."""
    defined: set[str] = set()
    members: set[str] = set()
    for item in policy.statements:
        if isinstance(item, PolicyGroup):
            _use(item.members, defined, members)
        if isinstance(item, PolicyWitness | PolicyGroup):
            if item.name in defined or item.name == NO_QUORUM:
                raise FormatError(f"policy defines the name {item.name!r} twice, or it is reserved")
            defined.add(item.name)
        elif isinstance(item, PolicyQuorum) and item.name not in defined | {NO_QUORUM}:
            raise FormatError(f"policy has a quorum of {item.name!r}, which no line before defines")
    if sum(isinstance(item, PolicyQuorum) for item in policy.statements) != 1:
        raise FormatError(
            "policy needs exactly one line `quorum NAME`, of a witness or group, or `quorum none`"
        )
    for known in (policy.logs, policy.witnesses):
        if len({item.key.public for item in known}) != len(known):
            raise FormatError("policy names one public key twice: it would count twice")
    return policy


def _use(names: tuple[str, ...], defined: set[str], members: set[str]) -> None:
    for name in names:
        if name not in defined:
            raise FormatError(f"policy has a group member {name!r} that no line before defines")
        # Otherwise one witness could reach a quorum alone, by two ways.
        if name in members:
            raise FormatError(f"policy has {name!r} as a group member twice")
        members.add(name)
