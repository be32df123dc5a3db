"""Log lists: the logs that a witness watches, as witness networks write them (witness-network.org).

    logs/v0

    # whose logs these are
    vkey ledger.example/clearview+aabdb8df+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4
    origin ledger.example/clearview
    qpd 86400
    contact operator@ledger.example

`origin` may be left out where it is the key's name. Lines stand in this order. A log that changes its key
stands there twice, once under each key. Empty lines and those that begin with `#` say nothing.
"""

from typing import Final

import msgspec

from signing.encoding import parse_decimal
from signing.errors import FormatError
from signing.keys import ED25519, VerifierKey, format_vkey, parse_foreign_vkey

HEADER: Final = "logs/v0"
MAX_QPD: Final = 2**31 - 1
MAX_BYTES: Final = 16 << 20
"""Some 60,000 logs."""

_ORDER: Final = ("vkey", "origin", "qpd", "contact")
_ORDER_TEXT: Final = ", ".join(_ORDER)
_EXAMPLES: Final = {"qpd": "write qpd 86400 for one a second", "contact": "write contact and how to reach it"}
_Line = tuple[int, str]
_Fields = dict[str, _Line]


class ListedLog(msgspec.Struct, frozen=True):
    """One log of a list."""

    key: VerifierKey
    origin: str
    qpd: int
    """How often a day it may ask for a cosignature."""
    contact: str


class LogListError(FormatError):
    """A list that can't be used: which line, and what to write there."""

    def __init__(self, line: int, what: str, remedy: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line, self.remedy = line, remedy


def read_log_list(text: str) -> tuple[ListedLog, ...]:
    """Read a list as people write it, or raise LogListError naming the first line that is wrong."""
    if len(text) > MAX_BYTES:
        raise LogListError(
            1, f"the list has over {MAX_BYTES} characters", "divide it among several witnesses"
        )
    lines = [
        (number, line.strip(" \t\r"))
        for number, line in enumerate(text.split("\n"), 1)
        if line.strip(" \t\r") and not line.strip(" \t\r").startswith("#")
    ]
    if not lines or lines[0][1] != HEADER:
        number = lines[0][0] if lines else 1
        raise LogListError(
            number, f"the list does not begin with {HEADER!r}", f"write {HEADER} above the logs"
        )
    logs: list[ListedLog] = []
    known: set[tuple[str, bytes]] = set()
    begin = 1
    while begin < len(lines):
        fields = _take_fields(lines[begin : begin + len(_ORDER) + 1])
        log = _listed(fields)
        if (log.origin, log.key.public) in known:
            number = fields["vkey"][0]
            raise LogListError(
                number, f"the key of {log.key.name!r} is listed twice", "leave one of them out"
            )
        known.add((log.origin, log.key.public))
        logs.append(log)
        begin += len(fields)
    return tuple(logs)


def format_log_list(logs: tuple[ListedLog, ...]) -> str:
    """Write a list."""
    return HEADER + "\n" + "".join(map(_format, logs))


def _format(log: ListedLog) -> str:
    origin = "" if log.origin == log.key.name else f"origin {log.origin}\n"
    return f"\nvkey {format_vkey(log.key)}\n{origin}qpd {log.qpd}\ncontact {log.contact}\n"


def _take_fields(lines: list[_Line]) -> _Fields:
    """The lines of the next log, by their first word."""
    fields: _Fields = {}
    for number, line in lines:
        word, _, value = line.partition(" ")
        if word not in _ORDER:
            remedy = "write vkey, origin (where it is not the key's name), qpd and contact, in this order"
            raise LogListError(number, f"{word[:40]!r} is no word of a log list", remedy)
        if word == "vkey" and fields:
            break
        if fields and _ORDER.index(word) <= _ORDER.index(list(fields)[-1]):
            raise LogListError(
                number, f"{word} stands behind {list(fields)[-1]}", "keep to the order " + _ORDER_TEXT
            )
        if not fields and word != "vkey":
            raise LogListError(number, f"{word} stands before a vkey", "begin each log with its vkey line")
        fields[word] = (number, value.strip(" \t"))
    missing = [word for word in _ORDER if word not in fields and word != "origin"]
    if missing:
        number = fields["vkey"][0]
        raise LogListError(number, f"the log has no {missing[0]} line", f"add one: {_EXAMPLES[missing[0]]}")
    return fields


def _listed(fields: _Fields) -> ListedLog:
    key = _key(*fields["vkey"])
    number, origin = fields.get("origin", (fields["vkey"][0], key.name))
    if not origin.isprintable() or origin == "":
        raise LogListError(
            number, f"origin {origin[:80]!r} is no origin", "write the first line of its checkpoints"
        )
    number, contact = fields["contact"]
    if not contact.isprintable() or contact == "":
        raise LogListError(number, "the contact is empty, or has control characters", _EXAMPLES["contact"])
    return ListedLog(key, origin, _qpd(*fields["qpd"]), contact)


def _key(number: int, text: str) -> VerifierKey:
    try:
        key = parse_foreign_vkey(text)
    except FormatError as error:
        raise LogListError(
            number, str(error), "copy the log's verifier key, name+hash+base64, whole"
        ) from error
    if key.algorithm != ED25519:
        remedy = "give the key that signs the log's checkpoints (type 1)"
        raise LogListError(number, f"the key of {key.name!r} is a witness's, not a log's", remedy)
    return key


def _qpd(number: int, text: str) -> int:
    try:
        qpd = parse_decimal(text, MAX_QPD, "qpd")
    except FormatError as error:
        raise LogListError(number, str(error), _EXAMPLES["qpd"]) from error
    if qpd == 0:
        raise LogListError(
            number, "qpd is 0: the log could never ask", "leave the log out, or allow it 1 a day"
        )
    return qpd
