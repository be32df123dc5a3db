"""Log lists: what people write is read, what can't be used is refused with its line and a remedy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing import COSIGNATURE, ED25519, SigningKey, format_vkey
from signing.log_list import ListedLog, LogListError, format_log_list, read_log_list
from tests.signing.mutating import nearly

KEY = SigningKey("ledger.example/clearview", ED25519, bytes(32)).verifier
FOREIGN = SigningKey("Sumdb-Key", ED25519, bytes([1] * 32)).verifier
WITNESS = SigningKey("witness.example/w1", COSIGNATURE, bytes([2] * 32)).verifier
TREE = "\torigin go.sum database tree"
LIST = f"""\
# List:      10qps-100klogs
logs/v0

# ours
vkey {format_vkey(KEY)}
qpd 86400
contact operator@ledger.example

  vkey\x20{format_vkey(FOREIGN)}
\torigin go.sum database tree
qpd 24\r
contact sysadmin (at) bar.org | https://bar.org/
"""


def test_what_people_write_is_read() -> None:
    assert read_log_list(LIST) == (
        ListedLog(KEY, KEY.name, 86_400, "operator@ledger.example"),
        ListedLog(FOREIGN, "go.sum database tree", 24, "sysadmin (at) bar.org | https://bar.org/"),
    )
    assert read_log_list("logs/v0") == ()


def test_a_list_of_a_witness_network_is_read() -> None:
    """Three logs of the network's testing list, revision 995d5ce."""
    logs = read_log_list(
        "#\n# No performance profile - this is only meant for dev/testing.\n#\nlogs/v0\n\n"
        "vkey arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f\n"
        "qpd 86400\ncontact google-ct-logs@googlegroups.com\n\n"
        "vkey log2025-alpha3.rekor.sigstage.dev+d3d3a70c+AZQ93VXPMmj9uZj7U/7CefQ9yy8RgYFv6mKzOseipjqp\n"
        "qpd 86400\ncontact infra-dev (at) sigstore.dev\n\n"
        "vkey vindex.gopherwatch.org+af4f4f3a+AYlEp21ErzmKZa+aqhjC8BQteyEtsVwmLzblkzHxn8et\n"
        "qpd 288\ncontact admin@gopherwatch.org\n"
    )
    assert [log.qpd for log in logs] == [86_400, 86_400, 288]


@pytest.mark.parametrize(
    ("old", "new", "line", "what", "remedy"),
    [
        ("logs/v0", "logs/v1", 2, "does not begin", "write logs/v0"),
        ("qpd 86400\n", "", 5, "no qpd line", "write qpd 86400"),
        ("contact operator@ledger.example\n", "", 5, "no contact line", "write contact"),
        ("contact operator@ledger.example", "contact", 7, "contact is empty", "write contact"),
        ("qpd 86400", "qpd 086400", 6, "leading zeroes", "write qpd"),
        ("qpd 86400", "qpd 2147483648", 6, "greater than", "write qpd"),
        ("qpd 86400", "qpd 0", 6, "qpd is 0", "allow it 1 a day"),
        ("qpd 86400", "rate 86400", 6, "'rate' is no word", "in this order"),
        ("qpd 86400\n", "qpd 86400\nqpd 1\n", 7, "qpd stands behind qpd", "keep to the order"),
        (TREE + "\nqpd 24", "qpd 24\norigin x", 11, "origin stands behind", "vkey, origin"),
        ("\torigin go.sum database tree", "origin", 10, "no origin", "first line of its checkpoints"),
        ("logs/v0\n", "logs/v0\nqpd 1\n", 3, "qpd stands before a vkey", "begin each log"),
        (f"vkey {format_vkey(KEY)}", "vkey x", 5, "name+hex8+base64", "copy the log's verifier key"),
        (format_vkey(KEY), format_vkey(WITNESS), 5, "is a witness's", "type 1"),
    ],
)
def test_what_cannot_be_used_is_named_by_its_line(
    old: str, new: str, line: int, what: str, remedy: str
) -> None:
    text = LIST.replace(old, new, 1)
    assert text != LIST
    with pytest.raises(LogListError, match=f"line {line}: ") as caught:
        read_log_list(text)
    assert what in str(caught.value)
    assert remedy in caught.value.remedy
    assert caught.value.remedy != ""


def test_a_log_stands_there_once_under_each_key() -> None:
    log = ListedLog(KEY, KEY.name, 5, "c")
    renewed = ListedLog(FOREIGN, KEY.name, 5, "c")
    assert read_log_list(format_log_list((log, renewed))) == (log, renewed)
    with pytest.raises(LogListError, match="listed twice"):
        read_log_list(format_log_list((log, renewed, log)))


@given(data=st.data())
def test_reading_is_total_and_what_is_read_is_written_the_same(data: st.DataObject) -> None:
    damaged = nearly(LIST.encode()).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
    text = data.draw(st.one_of(st.text(), damaged, st.text(alphabet="vkeyqpdcontactoriginlogs/v0+ \n#19=")))
    try:
        logs = read_log_list(text)
    except LogListError:
        return
    assert read_log_list(format_log_list(logs)) == logs
