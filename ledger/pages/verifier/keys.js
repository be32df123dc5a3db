// Verifier keys and signatures (C2SP signed-note): name+hex8(key id)+base64(algorithm ‖ public key).

const ED25519 = 0x01; // signs notes
const COSIGNATURE = 0x04; // cosigns checkpoints

const P = 2n ** 255n - 19n;
const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = mod(-121665n * inverse(121666n));

const NEUTRAL = Uint8Array.of(1, ...new Array(31).fill(0)); // of the group, as a point is written

// No plus, no white space, nothing that is not seen: the same characters in each version of Unicode.
const NOTE_NAME = new RegExp(
  "^[^\\x00-\\x20\\x7f-\\xa0\\xad+\\u1680\\u180e\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u3000\\ufeff]+$", "u");
const parsedKeys = new Map();

function parseVkey(text) {
  let key = parsedKeys.get(text);
  if (key === undefined) {
    key = readVkey(text);
    if (parsedKeys.size < 4096) parsedKeys.set(text, key);
  }
  return key;
}

function readVkey(text) {
  if (typeof text !== "string") throw new FormatError("verifier key is no text");
  const parts = text.split("+");
  const [name, keyId, encoded] = [parts[0], parts[1], parts.slice(2).join("+")]; // base64 may have a plus
  if (parts.length < 3 || !/^[0-9a-f]{8}$/.test(keyId)) {
    throw new FormatError("verifier key is not written name+hex8+base64, as writ keygen prints it");
  }
  const raw = decodeBase64(encoded, "verifier key");
  if (raw.length !== 33 || (raw[0] !== ED25519 && raw[0] !== COSIGNATURE)) {
    throw new FormatError(`verifier key of '${name}' is not of type 1 (Ed25519) or 4 (cosignature)`);
  }
  // Witnesses are third parties and name themselves; every other key is registered in a log.
  if (!(raw[0] === COSIGNATURE ? isNoteKeyName(name) : isName(name))) {
    throw new FormatError(`key name '${name}' is not made of [a-z0-9.-] and paths of [a-z0-9._-]`);
  }
  const publicKey = raw.subarray(1);
  if (!isValidPoint(publicKey)) throw new FormatError(`verifier key of '${name}' is not a usable Ed25519 point`);
  const made = toHex(sha256(utf8.encode(name + "\n"), raw).subarray(0, 4));
  if (made !== keyId) throw new FormatError(`key id of '${name}' is ${keyId}: name and key make ${made}`);
  return { name, algorithm: raw[0], public: publicKey, keyId, vkey: text };
}

function isNoteKeyName(name) {
  return NOTE_NAME.test(name);
}

// Returns only if `signature` is the key's Ed25519 signature of `message` (bytes).
async function verifySignature(key, message, signature) {
  if (signature.length !== 64) {
    throw new ProofError(`signature of '${key.name}' has ${signature.length} bytes, not 64`);
  }
  // Who has the key can sign with the neutral element in the place of a nonce; browsers take it, libsodium does not.
  if (sameBytes(signature.subarray(0, 32), NEUTRAL)) {
    throw new ProofError(`signature of '${key.name}' begins with the neutral element`);
  }
  key.imported ??= crypto.subtle.importKey("raw", key.public, { name: "Ed25519" }, false, ["verify"]);
  if (!(await crypto.subtle.verify("Ed25519", await key.imported, signature, message))) {
    throw new ProofError(`signature of '${key.name}' does not verify`);
  }
}

// Whether 32 bytes are a point of the prime-order group, in its one spelling. A point of small order
// verifies signatures that nobody made.
function isValidPoint(raw) {
  const bits = BigInt("0x" + toHex(Uint8Array.from(raw).reverse()));
  const sign = bits >> 255n;
  const y = bits & (2n ** 255n - 1n);
  if (y >= P) return false;
  const x = xOf(y, sign);
  if (x === null || (x === 0n && y === 1n)) return false;
  const [x1, y1, z1] = times(GROUP_ORDER, [x, y, 1n, mod(x * y)]);
  return x1 === 0n && y1 === z1;
}

function xOf(y, sign) {
  const square = mod((y * y - 1n) * inverse(D * y * y + 1n));
  let x = power(square, (P + 3n) / 8n);
  if (mod(x * x - square) !== 0n) x = mod(x * power(2n, (P - 1n) / 4n));
  if (mod(x * x - square) !== 0n || (x === 0n && sign === 1n)) return null;
  return (x & 1n) === sign ? x : P - x;
}

// Points as (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z (RFC 8032, section 5.1.4).
function times(scalar, point) {
  let sum = [0n, 1n, 1n, 0n];
  for (let rest = scalar, added = point; rest > 0n; rest >>= 1n, added = plus(added, added)) {
    if (rest & 1n) sum = plus(sum, added);
  }
  return sum;
}

function plus([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2));
  const b = mod((y1 + x1) * (y2 + x2));
  const c = mod(2n * t1 * t2 * D);
  const d = mod(2n * z1 * z2);
  return [mod((b - a) * (d - c)), mod((d + c) * (b + a)), mod((d - c) * (d + c)), mod((b - a) * (b + a))];
}

function mod(value) {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function power(base, exponent) {
  let result = 1n;
  for (let rest = exponent, square = mod(base); rest > 0n; rest >>= 1n, square = mod(square * square)) {
    if (rest & 1n) result = mod(result * square);
  }
  return result;
}

function inverse(value) {
  return power(value, P - 2n);
}
