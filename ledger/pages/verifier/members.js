// Members: in a bundle stands what its kind has, and nothing else. What nobody reads, nobody checks.

const ORDER_MEMBERS = new Set(["README.txt", "checkpoint", "report.html", "statement"]);
const RECORD_MEMBERS = new Set(["README.txt", "checkpoint", "record"]);
const PROOF_MEMBER =
  /^proof\/(0|[1-9][0-9]*)\/(event|submission|(event|submission|source)\.tlog-proof)$/;

// A full bundle of a log with so many entries: every tile as wide as that log has it.
function checkFullMembers(paths, size) {
  const tiles = new Set(tilePathsOf(size));
  checkMembersOf("a full bundle", paths, ORDER_MEMBERS, (path) => tiles.has(path));
}

function checkCompactMembers(paths) {
  checkMembersOf("a compact bundle", paths, ORDER_MEMBERS, (path) => PROOF_MEMBER.test(path));
}

function checkRecordMembers(paths) {
  checkMembersOf("a record's bundle", paths, RECORD_MEMBERS, (path) => PROOF_MEMBER.test(path));
}

function checkMembersOf(what, paths, named, isOther) {
  const attested = named.has("statement") ? paths.filter((path) => path.startsWith("attestation/")).length : 0;
  const numbered = new Set(Array.from({ length: attested }, (_, number) => `attestation/${number}`));
  const stray = paths.find((path) => !named.has(path) && !numbered.has(path) && !isOther(path));
  if (stray !== undefined) throw new ProofError(`${stray}: no part of ${what}`);
}

// Every hash tile and entry bundle of a tree of this size.
function* tilePathsOf(size) {
  for (let level = 0, filled = size; filled > 0; level++, filled = Math.floor(filled / TILE_WIDTH)) {
    for (let index = 0; index * TILE_WIDTH < filled; index++) {
      const width = Math.min(TILE_WIDTH, filled - index * TILE_WIDTH);
      yield tilePath(String(level), index, width);
      if (level === 0) yield tilePath("entries", index, width);
    }
  }
}
