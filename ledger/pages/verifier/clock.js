// Time that is not the operator's: what witnesses and time-stamp authorities prove of when an entry existed, and
// what counts by it (time.md).

const TOLERANCE_US = 60000000;

// What an order's witnesses and authorities prove by a log's anchors. `proved`: each anchor that proves a time, and
// from when and by when the log was seen there; `steps`: the earliest time proved from each size on, sizes rising;
// `lacking`: the time-stamps that prove nothing, `unread` those of which this page can't tell.
async function readClock(anchors, order) {
  const policy = policyOf(order);
  const roots = (order.trust.timestamp_roots ?? []).map((root) => decodeBase64(root));
  const clock = { proved: [], lacking: [], unread: [] };
  for (const anchor of anchors) {
    if (anchor.response === null) {
      const time = await anchorTime(anchor, policy);
      if (time !== null) clock.proved.push({ ...anchor, from: time, by: time });
    } else if (roots.length > 0) {
      await readStamp(anchor, policy, roots, clock);
    }
  }
  clock.steps = stepsOf(clock.proved);
  clock.cosigned = stepsOf(clock.proved.filter((one) => one.response === null));
  return clock;
}

function stepsOf(proved) {
  const steps = [];
  for (const { size, by } of [...proved].sort((one, other) => other.size - one.size)) {
    const earliest = Math.min(by, steps[0]?.time ?? by);
    if (steps[0]?.size === size) steps[0].time = earliest;
    else steps.unshift({ size, time: earliest });
  }
  return steps;
}

async function anchorTime(anchor, policy) {
  try {
    for (const log of policy.logs) await verifyNote(anchor.note, log.key);
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    return null;
  }
  return quorumTime(policy, anchor.note);
}

async function readStamp(anchor, policy, roots, clock) {
  const place = `entry ${anchor.index}`;
  try {
    for (const log of policy.logs) await verifyNote(anchor.note, log.key);
    clock.proved.push({ ...anchor, ...(await readTimestamp(anchor.response, anchor.note.text, roots)) });
  } catch (error) {
    if (error instanceof Unread) clock.unread.push(`${place}: a time-stamp was not read: ${error.message}`);
    else if (error instanceof ProofError || error instanceof FormatError) {
      clock.lacking.push(`${place}: a time-stamp proves nothing: ${error.message}`);
    } else throw error;
  }
}

// Whether witnesses saw the log decides if more than the operator's word stands behind it. What a
// provisional statement counts, only the whole log's checkpoint covers.
function lastSeen(outcome, clock, headTime, statement) {
  const isAnchored = clock.cosigned.length > 0;
  outcome.witnessed = headTime !== null || (isAnchored && !statement.provisional);
  if (headTime === null && isAnchored) outcome.attested.push(seenBy("witnesses", clock.cosigned));
  if (JSON.stringify(clock.steps) !== JSON.stringify(clock.cosigned)) {
    outcome.attested.push(seenBy("time-stamp authorities, or witnesses,", clock.steps));
    if (!outcome.witnessed) {
      outcome.exceptions.push("time-stamps alone: nobody saw that the log shows all the same history");
    }
  }
  outcome.exceptions.push(...clock.lacking, ...clock.unread);
  const times = clock.steps.map((one) => one.time);
  const all = headTime === null ? times : [...times, headTime];
  return all.length === 0 ? null : Math.max(...all);
}

function seenBy(whom, steps) {
  const at = moment(Math.max(...steps.map((one) => one.time)));
  return `${whom} named in the order, for the first ${thousands(steps.at(-1).size)} entries, at ${at} at the latest`;
}

// Time-stamps that the order believes decide, beside witnesses, what counts; of some this page can't tell.
function hasUnreadStamps(outcome, clock) {
  if (clock.unread.length === 0) return false;
  outcome.hasUnread = true;
  outcome.exceptions.push(
    `time-stamps were not read (${thousands(clock.unread.length)}): which entries count, and when the log was last ` +
      "seen, `writ verify` checks");
  return true;
}

// Where recorded times contradict the witnesses' by over 60 seconds, at an anchor or at the log's head.
function checkTimes(audit, clock, headTime) {
  const fail = (index, what, byUs) => {
    throw new ProofError(`entry ${index}: ${what} (by ${Math.floor(byUs / 1000000)} s)`);
  };
  const early = "recorded before witnesses had seen what stands before it: the clock was set back";
  const late = "recorded after witnesses had seen it already: the clock ran ahead";
  for (const { index, size, from, by, timeUs } of clock.proved) {
    const earlyUs = from * 1000000 - timeUs;
    if (earlyUs > TOLERANCE_US) fail(index, early, earlyUs);
    const lateUs = audit.timesUs[size - 1] - by * 1000000;
    if (lateUs > TOLERANCE_US) fail(size - 1, late, lateUs);
  }
  const aheadUs = headTime === null ? 0 : audit.timesUs.at(-1) - headTime * 1000000;
  if (aheadUs > TOLERANCE_US) fail(audit.size - 1, late, aheadUs);
}

// `counted` is the size of the last anchor proved by `as_of`; provisional: what was recorded by then.
function checkCounted(audit, clock, statement) {
  const { counted, provisional, as_of: asOf } = statement;
  const proved = clock.steps.filter((one) => one.time <= asOf);
  const recorded = audit.timesUs.findIndex((timeUs) => timeUs > asOf * 1000000);
  const found = provisional ? (recorded < 0 ? audit.size : recorded) : Math.max(0, ...proved.map((one) => one.size));
  if (counted !== found) {
    throw new ProofError(`the statement is not what the log gives: counted says ${counted}, the log gives ${found}`);
  }
}

// An operator who anchors no more could have everything disregarded that happens since.
function checkUncounted(outcome, audit, clock, order, statement, now) {
  const index = statement.provisional ? null : audit.firstUncounted;
  if (index === null) return;
  const said = `entry ${index} does not count in this statement, nor does any later one`;
  const anchored = clock.steps.find((one) => one.size >= statement.counted);
  if (statement.counted > 0 && anchored && now - anchored.time > durationSeconds(order.trust.max_statement_age)) {
    throw new ProofError(
      `${said}: it counts what witnesses had seen by ${moment(anchored.time)}, longer ago than the order accepts; ` +
        "ask for a bundle that anchors the log first");
  }
  outcome.exceptions.push(`${said}: no anchor shows that witnesses had seen it by then`);
}
