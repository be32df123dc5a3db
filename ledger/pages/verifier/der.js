// DER (X.690), as far as time-stamps take it. What nobody may write is a FormatError; what somebody may, and this
// page does not read, is Unread: then it can't tell, and says so.

class Unread extends Error {}

const MAX_DER_DEPTH = 24;
const TRUE = Uint8Array.of(0xff);
const TAG = {
  boolean: 0x01, integer: 0x02, bits: 0x03, octets: 0x04, none: 0x05, oid: 0x06, utf8: 0x0c, printable: 0x13,
  ia5: 0x16, utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30, set: 0x31,
};

// The one value that some bytes are, whole.
function parseDer(bytes, what) {
  const node = derAt(bytes, 0, bytes.length, what);
  if (node.end !== bytes.length) throw new FormatError(`${what}: bytes follow it`);
  return node;
}

// A value: its tag, where it begins and ends, and its content.
function derAt(bytes, begin, end, what) {
  const broken = () => new FormatError(`${what}: not DER at byte ${begin}`);
  if (begin + 2 > end) throw broken();
  const tag = bytes[begin];
  if ((tag & 0x1f) === 0x1f) throw new Unread(`${what}: a tag of several bytes`);
  let at = begin + 2;
  let length = bytes[begin + 1];
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count < 1 || count > 3 || at + count > end || bytes[at] === 0) throw broken();
    length = 0;
    for (const byte of bytes.subarray(at, at + count)) length = length * 256 + byte;
    if (length < 0x80) throw broken();
    at += count;
  }
  if (at + length > end) throw broken();
  return { tag, bytes, begin, at, end: at + length, what };
}

function contentOf(node) {
  return node.bytes.subarray(node.at, node.end);
}

function wholeOf(node) {
  return node.bytes.subarray(node.begin, node.end);
}

function childrenOf(node) {
  const children = [];
  for (let at = node.at; at < node.end; at = children.at(-1).end) {
    children.push(derAt(node.bytes, at, node.end, node.what));
  }
  return children;
}

// Reads the parts of a sequence one after the other: those that must be there, and those that may.
class Parts {
  constructor(node, tag = TAG.sequence) {
    if (node.tag !== tag) throw new FormatError(`${node.what}: tag ${node.tag} where ${tag} belongs`);
    this.what = node.what;
    this.rest = childrenOf(node);
  }

  take(tag) {
    const found = this.maybe(tag);
    if (found === null) throw new FormatError(`${this.what}: no tag ${tag} where it belongs`);
    return found;
  }

  maybe(tag) {
    return this.rest.length > 0 && this.rest[0].tag === tag ? this.rest.shift() : null;
  }

  // A truth that is left out where it is none: written down, false is not DER.
  flag() {
    const found = this.maybe(TAG.boolean);
    if (found !== null && !sameBytes(contentOf(found), TRUE)) throw new FormatError(`${this.what}: an odd truth`);
    return found !== null;
  }

  end() {
    if (this.rest.length > 0) throw new FormatError(`${this.what}: tag ${this.rest[0].tag} where nothing belongs`);
  }
}

// The members of a set, which stand sorted.
function setOf(node, tag = TAG.set) {
  if (node.tag !== tag) throw new FormatError(`${node.what}: tag ${node.tag} where ${tag} belongs`);
  const members = childrenOf(node);
  const isSorted = members.every((one, at) => at === 0 || compareBytes(wholeOf(members[at - 1]), wholeOf(one)) <= 0);
  if (!isSorted) throw new FormatError(`${node.what}: a set is not sorted`);
  return members;
}

function compareBytes(one, other) {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) if (one[at] !== other[at]) return one[at] - other[at];
  return one.length - other.length;
}

function oidOf(node) {
  return toHex(contentOf(node));
}

function integerOf(node) {
  const raw = contentOf(node);
  if (!isInteger(raw)) throw new FormatError(`${node.what}: no integer`);
  return BigInt.asIntN(8 * raw.length, BigInt(`0x${toHex(raw)}`));
}

function isInteger(raw) {
  if (raw.length === 0) return false;
  return raw.length === 1 || !((raw[0] === 0 && raw[1] < 0x80) || (raw[0] === 0xff && raw[1] >= 0x80));
}

// Unix seconds, without the fraction.
function timeOf(node) {
  const text = String.fromCharCode(...contentOf(node));
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d{0,8}[1-9])?Z$/.exec(
    node.tag === TAG.utcTime ? (text < "5" ? `20${text}` : `19${text}`) : text);
  if (parts === null || (node.tag === TAG.utcTime && text.length !== 13)) {
    throw new FormatError(`${node.what}: no time`);
  }
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number);
  const time = Date.UTC(year, month - 1, day, hour, minute, second);
  const isInCalendar = new Date(time).toISOString().startsWith(
    `${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6]}`);
  if (!isInCalendar) throw new FormatError(`${node.what}: in no calendar`);
  return time / 1000;
}

// Every value within, by its kind: nothing that a stricter reader would stumble over is taken for good.
function requireClean(node, depth = 0) {
  const { tag, what } = node;
  if (depth > MAX_DER_DEPTH) throw new Unread(`${what}: nested too deep`);
  if (tag & 0x20) {
    if (tag === TAG.set) setOf(node);
    if (tag < 0x80 && tag !== TAG.set && tag !== TAG.sequence) throw new Unread(`${what}: tag ${tag}`);
    for (const child of childrenOf(node)) requireClean(child, depth + 1);
  } else if (tag < 0x80 && !isCleanValue(node)) {
    throw new Unread(`${what}: an odd value of tag ${tag}`);
  }
}

function isCleanValue(node) {
  const raw = contentOf(node);
  switch (node.tag) {
    case TAG.boolean: return raw.length === 1 && (raw[0] === 0 || raw[0] === 0xff);
    case TAG.integer: return isInteger(raw);
    case TAG.bits: return isBitString(raw);
    case TAG.octets: return true;
    case TAG.none: return raw.length === 0;
    case TAG.oid: return isOid(raw);
    case TAG.utf8: return isUtf8(raw);
    case TAG.printable: return /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(String.fromCharCode(...raw));
    case TAG.ia5: return raw.every((byte) => byte < 0x80);
    case TAG.utcTime: case TAG.generalizedTime: return isFinite(timeOf(node));
    default: return false;
  }
}

function isBitString(raw) {
  if (raw.length === 0 || raw[0] > 7 || (raw.length === 1 && raw[0] !== 0)) return false;
  return (raw.at(-1) & ((1 << raw[0]) - 1)) === 0 || raw.length === 1;
}

// Each number ends, and none begins with a zero.
function isOid(raw) {
  if (raw.length === 0 || raw.length > 60 || raw.at(-1) >= 0x80) return false;
  return raw.every((byte, at) => byte !== 0x80 || (at > 0 && raw[at - 1] >= 0x80));
}

function isUtf8(raw) {
  try {
    strictUtf8.decode(raw);
    return true;
  } catch {
    return false;
  }
}
