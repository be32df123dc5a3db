"""The positive control of a look: live handles, drawn by chance, which it must find.

With another key, in another table or in a part of the store nothing is found that was erased, nor all that
is live. That nothing was found says something only where the whole control was.
"""

from collections.abc import Iterable
from random import Random

from ledger.failure import Failure
from ledger.remote import RemoteLog
from ledger.remote_sets import ledger_lines, ledger_set
from signing.setdigest import EMPTY_BUCKET, bucket_of


async def draw_control(
    log: RemoteLog, store: str, wish: int, chance: Random, size: int | None = None
) -> frozenset[str]:
    """As many as wished, or as there are, of the handles that the ledger has live in a store at `size`."""
    live = await ledger_set(log, store, size)
    filled = [bucket for bucket, hashed in enumerate(live.hashes) if hashed != EMPTY_BUCKET]
    chance.shuffle(filled)
    each = max(1, live.seen.count // len(filled)) if filled else 1
    lines = await ledger_lines(log, live, filled[: -(-wish // each)])
    drawn = sorted(line.decode() for some in lines.values() for line in some)
    return frozenset(chance.sample(drawn, min(wish, len(drawn))))


async def still_live(log: RemoteLog, store: str, handles: Iterable[str]) -> frozenset[str]:
    """Those of some handles that the ledger has live in a store by now: the others were rightly not found."""
    asked = {handle.encode() for handle in handles}
    if not asked:
        return frozenset()
    live = await ledger_set(log, store)
    lines = await ledger_lines(log, live, sorted(map(bucket_of, asked)))
    return frozenset(line.decode() for some in lines.values() for line in some if line in asked)


def require_control(checked: int, found: int, shown: str, store: str) -> None:
    """Refuse to say that nothing was found where not all can be; `shown` names what was read."""
    if checked and checked == found:
        return
    few = "none" if not found else f"only {found:,}"
    raise Failure(
        f"{few} of {checked:,} live handles of {store} {'was' if found < 2 else 'were'} found in {shown}, "
        "so a look that finds nothing there says nothing",
        "see that all of the store's keys stand there, whole and in the sequence that was blinded. What is "
        f"missing, `writ inventory {store}` and `writ reconcile {store}` name; what was erased there and not "
        "posted yet, post, and look again",
    )
