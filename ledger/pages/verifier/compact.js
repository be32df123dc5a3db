// A compact bundle: the statement and proofs of a few events. What it omits, it hides, so assessors whom the
// order names must have signed.

async function verifyCompact(source, { authority, now }, outcome, onProgress) {
  checkCompactMembers(source.paths);
  const note = parseNote(await source.read("statement"));
  const statement = parseStatement(note.text);
  const head = parseNote(await source.read("checkpoint"));
  const indexes = provedIndexes(source);
  const order = await findProvedOrder(source, indexes, authority, statement, outcome);
  const checkpoint = await checkLog(outcome, order, head);
  checkStatementLog(statement, checkpoint);
  const logKey = parseVkey(order.trust.log_vkey);
  for (const [done, index] of indexes.entries()) {
    await checkProved(source, index, logKey, head);
    onProgress(done + 1, indexes.length);
  }
  outcome.checked.push(
    `${thousands(indexes.length)} events stand in that log, each under its poster's submission`);
  const seen = await witnessedAt(outcome, order, head);
  outcome.witnessed = seen !== null;
  await requireAssessors(outcome, order, note, source);
  checkAge(outcome, order, statement, now, seen);
  outcome.notProven.push("that nothing was left out of this bundle: for that, the assessors replayed the log");
  tell(outcome, statement);
}

// The order under the authority's signature; without an authority, the one that the statement names.
async function findProvedOrder(source, indexes, authority, statement, outcome) {
  const mine = [];
  const others = new Set();
  for (const directory of indexes) {
    const { index, parsed, signed } = await readProved(source, directory);
    if (!ORDER_TYPES.has(parsed.type)) continue;
    const { order, effective_at: effectiveAt } = parsed.data;
    if (order.id.replace(/\/[^/]*$/, "") !== signed.note.signatures[0].name) {
      throw new ProofError(`proof/${index}: the order ${order.id} is another authority's than its poster's`);
    }
    const isMine =
      authority === null ? order.id === statement.order.id : await isSignedBy(signed, authority, directory);
    if (isMine) mine.push({ index, order, effectiveAt, signer: signed.note.signatures[0].name });
    else if (authority !== null) others.add(order.id);
    if (mine.length > MAX_ORDERS) {
      throw new ProofError(`it holds over ${thousands(MAX_ORDERS)} orders: ask for the full bundle`);
    }
  }
  const listed = [...others].sort();
  if (mine.length === 0) {
    const rest = listed.length > 0 ? `; ${listed.length} signed by other keys: ${listed.join(", ")}` : "";
    throw new ProofError(`no order in this bundle is signed by ${authority ?? "anybody"}${rest}`);
  }
  outcome.exceptions.push(...listed.map((id) => `an order ${id} by another key: no effect`));
  // An authority may have issued several orders; which of them this is about, the statement says.
  const same = mine.filter((one) => one.order.id === statement.order.id);
  const found = governingOf(same.length > 0 ? same : mine, statement);
  nameOrder(outcome, found.order, authority, found.signer, "");
  return found.order;
}

async function isSignedBy({ note, text }, authority, directory) {
  const key = parseVkey(authority);
  if (signaturesOf(note, key).length === 0) return false;
  await withinLater(`proof/${directory}/submission`, () => checkSubmissionSignature(note, text, key));
  return true;
}

async function requireAssessors(outcome, order, note, source) {
  const signed = (await tellAssessors(outcome, order, note, source)).length;
  if (signed > 0 && signed < outcome.assessorsNeeded) {
    throw new ProofError(
      `${quorumLine(order, signed)}: a compact bundle hides what it omits; ask for the full bundle, or for the ` +
        "others' signatures");
  }
  if (signed === 0) {
    throw new ProofError(
      "no assessor whom the order names has signed the statement: a compact bundle hides what it omits, so it " +
        "needs one; ask for the full bundle, or for an assessor's signature");
  }
}
