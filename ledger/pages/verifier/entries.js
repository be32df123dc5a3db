// Entries and submissions: a header line and the exact bytes that were posted (entry.md, submission.md).

const TILE_WIDTH = 256;
const MAX_ENTRY_BYTES = 65535;
const MAX_EVENT_BYTES = 48 * 1024;
const MAX_HEADER_BYTES = 128;

function parseEntry(raw) {
  if (raw.length > MAX_ENTRY_BYTES) throw new FormatError(`entry has ${raw.length} bytes: at most ${MAX_ENTRY_BYTES}`);
  const end = raw.subarray(0, MAX_HEADER_BYTES).indexOf(10);
  const parts = end < 0 ? [] : decodeAscii(raw.subarray(0, end), "entry header").split(" ");
  if (parts.length !== 4) throw new FormatError("entry has no header line of kind, index, time and previous leaf hash");
  const [kind, indexText, timeText, previous] = parts;
  const index = parseDecimal(indexText, "entry index");
  const timeUs = parseDecimal(timeText, "entry time");
  const previousHash = decodeHash(previous, "previous leaf hash");
  if (kind !== "submission" && kind !== "event") {
    throw new FormatError(`entry kind '${kind.slice(0, 40)}' is neither 'submission' nor 'event'`);
  }
  const body = raw.subarray(end + 1);
  if (body.length === 0) throw new FormatError(`entry ${index} has no body`);
  if (kind === "event" && body.includes(10)) throw new FormatError(`event entry ${index} has more than one line`);
  if (index === 0 && previousHash.some((byte) => byte !== 0)) {
    throw new FormatError("entry 0 names a leaf hash before it: it begins the log");
  }
  return { kind, index, timeUs, previous, body };
}

// The entries of a bundle tile: each after its length in two bytes, big-endian.
function decodeEntries(raw, count) {
  const entries = [];
  let at = 0;
  for (let number = 0; number < count; number++) {
    const begin = at + 2;
    at = begin + ((raw[at] ?? 0) << 8) + (raw[at + 1] ?? 0);
    entries.push(raw.subarray(begin, at));
  }
  if (at !== raw.length) throw new FormatError(`entry bundle of ${raw.length} bytes is not exactly ${count} entries`);
  return entries;
}

function parseSubmissionText(text) {
  const lines = text.split("\n");
  if (lines.length !== 7 || lines[6] !== "") {
    throw new FormatError("submission text is not the six lines origin, size, root, log, base and last seen");
  }
  const size = parseDecimal(lines[1], "line 2: size");
  const root = decodeHash(lines[2], "line 3: root");
  const base = parseDecimal(lines[4], "line 5: size before");
  const [seenText, seenRootText, ...more] = lines[5].split(" ");
  if (seenRootText === undefined || more.length > 0) {
    throw new FormatError("line 6: not the size and root of the last checkpoint seen, nor '0 -'");
  }
  const seenSize = parseDecimal(seenText, "line 6: size seen");
  const seenRoot = seenRootText === "-" ? null : decodeHash(seenRootText, "line 6: root seen");
  if (!isName(lines[0])) throw new FormatError("line 1: not the name of a source log");
  if (!isName(lines[3])) throw new FormatError("line 4: not the origin of a log");
  if (base >= size) throw new FormatError(`line 5: size before, ${base}, is not less than the size after, ${size}`);
  if ((seenSize === 0) !== (seenRoot === null)) {
    throw new FormatError("line 6: '0 -' is written for nothing seen, and a root for anything else");
  }
  return { origin: lines[0], size, root, log: lines[3], base, seenSize, seenRoot };
}

// A submission's note: exactly one key signs it.
function parseSubmissionNote(raw) {
  const note = parseNote(raw);
  if (note.signatures.length !== 1) {
    throw new FormatError(`${note.signatures.length} signature lines where one belongs`);
  }
  return { note, text: parseSubmissionText(note.text) };
}

async function checkSubmissionSignature(note, text, key) {
  if (!isWithin(text.origin, key.name)) {
    throw new ProofError(`line 1: key '${key.name}' does not sign for source log '${text.origin}'`);
  }
  await verifyNote(note, key);
}

const EVENT_ATTRIBUTES = new Set(
  ["causationid", "correlationid", "data", "datacontenttype", "id", "source", "specversion", "time", "type"]);

// One event in canonical form and of a known type. The fields of its type are not read here.
function parseEvent(line) {
  if (line.length > MAX_EVENT_BYTES) {
    throw new FormatError(`event has ${line.length} bytes: at most ${MAX_EVENT_BYTES}`);
  }
  const event = parseCanonical(line);
  if (!isObject(event) || Object.keys(event).some((name) => !EVENT_ATTRIBUTES.has(name))) {
    throw new FormatError("not a CloudEvent with the attributes of this log");
  }
  if (event.specversion !== "1.0" || !/^[A-Za-z0-9._-]{1,64}$/.test(event.id) || typeof event.source !== "string") {
    throw new FormatError("specversion, id or source is not one");
  }
  if (!Object.hasOwn(ROLES, event.type)) {
    throw new FormatError(`its type ${String(event.type).slice(0, 80)} is not known`);
  }
  if (!isObject(event.data)) throw new FormatError("data is no object");
  return event;
}
