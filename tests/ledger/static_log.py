"""A log as static files, behind a real socket: honest, or hostile as told. Its entries are any bytes."""

import http.server
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.keys import ED25519, SigningKey
from signing.merkle import leaf_hashes_of, range_of, root_of
from signing.note import format_note
from signing.tiles import static_tree
from tests.ledger.test_cli import SERVER_ONLY

KEY = SigningKey("ledger.example/static", ED25519, bytes(range(32)))


class StaticLog:
    """Its tree at a size, and what it answers instead of the truth."""

    def __init__(self, size: int, history: int = 0, forked_at: int = 0) -> None:
        self.entries = [
            f"{history if number >= forked_at else 0} {number}".encode() for number in range(size)
        ]
        self.files: dict[str, bytes] = {}
        self.lies: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.drip_s = 0.0
        self.answers: dict[str, tuple[int, str]] = {}
        """Another status for a path, and where it says to go instead."""
        self.show(size)

    def show(self, size: int) -> None:
        """Hand out the tree of its first `size` entries."""
        self.files = static_tree(self.entries[:size]) | {"checkpoint": self.checkpoint(size)}

    def checkpoint(self, size: int) -> bytes:
        """The signed checkpoint of a size."""
        root = root_of(range_of(0, leaf_hashes_of(self.entries[:size])))
        return format_note(sign_checkpoint(Checkpoint(KEY.name, size, root), KEY))


@contextmanager
def handing_out(log: StaticLog) -> Iterator[str]:
    """The log's URL, until the block ends."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.lstrip("/")
            log.asked.append(path)
            body = log.lies.get(path, log.files.get(path))
            status, elsewhere = log.answers.get(path, (404 if body is None else 200, ""))
            self.send_response(status)
            if elsewhere:
                self.send_header("Location", elsewhere)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            for byte in (body or b"") if log.drip_s else ():
                self.wfile.write(bytes([byte]))
                time.sleep(log.drip_s)
            if not log.drip_s:
                self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    with answering(Answer) as url:
        yield url


@contextmanager
def answering(handler: Callable[..., http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """A web server's URL, until the block ends."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def loaded(*words: str) -> str:
    """Run a command; its exit code, and which of the service's packages it loaded."""
    script = (
        "import sys; from ledger.cli import main\n"
        "code = main(sys.argv[1:])\n"
        f"print(code, [name for name in {SERVER_ONLY!r} if name in sys.modules], file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr
