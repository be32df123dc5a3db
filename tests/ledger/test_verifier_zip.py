"""Whatever a zip claims, the verifier page refuses what `writ verify` refuses, and reads what it reads."""

import base64
import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser import IN_BROWSER, Browser
from tests.ledger.verifying_in_browser import both
from tests.projections.evidence import AUTHORITY, Evidence
from tests.projections.logbuilder import rfc3339, vkey_of
from tests.projections.streamed import streamed
from tests.projections.verifying import Out, finished

pytestmark = IN_BROWSER

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def done() -> Evidence:
    """A log whose order was carried out."""
    return finished()


def packed(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that stands twice
        with zipfile.ZipFile(buffer, "w", method) as archive:
            for name, raw in files.items():
                archive.writestr(name.removesuffix("#"), raw)
    return buffer.getvalue()


def with_zip64_sizes(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in files.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(raw)
    return buffer.getvalue()


@pytest.mark.parametrize("how", [lambda files: packed(files, 0), packed, streamed, with_zip64_sizes])
async def test_every_way_to_pack_a_bundle_is_read(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out, how: Callable[[Files], bytes]
) -> None:
    path = tmp_path / "b.zip"
    path.write_bytes(how(done.files()))
    page, _ = await both(browser, path, done, capsys)
    assert page.startswith("Sound")


def end_of(raw: bytes | bytearray) -> int:
    return raw.rindex(b"PK\x05\x06")


def with_foreign_member(files: Files) -> bytes:
    return packed({**files, "tile/0/../../x": b""})


def with_a_name_twice(files: Files) -> bytes:
    return packed({**files, "statement#": files["statement"]})


def by_another_method(files: Files) -> bytes:
    return packed(files, zipfile.ZIP_BZIP2)


def with_a_bomb(files: Files) -> bytes:
    return packed({**files, "report.html": bytes(32 << 20)})


def too_long(files: Files) -> bytes:
    return packed({**files, "tile/0/000": bytes(8193)})


def packed_in_too_much(files: Files) -> bytes:
    """A tile of the right size, packed in more than it may have."""
    raw = bytearray(packed({"tile/0/000": bytes(100_000), **files}, 0))
    struct.pack_into("<L", raw, raw.index(b"PK\x01\x02") + 24, 10)
    return bytes(raw)


def cut_off(files: Files) -> bytes:
    return packed(files)[:-40]


def encrypted(files: Files) -> bytes:
    raw = bytearray(packed(files))
    at = raw.index(b"PK\x01\x02")
    raw[at + 8] |= 1
    return bytes(raw)


def without_zip64_directory(files: Files) -> bytes:
    raw = bytearray(packed(files))
    struct.pack_into("<H", raw, end_of(raw) + 10, 0xFFFF)
    return bytes(raw)


def with_too_large_a_directory(files: Files) -> bytes:
    raw = bytearray(packed(files))
    struct.pack_into("<L", raw, end_of(raw) + 12, 200 << 20)
    return bytes(raw)


def with_overlap(files: Files) -> bytes:
    """Two names for the bytes of one member."""
    raw = bytearray(packed(files))
    first = raw.index(b"PK\x01\x02")
    second = raw.index(b"PK\x01\x02", first + 4)
    raw[second + 42 : second + 46] = raw[first + 42 : first + 46]
    return bytes(raw)


def with_one_inside_another(files: Files) -> bytes:
    """The bytes of a member, header and all, are part of another's content."""
    inner = packed({"README.txt": b"read me"}, 0)
    member, record = inner[: inner.index(b"PK\x01\x02")], inner[inner.index(b"PK\x01\x02") : end_of(inner)]
    raw = packed({**files, "report.html": member}, 0)
    begin = raw.index(b"PK\x01\x02")
    # The first place is that of the outer member's content: its own header stands before.
    record = record[:42] + struct.pack("<L", raw.index(member)) + record[46:]
    end = bytearray(raw[end_of(raw) :])
    count, size_bytes = struct.unpack_from("<HL", end, 10)
    struct.pack_into("<HHL", end, 8, count + 1, count + 1, size_bytes + len(record))
    return raw[:begin] + raw[begin : end_of(raw)] + record + bytes(end)


def on_another_disk(files: Files) -> bytes:
    raw = bytearray(packed(files))
    raw[raw.index(b"PK\x01\x02") + 34] = 1
    return bytes(raw)


def with_other_content(files: Files) -> bytes:
    raw = packed(files, 0)
    return raw.replace(files["statement"], files["statement"].replace(b"writ/", b"rwit/"))


def with_a_false_checksum(files: Files) -> bytes:
    raw = bytearray(packed({"statement": files["statement"], **files}))
    raw[raw.index(b"PK\x01\x02") + 16] ^= 1
    return bytes(raw)


def with_a_false_size(files: Files) -> bytes:
    """It unpacks to more than its directory says."""
    raw = bytearray(packed(files))
    at = raw.index(b"PK\x01\x02")
    struct.pack_into("<L", raw, at + 24, 10)
    return bytes(raw)


def with_a_comment(files: Files) -> bytes:
    buffer = io.BytesIO(packed(files))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"hello"
    return buffer.getvalue()


def with_another_zip_behind(files: Files) -> bytes:
    return packed(files) + packed({"statement": b""})[:-22]


def with_something_before(files: Files) -> bytes:
    return b"hello" + packed(files)


def no_zip(files: Files) -> bytes:
    return files["statement"]


def empty(files: Files) -> bytes:
    return b""


HOSTILE: list[Callable[[Files], bytes]] = [
    with_foreign_member,
    with_a_name_twice,
    by_another_method,
    with_a_bomb,
    too_long,
    packed_in_too_much,
    cut_off,
    encrypted,
    without_zip64_directory,
    with_too_large_a_directory,
    with_overlap,
    with_one_inside_another,
    on_another_disk,
    with_other_content,
    with_a_false_checksum,
    with_a_false_size,
    with_a_comment,
    with_another_zip_behind,
    with_something_before,
    no_zip,
    empty,
]


@pytest.mark.parametrize("make", HOSTILE)
async def test_a_hostile_zip(
    browser: Browser, done: Evidence, tmp_path: Path, capsys: Out, make: Callable[[Files], bytes]
) -> None:
    path = tmp_path / "b.zip"
    path.write_bytes(make(done.files()))
    page, _ = await both(browser, path, done, capsys)
    assert page.startswith("Not sound")
    assert "of no expected form" not in page


async def test_a_bundle_that_is_dropped(browser: Browser, done: Evidence) -> None:
    content = base64.b64encode(packed(done.files())).decode()
    now = rfc3339((done.as_of + 60) * 1_000_000)
    given = json.dumps([content, vkey_of(AUTHORITY), now])
    await browser.value(
        f"""{{
            const [content, authority, now] = {given};
            const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([bytes], "dropped.zip"));
            document.body.dispatchEvent(new DragEvent("drop", {{ dataTransfer, bubbles: true }}));
            byId("authority").value = authority;
            byId("now").value = now;
            byId("result").hidden = true;
            byId("check").click();
        }}"""
    )
    await browser.until("!byId('result').hidden || !byId('usage').hidden")
    said = await browser.value("byId('result').innerText")
    assert said.startswith("Sound")
    assert "dropped.zip" in said
