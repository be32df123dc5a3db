// Trust: what the order, found under the authority's key, lets a reader believe. Nothing else in a bundle
// says whom to trust.

const CLOCK_TOLERANCE_S = 300;

function policyOf(order) {
  const said = order.trust.witnesses ?? [];
  const lines = [`log ${order.trust.log_vkey}`, ...(said.length > 0 ? said : ["quorum none"])];
  return parsePolicy(lines.map((line) => `${line}\n`).join(""));
}

// Orders of a log as its entries have them: the one that the statement is about, under the authority's key.
function findOrder(audit, statement, authority, outcome) {
  let orders = audit.orders;
  if (authority !== null) {
    orders = orders.filter((one) => one.poster.vkey === authority);
    const others = audit.orders.filter((one) => one.poster.vkey !== authority);
    const listed = others.map((one) => `${one.order.id} (entry ${one.index}) by ${one.poster.vkey}`).join(", ");
    if (orders.length === 0) {
      const rest = others.length > 0 ? `; ${others.length} signed by other keys: ${listed}` : "";
      throw new ProofError(`no order in this log is signed by ${authority}${rest}`);
    }
    for (const one of others) {
      outcome.exceptions.push(
        `entry ${one.index}: an order ${one.order.id} by another key, ${one.poster.vkey}: no effect`);
    }
  }
  const same = orders.filter((one) => one.order.id === statement.order.id);
  if (same.length === 0) {
    const signed = [...new Set(orders.map((one) => one.order.id))].sort().join(", ") || "none";
    throw new ProofError(`the statement is about the order ${statement.order.id}; orders by this key: ${signed}`);
  }
  return governingOf(same, statement);
}

// Further orders under the same key, in their last versions, and the versions yet to govern this one.
function listOtherOrders(audit, issued, outcome) {
  const mine = audit.orders.filter((one) => one.poster.vkey === issued.poster.vkey);
  const last = new Map();
  for (const one of [...mine].sort((a, b) => a.order.version - b.order.version)) last.set(one.order.id, one);
  for (const { index, order } of last.values()) {
    if (order.id === issued.order.id) continue;
    outcome.exceptions.push(
      `entry ${index}: ${order.id} version ${order.version} is another order by this key: nothing here is about it`);
  }
  for (const { index, order, effectiveAt } of mine) {
    if (order.id !== issued.order.id || order.version <= issued.order.version) continue;
    outcome.exceptions.push(
      `entry ${index}: version ${order.version} of ${order.id} takes effect at ${moment(firstSecond(effectiveAt))}: ` +
        "it is not judged here");
  }
}

// What did not count yet did not govern; of an order that no witness had seen, the log is all there is.
function governingOf(same, statement) {
  const counted = same.filter((one) => one.index < statement.counted);
  const issued = governing(counted.length > 0 ? counted : same, statement.as_of);
  checkReference(issued.order, statement);
  return issued;
}

async function checkLog(outcome, order, note) {
  const checkpoint = await verifyCheckpoint(note, parseVkey(order.trust.log_vkey));
  outcome.keys.push(`log ${order.trust.log_vkey}, named in the order`);
  outcome.checked.push(`the checkpoint of ${thousands(checkpoint.size)} entries is signed by that log`);
  return checkpoint;
}

// When the order's witnesses had cosigned this checkpoint: Unix seconds, or null without a quorum.
async function witnessedAt(outcome, order, note) {
  const policy = policyOf(order);
  const time = await quorumTime(policy, note);
  const named = await cosigners(outcome, policy, note);
  if (time !== null) {
    outcome.attested.push(
      `witnesses named in the order (${named.join(", ")}): they saw these entries and no others, at ` +
        `${moment(time)} at the latest`);
  } else if (policy.quorum === "none") {
    const whose = order.trust.timestamp_roots ? "what time-stamps do not prove is" : "when anything happened is";
    outcome.exceptions.push(`the order asks for no witnesses: ${whose} the operator's word`);
  } else {
    outcome.exceptions.push("the checkpoint lacks the cosignatures of the witnesses that the order names");
  }
  return time;
}

// The policy's witnesses who cosigned a checkpoint, by name. A false line in the name of one is listed.
async function cosigners(outcome, policy, note) {
  const named = [];
  for (const { key } of policy.witnesses) {
    if (signaturesOf(note, key).length === 0) continue;
    if ((await cosignedAt(note, key)) !== null) named.push(key.name);
    else {
      outcome.exceptions.push(
        `the cosignature of the witness ${key.name} on the checkpoint is false: it counts for nothing`);
    }
  }
  return named;
}

// The statement is not too old, nor is what it looked at. `seen`: when witnesses last saw the log.
function checkAge(outcome, order, statement, now, seen) {
  const most = durationSeconds(order.trust.max_statement_age);
  const asOf = statement.as_of;
  const age = now - asOf;
  if (age < -CLOCK_TOLERANCE_S) throw new ProofError(`the statement is as of ${moment(asOf)}, which is yet to come`);
  if (age > most) {
    throw new ProofError(
      `the statement is as of ${moment(asOf)}, ${span(age)} ago; the order accepts ${span(most)}: what happened ` +
        "since is not in it, ask for a new one");
  }
  if (seen !== null && seen - now > CLOCK_TOLERANCE_S) {
    throw new ProofError(`the witnesses' clocks say ${moment(seen)}, which is yet to come`);
  }
  if (seen !== null && now - seen > most) {
    throw new ProofError(
      `the witnesses last saw this log at ${moment(seen)}, ${span(now - seen)} ago; the order accepts ` +
        `${span(most)}: later entries may have been left out, ask for a new bundle`);
  }
  outcome.checked.push(`the statement is as of ${moment(asOf)}, ${span(age)} old (at most ${span(most)})`);
}

function thousands(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}
