"""`writ verify`, the page in a browser and `check.py` say the same of every bundle, each as far as it looks.

The page judges no law; `check.py` judges no law, roles or clocks (`checking.BEYOND`), and tells no word apart
from the operator's: what rests on it alone is sound to it. What a failure is about is read from the vector's
index, or from what `writ verify` says: no bundle is excused by its name.
"""

import base64
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from ledger.verifier_page import worker_script
from projections.runners.full import Request
from projections.runners.outcome import as_json
from projections.runners.rules import rules_hash
from projections.runners.verify import verify_bundle
from projections.statement import Log
from signing.encoding import encode_base64
from signing.policy import format_policy
from tests.browser import IN_BROWSER, Browser
from tests.examples.checking import BEYOND, check, kind_of
from tests.ledger import test_verifier_page as damaged
from tests.ledger import test_verifier_record as damaged_records
from tests.ledger.verifying_in_browser import SAID
from tests.projections import eventful
from tests.projections import test_mutation_members as foreign
from tests.projections.evidence import ASSESSOR, AUTHORITY, WITNESS, Evidence
from tests.projections.flipping import Files, raw_flips, sampled
from tests.projections.logbuilder import ORIGIN, LogBuilder, vkey_of
from tests.projections.recorded import bundle
from tests.projections.stamping import obeyed
from tests.projections.verifying import finished
from tests.signing.authority import Authority
from tests.vectors.bundled import ALL, contents, request
from tests.vectors.bundles import packed, statement_note, with_assessor
from tests.vectors.make import BUNDLES
from tests.vectors.mutation import Vectors

pytestmark = IN_BROWSER

VERIFY = """
async function said(raw, authority, log, policy, now) {
  const given = { authority, log, now, policy: policy === null ? null : readPolicy(policy) };
  const { word, failure } = await verifyBundle(new Blob([decodeBase64(raw)]), given, () => {});
  return { word, failure };
}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scripts(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """A browser with the page's scripts and nothing else."""
    folder = tmp_path_factory.mktemp("three")
    page = folder / "empty.html"
    page.write_text("<!doctype html><title>bundles</title>")
    async with Browser.launch(folder / "profile") as one:
        await one.open(page.as_uri())
        await one.value(worker_script() + VERIFY)
        yield one


@pytest.fixture(scope="module")
def vectors() -> dict[str, Vectors]:
    """The vectors, with statements under this program's own rules."""
    return {name: make(rules_hash()) for name, make in BUNDLES.items()}


async def on_page(scripts: Browser, path: Path, given: Request) -> dict[str, Any]:
    raw = base64.b64encode(path.read_bytes()).decode()
    policy = None if given.policy is None else format_policy(given.policy)
    words = map(json.dumps, (raw, given.authority, given.log_vkey, policy, given.now))
    found: dict[str, Any] = await scripts.value(f"said({', '.join(words)})")
    return found


async def agree(scripts: Browser, path: Path, given: Request, fails: str | None = None) -> str:
    """All three are asked; returns the word of `writ verify`.

    Where that finds what another does not look for, the other passes the bundle (`fails` given: nothing else
    is wrong with it), or finds another fault, which stands behind it.
    """
    report = as_json(verify_bundle(path, given))
    word, failure = SAID[report["exit_code"]], str(report["failure"])  # type: ignore[index]
    kind = fails or (kind_of(failure) if word == "not sound" else None)
    page = await on_page(scripts, path, given)
    if kind != "law":
        assert page["word"] == word, (failure, page)
    elif fails is not None:
        assert page["word"] != "not sound", "the page has learnt law: say so in docs/spec/verifier.md"
    vkeys = [given.log_vkey or vkey_of(ORIGIN), *([] if given.authority is None else [given.authority])]
    status, said = check(path, *vkeys)
    assert (status, "WRONG: " in said, "Traceback" in said) == (status, status == 1, False), said
    if "zip file version" in said:
        # Python's own zip reader does not try a version that it does not know; ours do not look at it.
        return word
    if kind not in BEYOND:
        assert status == (1 if word == "not sound" else 0), (failure, said)
    elif fails is not None:
        assert status == 0, said
    return word


@pytest.mark.parametrize(("name", "file", "fails"), ALL, ids=[f"{name}/{file}" for name, file, _ in ALL])
async def test_vectors(
    scripts: Browser, vectors: dict[str, Vectors], tmp_path: Path, name: str, file: str, fails: str
) -> None:
    cases = {f"{one.name}.zip": one.raw for one in vectors[name].cases}
    path = tmp_path / file
    path.write_bytes(cases.get(file, vectors[name].good))
    word = await agree(scripts, path, request(name), fails)
    assert (word == "not sound") == (fails not in ("good", "told", "word"))


@pytest.mark.parametrize("tamper", damaged.TAMPERED)
async def test_tampered_bundles(scripts: Browser, tmp_path: Path, tamper: Callable[[Files], None]) -> None:
    done = finished()
    files = done.files(ASSESSOR)
    tamper(files)
    path = tmp_path / "b.zip"
    path.write_bytes(packed(files))
    given = Request(authority=vkey_of(AUTHORITY), now=done.as_of + 60, workers=0)
    assert await agree(scripts, path, given) == "not sound"


@pytest.mark.parametrize("cheat", damaged.DISHONEST)
async def test_dishonest_logs(scripts: Browser, tmp_path: Path, cheat: Callable[[LogBuilder], None]) -> None:
    """Checkpoint and statement fit what he made of it."""
    done = finished()
    statement = done.statement()
    cheat(done.log)
    head = done.log.checkpoint()
    about = Log(head.origin, encode_base64(head.root), head.size)
    stated = statement_note(msgspec.structs.replace(statement, log=about), ASSESSOR)
    path = tmp_path / "b.zip"
    path.write_bytes(packed(with_assessor({**done.log.tree(WITNESS), "statement": stated})))
    given = Request(authority=vkey_of(AUTHORITY), now=statement.as_of + 60, workers=0)
    assert await agree(scripts, path, given) == "not sound"


@pytest.mark.parametrize("cheat", damaged_records.DISHONEST)
async def test_dishonest_logs_about_a_record(
    scripts: Browser, tmp_path: Path, cheat: Callable[[LogBuilder], None]
) -> None:
    done = finished()
    cheat(done.log)
    path = tmp_path / "r.zip"
    path.write_bytes(packed(bundle(done)))
    assert await agree(scripts, path, request("bundle/record")) == "not sound"


@pytest.mark.parametrize(("change", "_why"), foreign.FOREIGN)
async def test_what_belongs_elsewhere(
    scripts: Browser, tmp_path: Path, change: Callable[[Evidence], Files], _why: str
) -> None:
    good = eventful.bundles()["full"]
    path = tmp_path / "b.zip"
    path.write_bytes(packed(good.files | change(eventful.stamped())))
    assert await agree(scripts, path, good.request) == "not sound"


@pytest.mark.parametrize(("kind", "change", "_why"), foreign.EXTRA)
async def test_a_member_too_many(
    scripts: Browser, tmp_path: Path, kind: str, change: Callable[[Files], Files], _why: str
) -> None:
    good = eventful.bundles()[kind]
    path = tmp_path / "b.zip"
    path.write_bytes(packed(change(dict(good.files))))
    assert await agree(scripts, path, good.request) == "not sound"


@pytest.mark.parametrize(
    ("place", "value"), [(8, 1), (10, 12), (22, 9)], ids=["encrypted", "another method", "overlapping"]
)
async def test_a_page_that_is_not_plainly_packed(
    scripts: Browser, tmp_path: Path, place: int, value: int
) -> None:
    """Nobody reads it; but a bundle has nothing in it that can't be read."""
    good = eventful.bundles()["compact"]
    raw = bytearray(packed(good.files | {"README.txt": b"Read me.\n"}))
    listed = raw.rindex(b"README.txt") - 46
    assert raw[listed : listed + 4] == b"PK\1\2"
    raw[listed + place] = value
    path = tmp_path / "b.zip"
    path.write_bytes(raw)
    assert await agree(scripts, path, good.request) == "not sound"


async def test_a_page_whose_own_header_is_of_another_length(scripts: Browser, tmp_path: Path) -> None:
    """A page is read by nobody, and so is what its header says of it."""
    good = eventful.bundles()["compact"]
    raw = bytearray(packed({"README.txt": b"Read me.\n"} | good.files))
    raw[raw.index(b"README.txt") - 2] ^= 4
    path = tmp_path / "b.zip"
    path.write_bytes(raw)
    assert await agree(scripts, path, good.request) != "not sound"


@pytest.mark.parametrize(("roots", "witnessed"), [(True, True), (False, True), (True, False)])
async def test_time_stamps(scripts: Browser, tmp_path: Path, roots: bool, witnessed: bool) -> None:
    done = obeyed(Authority(tmp_path / "authority"), roots=roots, witnessed=witnessed)
    path = tmp_path / "b.zip"
    path.write_bytes(packed(done.files(ASSESSOR, provisional=False)))
    given = Request(authority=vkey_of(AUTHORITY), now=done.as_of + 60, workers=0)
    assert await agree(scripts, path, given) == (SAID[0] if witnessed else SAID[4])


@pytest.mark.parametrize("count", [24, pytest.param(400, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", BUNDLES)
async def test_flips(
    scripts: Browser, vectors: dict[str, Vectors], tmp_path: Path, name: str, count: int
) -> None:
    """Flipped bytes of members, and of the zip itself."""
    good, path = vectors[name].good, tmp_path / "b.zip"
    files = contents(good)
    for one in sampled(files, count, seed=count):
        path.write_bytes(packed(files | {one.path: one.of(files[one.path])}))
        await agree(scripts, path, request(name))
    for one in raw_flips(len(good), count // 4, seed=count):
        path.write_bytes(one.of(good))
        await agree(scripts, path, request(name))
