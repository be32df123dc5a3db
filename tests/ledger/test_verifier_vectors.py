"""The verifier page's scripts read the vectors that the Python reads, and refuse what it refuses."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from ledger.verifier_page import worker_script
from signing.encoding import encode_base64
from tests.browser import IN_BROWSER, Browser

pytestmark = IN_BROWSER

VECTORS = Path(__file__).parents[1] / "vectors"
C2SP = VECTORS / "c2sp"

VERIFIERS = """
const VERIFIERS = {
  vkey: (raw) => parseVkey(decodeUtf8(raw)),
  note: (raw, given) => verifyNote(parseNote(raw), parseVkey(given.vkey)),
  checkpoint: (raw, given) => verifyCheckpoint(parseNote(raw), parseVkey(given.vkey)),
  policy: (raw) => parsePolicy(decodeUtf8(raw)),
  entry: (raw) => parseEntry(raw),
  "tlog-proof": (raw, given) =>
    verifyProof(parseProof(raw), decodeBase64(given.leaf), parseVkey(given.vkey)),
  attestation: (raw, given) =>
    openAttestation(parseNote(raw), parseVkey(given.vkey), decodeBase64(given.statement)),
  statement: async (raw, given) => {
    const note = parseNote(raw);
    parseStatement(note.text);
    for (const key of [given.operator, given.assessor]) await verifyNote(note, parseVkey(key));
  },
  timestamp: (raw, given) =>
    readTimestamp(raw, parseNote(decodeBase64(given.checkpoint)).text, [decodeBase64(given.root)]),
  cosignature: async (raw, given) => {
    const note = parseNote(raw);
    const time = await verifyCosignature(note.text, note.signatures[1], parseVkey(given.vkey));
    if (time !== given.time_s) throw new ProofError("another time");
  },
  submission: async (raw, given) => {
    const [head, signatures, ...rest] = decodeUtf8(raw).split("\\n\\n");
    const { note, text } = parseSubmissionNote(utf8.encode(`${head}\\n\\n${signatures}\\n`));
    await checkSubmissionSignature(note, text, parseVkey(given.vkey));
    const before = decodeBase64(given.frontier_before);
    const frontier = new Frontier(given.size_before, [before]);
    if (frontier.size !== text.base) throw new ProofError("line 5");
    const lines = rest.join("\\n\\n").split("\\n").slice(0, -1);
    for (const line of lines) frontier.push(leafHash(utf8.encode(line)));
    if (frontier.size !== text.size || !sameBytes(frontier.root(), text.root)) throw new ProofError("line 3");
  },
};
async function outcomeOf(name, raw, given) {
  try {
    await VERIFIERS[name](decodeBase64(raw), given);
  } catch (error) {
    if (error instanceof FormatError) return "format";
    if (error instanceof ProofError) return "proof";
    return String(error);
  }
  return "good";
}
"""
FORMATS = (
    "vkey",
    "attestation",
    "note",
    "checkpoint",
    "cosignature",
    "policy",
    "tlog-proof",
    "entry",
    "statement",
    "submission",
    "timestamp",
)
# A log keeps a submission's note and each of its lines by itself: what frames them in a post, no bundle has.
FRAMING = {"no-final-newline", "text-after-the-end", "line-left-out", "line-added", "empty-line"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scripts(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """A browser with the page's scripts and nothing else."""
    folder = tmp_path_factory.mktemp("browser")
    page = folder / "empty.html"
    page.write_text("<!doctype html><title>vectors</title>")
    async with Browser.launch(folder / "profile") as one:
        await one.open(page.as_uri())
        await one.value(worker_script() + VERIFIERS)
        yield one


@pytest.mark.parametrize("name", FORMATS)
async def test_vectors(scripts: Browser, name: str) -> None:
    index: dict[str, Any] = json.loads((VECTORS / name / "index.json").read_text())
    expected = {"good": "good", **{one["file"]: one["fails"] for one in index["bad"]}}
    if name == "submission":
        expected = {file: kind for file, kind in expected.items() if file not in FRAMING}
    found = {}
    given = json.dumps(timestamped(index["given"]) if name == "timestamp" else index["given"])
    for file in expected:
        raw = encode_base64((VECTORS / name / file).read_bytes())
        found[file] = await scripts.value(f"outcomeOf({json.dumps(name)}, {json.dumps(raw)}, {given})")
    assert found == expected


def timestamped(given: dict[str, str]) -> dict[str, str]:
    """The files that the index of time-stamps names, in base64."""
    root = load_pem_x509_certificate((VECTORS / "timestamp" / given["root"]).read_bytes())
    checkpoint = (VECTORS / "timestamp" / given["checkpoint"]).read_bytes()
    return {"checkpoint": encode_base64(checkpoint), "root": encode_base64(root.public_bytes(Encoding.DER))}


async def test_the_c2sp_log(scripts: Browser) -> None:
    """The tiles of 300 entries, read and made anew; the checkpoint's root; a witness's time."""
    files = {
        str(path.relative_to(C2SP / "log")): encode_base64(path.read_bytes())
        for path in (C2SP / "log").rglob("*")
        if path.is_file()
    }
    found = await scripts.value(
        f"""(async () => {{
            const files = {json.dumps(files)};
            const source = {{ read: async (path) => decodeBase64(files[path]) }};
            const history = new History();
            for (const [index, count] of [[0, 256], [1, 44]]) {{
              const raw = await source.read(tilePath("entries", index, count));
              for (const entry of decodeEntries(raw, count)) history.push(leafHash(entry));
            }}
            await compareUpperTiles(source, history);
            compareLeaves({{ history }}, 256, 44, await source.read("tile/0/001.p/44"));
            const note = parseNote(await source.read("checkpoint"));
            const checkpoint = parseCheckpoint(note.text);
            const root = encodeBase64(history.rootAt(300));
            return [root === encodeBase64(checkpoint.root), root, encodeBase64(history.rootAt(200))];
        }})()"""
    )
    roots = ["15eSMC/lwjZ4KVhvRRw/knYQ5R2oXVBQoubvHYTzzq8=", "yD6qJcI1jOWLpNrAwGkmCHLsIO1seuBZPlWUcKOGEk8="]
    assert found == [True, *roots]


async def test_the_browser_s_own_hash_agrees(scripts: Browser) -> None:
    assert await scripts.value("selfTest().then(() => 'right')") == "right"
