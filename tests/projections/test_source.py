"""A hostile file, folder or server can't exhaust the reader, nor make him read elsewhere."""

import io
import pickle
import struct
import threading
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from projections.runners import archive
from projections.runners import source as module
from projections.runners.offline import replay
from projections.runners.source import (
    DirectorySource,
    Missing,
    Source,
    UrlSource,
    ZipSource,
    open_source,
)
from signing.errors import FormatError
from tests.projections.logbuilder import LogBuilder, write_tree, write_zip

FILES = LogBuilder().tree()


@pytest.fixture
def url() -> Iterator[str]:
    """A server of the tree under /logs/l, with its bearer token, and of traps."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.removeprefix("/logs/l/")
            if path == "checkpoint" and self.headers.get("Authorization") != "Bearer secret":
                self._answer(401, b"")
            elif path == "statement":
                self.send_response(302)
                self.send_header("Location", "/logs/l/README.txt")
                self.end_headers()
            elif path == "README.txt":
                self._answer(200, bytes(module.MAX_TEXT_BYTES + 1))
            elif path in FILES:
                self._answer(200, FILES[path])
            else:
                self._answer(404, b"")

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/logs/l"
    server.shutdown()
    thread.join()
    server.server_close()


def sources(tmp_path: Path, url: str) -> list[Source]:
    folder = write_tree(FILES, tmp_path / "tree")
    path = write_zip(FILES, tmp_path / "log.zip")
    return [open_source(str(folder)), open_source(str(path)), open_source(url, "secret")]


def test_three_sources_read_the_same(tmp_path: Path, url: str) -> None:
    found = sources(tmp_path, url)
    assert list(map(type, found)) == [DirectorySource, ZipSource, UrlSource]
    for source in found:
        copy: Source = pickle.loads(pickle.dumps(source))
        for path, content in FILES.items():
            assert source.read(path) == copy.read(path) == content
            assert source.has(path)
        assert not source.has("tile/5/000")
        with pytest.raises(Missing, match="tile/5/000") as caught:
            source.read("tile/5/000")
        assert bool(caught.value.remedy) == (source is found[2]), "an address may be that of no log"
        assert replay(source).audited.checkpoint.size == 2
        source.close()
        copy.close()


@pytest.mark.parametrize(
    "path", ["../secret", "/etc/passwd", "tile/entries/../../x", "x", "tile/entries/0001", ""]
)
def test_no_other_path_is_read(tmp_path: Path, url: str, path: str) -> None:
    for source in (DirectorySource(tmp_path), UrlSource(url, None)):
        with pytest.raises(FormatError, match="not a path of a log"):
            source.read(path)


def test_a_server_can_t_exhaust_or_lead_astray(url: str) -> None:
    source = UrlSource(url, "secret")
    with pytest.raises(FormatError, match="longer than"):
        source.read("README.txt")
    with pytest.raises(OSError, match="302"):
        source.read("statement")
    with pytest.raises(OSError, match="401"):
        UrlSource(url, None).read("checkpoint")


def test_a_folder_s_file_is_bounded(tmp_path: Path) -> None:
    folder = write_tree({"tile/0/000": bytes(8193)}, tmp_path)
    with pytest.raises(FormatError, match="longer than 8,192 bytes"):
        DirectorySource(folder).read("tile/0/000")


# --- Zips.

Members = list[tuple[str, bytes]]


def packed(members: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def duplicated() -> bytes:
    with pytest.warns(UserWarning, match="Duplicate"):
        return packed([("checkpoint", b"1"), ("checkpoint", b"2")])


def commented() -> bytes:
    """A zip in the comment of a zip: which of the two a program reads depends on the program."""
    outer, inner = packed([("checkpoint", b"1")]), packed([("checkpoint", b"2")])
    return outer[:-2] + struct.pack("<H", len(inner)) + inner[:-22] + b"PK\x05\x07" + inner[-18:]


def renamed() -> bytes:
    """The directory and the member itself differ on its name."""
    return packed([("checkpoint", b"1")]).replace(b"checkpoint", b"README.txt", 1)


def lying_about_size() -> bytes:
    """The directory says 10 bytes; more than that is packed."""
    raw = bytearray(packed([("checkpoint", b"x" * 1000)]))
    at = raw.rindex(b"PK\x01\x02") + 24
    raw[at : at + 4] = struct.pack("<L", 10)
    return bytes(raw)


def lying_about_count() -> bytes:
    raw = bytearray(packed([("checkpoint", b"x")]))
    at = raw.rindex(b"PK\x05\x06")
    raw[at + 12 : at + 16] = struct.pack("<L", 0xFFFFFF00)
    return bytes(raw)


def overlapping() -> bytes:
    """Two members that point at the same packed bytes."""
    raw = bytearray(packed([("checkpoint", b"x" * 50_000)], zipfile.ZIP_STORED))
    start = raw.rindex(b"PK\x01\x02")
    end = raw.rindex(b"PK\x05\x06")
    record = bytes(raw[start:end]).replace(b"checkpoint", b"README.txt")
    tail = bytearray(raw[end:])
    struct.pack_into("<HHL", tail, 8, 2, 2, 2 * len(record))
    return bytes(raw[:end]) + record + bytes(tail)


def padded() -> bytes:
    """The directory says 10 bytes; they are packed in more than a tile may have."""
    raw = bytearray(packed([("tile/0/000", bytes(100_000))], zipfile.ZIP_STORED))
    struct.pack_into("<L", raw, raw.rindex(b"PK\x01\x02") + 24, 10)
    return bytes(raw)


def zip64_hidden() -> bytes:
    """A small directory in plain sight, and a zip64 record that claims a billion files."""
    raw = packed([("checkpoint", b"x")])
    at = raw.rindex(b"PK\x05\x06")
    record = struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 10**9, 10**9, 1 << 40, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    return raw[:at] + record + locator + raw[at:]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: b"", "no zip directory"),
        (lambda: b"PK\x05\x06", "no zip directory"),
        (lambda: bytes(100_000), "no zip directory"),
        (lambda: packed([("../../etc/passwd", b"x")]), "no part of a bundle"),
        (lambda: packed([("/checkpoint", b"x")]), "no part of a bundle"),
        (lambda: packed([("checkpointZ.html", b"x")]).replace(b"tZ", b"t\0"), "no part of a bundle"),
        (lambda: packed([("tile/0/../0/000", b"x")]), "no part of a bundle"),
        (lambda: packed([("tile\\0\\000", b"x")]), "no part of a bundle"),
        (lambda: packed([("./checkpoint", b"x")]), "no part of a bundle"),
        (lambda: packed([("Checkpoint", b"x")]), "no part of a bundle"),
        (lambda: packed([("checkpoint\n", b"x")]), "no part of a bundle"),
        (lambda: packed([("tile/0/\u0660\u0660\u0660", b"x")]), "no part of a bundle"),
        (lambda: packed([("tile/", b"")]), "no part of a bundle"),
        (lambda: packed([("inner.zip", packed([("checkpoint", b"x")]))]), "no part of a bundle"),
        (lambda: packed([("checkpoint", b"x")]) + b"y", "something stands after its zip directory"),
        (lambda: b"y" + packed([("checkpoint", b"x")]), "its directory is misplaced"),
        (commented, "something stands after its zip directory"),
        (duplicated, "stands in it twice"),
        (lambda: packed([("checkpoint", b"x")], zipfile.ZIP_BZIP2), "other than deflate"),
        (lambda: packed([("tile/0/000", bytes(8193))]), "would unpack to 8,193 bytes"),
        (lambda: packed([("tile/entries/000", bytes(16_000_000))]), "a zip bomb"),
        (padded, "packed in 100,000 bytes; it may have at most 8,192"),
        (lying_about_count, "too many"),
        (overlapping, "overlap"),
        (zip64_hidden, "too many"),
    ],
)
def test_a_hostile_zip_is_refused(tmp_path: Path, make: Callable[[], bytes], said: str) -> None:
    path = tmp_path / "hostile.zip"
    path.write_bytes(make())
    with pytest.raises(FormatError, match="not a bundle") as failure:
        ZipSource(path)
    assert said in str(failure.value)


def far_off(places: bytes) -> bytes:
    """A member so far behind that its place stands in the directory's zip64 field: these bytes."""
    raw = bytearray(packed([("checkpoint", b"x" * 1000)]))
    begin, end = raw.rindex(b"PK\x01\x02"), raw.rindex(b"PK\x05\x06")
    field = struct.pack("<HH", 1, len(places)) + places
    struct.pack_into("<H", raw, begin + 30, len(field))
    struct.pack_into("<L", raw, begin + 42, 0xFFFFFFFF)
    struct.pack_into("<L", raw, end + 12, end - begin + len(field))
    return bytes(raw[:end]) + field + bytes(raw[end:])


def test_a_member_beyond_four_gigabytes_is_found(tmp_path: Path) -> None:
    path = tmp_path / "far.zip"
    path.write_bytes(far_off(struct.pack("<Q", 0)))
    with ZipSource(path) as source:
        assert source.read("checkpoint") == b"x" * 1000
    for places in (b"", bytes(7)):
        path.write_bytes(far_off(places))
        with pytest.raises(FormatError, match="its directory is damaged"):
            ZipSource(path)
    path.write_bytes(far_off(struct.pack("<Q", 1 << 40)))
    with pytest.raises(FormatError):
        ZipSource(path)


def test_more_members_than_a_plain_zip_can_count(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    path.write_bytes(packed([(f"proof/{at}/event", b"%d" % at) for at in range(66_000)]))
    with ZipSource(path) as source:
        assert len(source.paths) == 66_000
        assert [source.read(f"proof/{at}/event") for at in (0, 65_999)] == [b"0", b"65999"]
        assert not source.has("proof/66000/event")
        with pickle.loads(pickle.dumps(source)) as copy:
            assert copy.read("proof/7/event") == b"7"


def spaced(first: bytes = b"", between: bytes = b"") -> bytes:
    """Two members with something before and between them, of which the directory knows."""
    one, two = (packed([(name, b"x")], zipfile.ZIP_STORED) for name in ("checkpoint", "statement"))
    bodies, records, offset = b"", b"", 0
    for raw, before in ((one, first), (two, between)):
        begin, end = raw.index(b"PK\x01\x02"), raw.index(b"PK\x05\x06")
        records += raw[begin : begin + 42] + struct.pack("<L", offset + len(before)) + raw[begin + 46 : end]
        bodies += before + raw[:begin]
        offset = len(bodies)
    return bodies + records + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, len(records), offset, 0)


def test_each_member_fills_its_place(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    path.write_bytes(spaced())
    with ZipSource(path) as source:
        assert [source.read(name) for name in source.paths] == [b"x", b"x"]
    path.write_bytes(spaced(between=b"hello"))
    with ZipSource(path) as source, pytest.raises(FormatError, match="it does not fill its place"):
        source.read("checkpoint")
    path.write_bytes(spaced(first=b"hello"))
    with pytest.raises(FormatError, match="something stands before its first file"):
        ZipSource(path)


@pytest.mark.parametrize("make", [lying_about_size, renamed])
def test_no_more_is_unpacked_than_was_said(tmp_path: Path, make: Callable[[], bytes]) -> None:
    path = tmp_path / "hostile.zip"
    path.write_bytes(make())
    with ZipSource(path) as source, pytest.raises(FormatError, match="checkpoint"):
        source.read("checkpoint")


def test_too_many_files_are_counted_before_they_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [(f"proof/{at}/event", b"") for at in range(20_000)]
    path = tmp_path / "hostile.zip"
    path.write_bytes(packed(members))
    monkeypatch.setattr(archive, "MAX_MEMBERS", 10_000)
    tracemalloc.start()
    with pytest.raises(FormatError, match="20,000 files"):
        ZipSource(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 1 << 20


def test_any_damage_to_a_zip_is_a_refusal_and_never_a_crash(tmp_path: Path) -> None:
    raw = packed(list(FILES.items()))
    path = tmp_path / "damaged.zip"
    for at in range(0, len(raw), 3):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 0x55]) + raw[at + 1 :])
        try:
            with ZipSource(path) as source:
                for name in FILES:
                    if source.has(name):
                        source.read(name)
        except FormatError:
            pass
