// SHA-256 (FIPS 180-4), because a log takes four hashes an entry, and a promise for each takes too long.
// `selfTest` compares it with the browser's own before anything is checked.

const ROUND = new Int32Array(64);
const START = new Int32Array(8);

(function fillConstants() {
  // The first 32 bits of the fractional parts of the primes' cube roots and square roots.
  const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
  let count = 0;
  for (let candidate = 2; count < 64; candidate++) {
    let isPrime = true;
    for (let by = 2; by * by <= candidate && isPrime; by++) isPrime = candidate % by !== 0;
    if (!isPrime) continue;
    if (count < 8) START[count] = fraction(Math.sqrt(candidate));
    ROUND[count++] = fraction(Math.cbrt(candidate));
  }
})();

const schedule = new Int32Array(64);
const state = new Int32Array(8);
let padded = new Uint8Array(1 << 17);
let words = new DataView(padded.buffer);

// The hash of some byte arrays one after the other.
function sha256(...parts) {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = ((length + 8) >> 6) * 64 + 64;
  if (whole > padded.length) {
    padded = new Uint8Array(whole * 2);
    words = new DataView(padded.buffer);
  }
  let at = 0;
  for (const part of parts) {
    padded.set(part, at);
    at += part.length;
  }
  padded.fill(0, at, whole);
  padded[at] = 0x80;
  words.setUint32(whole - 8, Math.floor(length / 2 ** 29));
  words.setUint32(whole - 4, length << 3);
  state.set(START);
  compress(state, words, whole, schedule, ROUND);
  const digest = new Uint8Array(HASH_BYTES);
  for (let place = 0; place < HASH_BYTES; place++) digest[place] = state[place >> 2] >>> (24 - 8 * (place & 3));
  return digest;
}

function compress(state, view, whole, w, k) {
  for (let block = 0; block < whole; block += 64) {
    for (let t = 0; t < 16; t++) w[t] = view.getInt32(block + 4 * t);
    expand(w);
    mix(state, w, k);
  }
}

function expand(w) {
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15];
    const y = w[t - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[t] = (w[t - 16] + s0 + w[t - 7] + s1) | 0;
  }
}

function mix(state, w, k) {
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let t = 0; t < 64; t++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + k[t] + w[t]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}
