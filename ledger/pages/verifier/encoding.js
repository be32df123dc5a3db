// Text with exactly one spelling for each value: a reader takes only what a writer would write.

class FormatError extends Error {} // not our bytes
class ProofError extends Error {} // our format, but false

const HASH_BYTES = 32;
const MAX_SIZE = 2n ** 63n - 1n;
const NAME = /^[a-z0-9.-]+(\/[a-z0-9._-]+)*$/;
const PRINTABLE = /^(?:[^\p{C}\p{Z}]| )+$/u;

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function encodeBase64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, at + 8192));
  }
  return btoa(text);
}

function decodeBase64(text, what = "value") {
  let raw;
  try {
    raw = atob(text);
  } catch {
    throw new FormatError(`${what} is not base64`);
  }
  const bytes = new Uint8Array(raw.length);
  for (let at = 0; at < raw.length; at++) bytes[at] = raw.charCodeAt(at);
  // Left-over bits of the last character, and blanks, are ignored by the decoder: two texts, one value.
  if (encodeBase64(bytes) !== text) throw new FormatError(`${what} is not canonical base64`);
  return bytes;
}

function decodeHash(text, what = "hash") {
  const raw = decodeBase64(text, what);
  if (raw.length !== HASH_BYTES) {
    throw new FormatError(`${what} has ${raw.length} bytes: a SHA-256 hash has ${HASH_BYTES}`);
  }
  return raw;
}

// A non-negative decimal below 2^63 without sign, leading zero or separator; a BigInt only where a number
// would not be exact.
function parseDecimal(text, what = "number") {
  if (text.length > 20 || !/^(0|[1-9][0-9]*)$/.test(text)) {
    throw new FormatError(`${what} '${text.slice(0, 40)}' is not a decimal number without leading zeroes`);
  }
  const value = BigInt(text);
  if (value > MAX_SIZE) throw new FormatError(`${what} ${text} is greater than ${MAX_SIZE}`);
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

function decodeUtf8(raw, what) {
  try {
    return strictUtf8.decode(raw);
  } catch {
    throw new FormatError(`${what} is not UTF-8`);
  }
}

// The bytes of a header or a proof, which are ASCII; FormatError otherwise.
function decodeAscii(raw, what) {
  let text = "";
  for (const byte of raw) {
    if (byte > 0x7f) throw new FormatError(`${what} is not ASCII`);
    text += String.fromCharCode(byte);
  }
  return text;
}

function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function sameBytes(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function isName(text) {
  return text.length <= 255 && NAME.test(text);
}

function isWithin(name, prefix) {
  return name === prefix || name.startsWith(prefix + "/");
}

// Canonical JSON (RFC 8785) for the values that events may have.

const MAX_DEPTH = 32;

function parseCanonical(raw) {
  for (let at = 0; at < raw.length; at++) {
    const byte = raw[at];
    if (byte < 0x20 || byte > 0x7e || byte === 0x5c) {
      throw new FormatError(`byte 0x${toHex([byte])} at ${at}: only printable ASCII without a backslash`);
    }
  }
  const text = strictUtf8.decode(raw);
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`not JSON: ${error.message}`);
  }
  if (canonicalise(value) !== text) {
    throw new FormatError("not canonical JSON: no spaces, keys sorted, each key once (RFC 8785)");
  }
  return value;
}

function canonicalise(value, depth = 0) {
  if (depth > MAX_DEPTH) throw new FormatError(`nested deeper than ${MAX_DEPTH} levels`);
  if (typeof value === "string") return `"${value}"`;
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new FormatError("numbers are integers within ±(2^53−1)");
    return String(value);
  }
  if (Array.isArray(value)) return `[${value.map((one) => canonicalise(one, depth + 1)).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const keys = Object.keys(value).sort();
    return `{${keys.map((key) => `"${key}":${canonicalise(value[key], depth + 1)}`).join(",")}}`;
  }
  return String(value); // true, false, null
}
