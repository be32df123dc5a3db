// A bundle, verified: the steps of docs/spec/bundle.md but for the law, which is not judged again.

const UNPROVEN = [
  "the verdict and its counts: this page has not replayed the events and judged the order again, `writ verify` does",
  "that each event has just the fields of its type, and that no event stands twice under one source and id",
];

// What was found: filled in as verification goes on, so that where it fails, what held before is told too.
async function verifyBundle(blob, given, onProgress) {
  const outcome = {
    kind: null, failure: null, statement: null, headline: null, order: null, record: null, witnessed: false,
    hasUnread: false, told: [], untold: 0, statedBy: [], assessors: [], checked: [], keys: [], attested: [],
    exceptions: [], notProven: [],
  };
  try {
    const source = await openZip(blob);
    outcome.kind = kindOf(source);
    await BY_KIND[outcome.kind](source, given, outcome, onProgress);
    if (outcome.kind !== "record") outcome.notProven.push(...uncompared(source), ...UNPROVEN);
    outcome.notProven.push(...WORDING.unproven);
  } catch (error) {
    if (error.name === "NotReadableError") throw new Error("the file can't be read, or it changed since it was chosen");
    const isExpected = error instanceof FormatError || error instanceof ProofError;
    outcome.failure = isExpected ? error.message : `something in it is of no expected form: ${error.message}`;
  }
  const isTrusted = (outcome.kind === "record" ? given.log : given.authority) !== null;
  outcome.word = wordFor(outcome, isTrusted);
  return outcome;
}

// What stands in a bundle for people, and is compared with nothing.
function uncompared(source) {
  const pages = ["report.html", "README.txt"].filter((path) => source.has(path));
  if (pages.length === 0) return [];
  return [`what ${pages.join(" and ")} in the bundle ${pages.length === 1 ? "says" : "say"}: read this instead`];
}

function kindOf(source) {
  if (source.has("record")) return "record";
  return source.paths.some((path) => path.startsWith("tile/")) ? "full" : "compact";
}

// The same words as `writ verify`: its exit codes 1, 4, and 0 or 3.
function wordFor(outcome, isTrusted) {
  if (outcome.failure !== null) return "not sound";
  return outcome.witnessed && isTrusted ? "sound" : "rests on the operator's word alone";
}

async function verifyFull(source, { authority, now }, outcome, onProgress) {
  const note = parseNote(await source.read("statement"));
  const statement = parseStatement(note.text);
  const head = parseNote(await source.read("checkpoint"));
  const audit = await auditLog(source, parseCheckpoint(head.text), statement, outcome, onProgress);
  const issued = findOrder(audit, statement, authority, outcome);
  const { order } = issued;
  listOtherOrders(audit, issued, outcome);
  nameOrder(outcome, order, authority, issued.poster.vkey, `at entry ${issued.index} `);
  const checkpoint = await checkLog(outcome, order, head);
  const clock = await readClock(audit.anchors, order);
  const headTime = await witnessedAt(outcome, order, head);
  const seen = lastSeen(outcome, clock, headTime, statement);
  const unread = hasUnreadStamps(outcome, clock);
  checkTimes(audit, clock, headTime);
  checkStatementLog(statement, checkpoint);
  if (!unread) checkCounted(audit, clock, statement);
  outcome.checked.push("the statement is about this log, these entries and these words of the order");
  await checkStatementSignatures(outcome, audit, order, note, source);
  checkAge(outcome, order, statement, now, unread ? null : seen);
  if (!unread) checkUncounted(outcome, audit, clock, order, statement, now);
  tell(outcome, statement);
}

async function auditLog(source, claim, statement, outcome, onProgress) {
  if (!Number.isSafeInteger(claim.size) || claim.size === 0) {
    throw new ProofError(`the log is empty, or of no possible size: its checkpoint counts ${claim.size} entries`);
  }
  const audit = new Audit(claim, statement.counted);
  await auditTiles(source, audit, onProgress);
  checkFullMembers(source.paths, audit.size);
  outcome.checked.push(
    `${thousands(audit.size)} entries: every hash and chain link, the tree and its tiles, the roots of ` +
      `${audit.sources.size} source logs, ${thousands(audit.submissions)} signatures, and whether each key was ` +
      `valid and its role allowed each of ${thousands(audit.size - audit.submissions)} events`);
  return audit;
}

function nameOrder(outcome, order, authority, signer, place) {
  outcome.order = order.id;
  if (authority === null) {
    outcome.exceptions.push(
      `no authority's key was given: whether ${signer}, which signed the order, is the authority's, is the ` +
        "operator's word");
    return;
  }
  outcome.keys.push(`authority ${authority}, given by you`);
  outcome.checked.push(`the order ${place}is signed by that authority`);
}

// Of a full bundle none is needed, and none may be false; whose there is, stands beside the headline.
async function checkStatementSignatures(outcome, audit, order, note, source) {
  for (const key of audit.registry.keys.values()) {
    if (key.role !== "operator" || signaturesOf(note, key.verifier).length === 0) continue;
    await verifyNote(note, key.verifier);
    outcome.attested.push(`the operator's key ${key.name}, which signed the statement`);
    outcome.statedBy.push({ name: key.name, role: "operator" });
  }
  await tellAssessors(outcome, order, note, source);
}

// What this statement does not prove of single stores.
function unprovenOf(statement) {
  const stores = statement.obligations.flatMap((one) => one.stores);
  const named = (found) => [...new Set(found.map((one) => one.store))].sort().join(", ");
  const blind = named(stores.filter((one) => !one.looked));
  const own = named(stores.filter((one) => one.looked && one.level !== "E3"));
  const lines = [];
  if (blind) lines.push(`what is in ${blind}: nobody has looked since the last erasure there`);
  if (own) lines.push(`what is in ${own}, but by the controller's own word`);
  if (statement.provisional) {
    lines.push("when the latest entries were made: they are counted on the operator's clock alone");
  }
  return lines;
}

function gapLine(gap) {
  const said = Object.hasOwn(WORDING.gaps, gap.rule) ? WORDING.gaps[gap.rule] : String(gap.rule);
  return said.replace("{subject}", () => gap.subject);
}

function tell(outcome, statement) {
  outcome.notProven.push(...unprovenOf(statement));
  outcome.statement = statement;
  outcome.headline = headline(statement);
  outcome.obligations = statement.obligations.map((one) => ({
    id: one.id, type: one.type, verdict: WORDING.verdicts[one.verdict], due: moment(one.deadline),
    evidence: `${one.evidence}, ${WORDING.levels[one.evidence]}`,
    stores: `${one.stores.filter((store) => store.looked).length} of ${one.stores.length}`,
    gaps: one.gaps.map(gapLine),
  }));
}

const BY_KIND = { full: verifyFull, compact: verifyCompact, record: verifyRecord };
