// A record's bundle: what a log has about one handle, each entry with all that proves it (bundle.md, "Of one
// record"). The operator signs which entries these are: for one that he left out, he answers.

const RECORD_HEADER = "writ/record/v1\n";
const LOG_CREATED = "writ.log.created.v1";
const SHOWN = 3; // items of a list that a line has room for

async function verifyRecord(source, given, outcome, onProgress) {
  checkRecordMembers(source.paths);
  const note = parseNote(await source.read("record"));
  const record = parseRecord(note.text);
  const head = parseNote(await source.read("checkpoint"));
  const created = await readCreation(source);
  const checkpoint = await checkRecordLog(outcome, created, head, given.log);
  checkRecordPlace(record, checkpoint);
  const registry = await readRecord(source, record, parseVkey(created.log_vkey), head, outcome, onProgress);
  await checkRecordOperator(outcome, registry, note);
  await checkOwnWitnesses(outcome, given.policy, head);
  outcome.record = record.handle;
  outcome.notProven.push(...unprovenOfRecord(record));
}

function parseRecord(text) {
  if (!text.startsWith(RECORD_HEADER)) throw new FormatError("not of a record: its first line is another");
  let record;
  try {
    record = parseCanonical(utf8.encode(text.slice(RECORD_HEADER.length, -1)));
  } catch (error) {
    throw new FormatError(`record: ${error.message}`);
  }
  const hasOnly = (value, ...names) => isObject(value) && Object.keys(value).sort().join() === names.join();
  const isRecord =
    hasOnly(record, "entries", "handle", "log") && hasOnly(record.log, "origin", "root", "size") &&
    Array.isArray(record.entries) && record.entries.every((one) => Number.isSafeInteger(one) && one >= 0) &&
    typeof record.handle === "string" && /^[0-9a-f]{32}$/.test(record.handle) &&
    typeof record.log.origin === "string" && typeof record.log.root === "string" &&
    Number.isSafeInteger(record.log.size);
  if (!isRecord) throw new FormatError("record: not just its entries, handle and log");
  if (!record.entries.every((one, at) => at === 0 || record.entries[at - 1] < one)) {
    throw new FormatError("record: entries are not in their sequence, each once");
  }
  return record;
}

async function readCreation(source) {
  const { parsed } = await readProved(source, "1");
  if (parsed.type !== LOG_CREATED) {
    throw new ProofError(`entry 1: the log does not exist yet: log.created belongs here, not ${parsed.type}`);
  }
  return parsed.data;
}

// The checkpoint is the log's that the reader names; else of that which the bundle names itself.
async function checkRecordLog(outcome, created, note, vkey) {
  if (vkey !== null && vkey !== created.log_vkey) {
    throw new ProofError(`this is of the log ${created.log_vkey}, not of ${vkey}`);
  }
  const checkpoint = await verifyCheckpoint(note, parseVkey(created.log_vkey));
  outcome.keys.push(`log ${created.log_vkey}, ${vkey === null ? "which the bundle itself names" : "given by you"}`);
  outcome.checked.push(`the checkpoint of ${thousands(checkpoint.size)} entries is signed by that log`);
  if (vkey === null) {
    outcome.exceptions.push("no log's key was given: that this is the log's key is the operator's word");
  }
  return checkpoint;
}

function checkRecordPlace({ log }, { origin, size, root }) {
  if (log.origin !== origin || log.size !== size || log.root !== encodeBase64(root)) {
    throw new ProofError(
      `\`record\` is about ${log.origin} at ${log.size} entries, not about the log of this checkpoint`);
  }
}

// Check every event; what the log had registered, as far as the bundle shows it.
async function readRecord(source, record, logKey, head, outcome, onProgress) {
  const registry = new Registry();
  const said = new Set(record.entries);
  const proved = provedIndexes(source);
  for (const [done, directory] of proved.entries()) {
    await checkProved(source, directory, logKey, head);
    const one = await readProved(source, directory);
    const poster = await signerOf(registry, one);
    if (said.has(one.index)) tellEntry(outcome, record.handle, one, poster);
    else if (REGISTERING.includes(one.parsed.type)) registry.apply(one.index, one.parsed);
    else throw new ProofError(`entry ${one.index}: is not among those that the operator signed as this record's`);
    said.delete(one.index);
    onProgress(done + 1, proved.length);
  }
  if (said.size > 0) {
    const missing = record.entries.find((index) => said.has(index));
    throw new ProofError(`entry ${missing}: is about this record, as the operator signed, and not here`);
  }
  const about = record.entries.length;
  outcome.checked.push(
    `${thousands(about)} entries about this record, and ${thousands(proved.length - about)} that register whose ` +
      "keys signed them, stand in that log, each under its poster's submission",
    "each submission is signed by a key that those register, in a role that may say so");
  return registry;
}

// Who answers for an event: its submission is signed by a key that stands registered there.
async function signerOf(registry, { index, parsed, signed }) {
  const { note, text } = signed;
  const place = `entry ${index}: no log accepts it on what this bundle shows`;
  const isFirst = parsed.type === LOG_CREATED && registry.created === null;
  const key = within(place, () => (isFirst ? foundingKey(parsed.data) : registry.admitKey(note.signatures[0])));
  try {
    await checkSubmissionSignature(note, text, key.verifier);
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    throw new ProofError(`entry ${index}: ${key.name} did not sign its submission: ${error.message}`);
  }
  return within(place, () => {
    checkSource(key, text.origin);
    const poster = registry.posterOf(key, text.origin, parsed);
    registry.checkMayPost(poster, parsed);
    return poster;
  });
}

function tellEntry(outcome, handle, { index, entry, parsed }, poster) {
  if (!handlesOf(parsed).includes(handle)) {
    throw new ProofError(`entry ${index}: does not name the record ${handle}`);
  }
  if (outcome.told.length === MAX_TOLD) {
    outcome.untold++;
    return;
  }
  const whose = poster.vkey === null ? "a token's, not signed by its bearer" : `key id ${poster.verifier.keyId}`;
  const kind = parsed.type.replace(/^writ\./, "").replace(/\.v1$/, "");
  const time = moment(Number(BigInt(entry.timeUs) / 1000000n));
  outcome.told.push(
    `entry ${index}, ${time}, by ${poster.name} (${poster.role}, ${whose}): ${kind} ` +
      fieldsOf(parsed.type, parsed.data).join(" "));
}

// Every handle that an event names.
function handlesOf({ type, data }) {
  return HANDLES[type].flatMap((field) => data[field] ?? []);
}

// What an event says, as far as a line has room for it. Whom else it names is nothing for who asks.
function fieldsOf(type, data) {
  return Object.entries(data)
    .filter(([name]) => name !== "controller" && !HANDLES[type].includes(name))
    .map(([name, value]) => `${name}=${shortOf(value)}`);
}

function shortOf(value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value) && value.length <= SHOWN && value.every((one) => typeof one === "string")) {
    return value.join(",") || "none";
  }
  if (value !== null && typeof value === "object") return `(${thousands(Object.keys(value).length)})`;
  const text = String(value);
  return text.length <= 200 ? text : `${text.slice(0, 40)}… (${thousands(text.length)} characters)`;
}

// The operator signed which entries these are, so that he answers for one that he left out.
async function checkRecordOperator(outcome, registry, note) {
  for (const key of registry.keys.values()) {
    if (key.role !== "operator" || signaturesOf(note, key.verifier).length === 0) continue;
    await verifyNote(note, key.verifier);
    outcome.attested.push(
      `the operator's key ${key.name}, which signed that these are all entries about this record`);
    return;
  }
  throw new ProofError("`record` is not signed by the log's operator");
}

// Whether those witnesses whom the reader believes have seen this log.
async function checkOwnWitnesses(outcome, policy, note) {
  if (policy === null) {
    outcome.exceptions.push(
      "no witnesses were given: that nobody else is shown another log is the operator's word");
    return;
  }
  const seen = await quorumTime(policy, note);
  const named = await cosigners(outcome, policy, note);
  outcome.witnessed = seen !== null;
  if (seen !== null) {
    outcome.attested.push(
      `witnesses named in your policy (${named.join(", ")}): they saw this log and no other, at ${moment(seen)} at ` +
        "the latest");
  } else {
    outcome.exceptions.push("the checkpoint lacks the cosignatures that your policy asks for");
  }
}

function unprovenOfRecord(record) {
  return [
    `that no other entry below ${thousands(record.log.size)} is about this record: only who replays the whole log ` +
      "(a full bundle, or `writ replay`) can tell; if one is found, the operator signed that there is none",
    "that no key that signed was revoked by then: a revocation that was left out shows only there, too",
    "what was recorded after the checkpoint, and what is held under another handle",
    "that each event has just the fields of its type: `writ verify` checks them",
  ];
}
