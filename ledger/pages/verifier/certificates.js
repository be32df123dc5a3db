// Certificates (X.509, RFC 5280), as far as a time-stamp's signer has some: a chain to a root that the order names.

const EXTENSION = {
  constraints: "551d13", usage: "551d0f", purposes: "551d25", keyId: "551d0e", issuerKeyId: "551d23",
};
// These may stand beside them; a certificate with any other is not read.
const OTHER_EXTENSIONS = new Set([
  "551d1f", // where revocations are listed
  "551d20", // under which policies it was issued
  "551d11", "551d12", // other names
  "2b06010505070101", // where the issuer's certificate is
  "6086480186f842010d", // a comment
]);
const SHA256_ID = "608648016503040201";
const DIGESTS = { [SHA256_ID]: "SHA-256", "608648016503040202": "SHA-384", "608648016503040203": "SHA-512" };
const RSA_SIGNATURES = {
  "2a864886f70d01010b": "SHA-256", "2a864886f70d01010c": "SHA-384", "2a864886f70d01010d": "SHA-512",
};
const EC_SIGNATURES = { "2a8648ce3d040302": "SHA-256", "2a8648ce3d040303": "SHA-384", "2a8648ce3d040304": "SHA-512" };
const TIME_STAMPING = "2b06010505070308";
const RSA_KEY = "2a864886f70d010101";
const EC_KEY = "2a8648ce3d0201";
const CURVES = { "2a8648ce3d030107": ["P-256", 32], "2b81040022": ["P-384", 48], "2b81040023": ["P-521", 66] };
const KEY_CERT_SIGN = 0x04; // of the first byte of a key's usages
const MAX_CHAIN = 5;
const MAX_TRIED = 64; // signatures: certificates that all sign each other would take for ever

function parseCertificate(node) {
  const whole = new Parts(node);
  const body = whole.take(TAG.sequence);
  const algorithm = whole.take(TAG.sequence);
  const signature = bitsOf(whole.take(TAG.bits));
  whole.end();
  const parts = new Parts(body);
  checkVersion(parts.maybe(0xa0));
  const serial = integerOf(parts.take(TAG.integer));
  const inner = parts.take(TAG.sequence);
  const [issuer, validity, subject, key] = [1, 2, 3, 4].map(() => parts.take(TAG.sequence));
  if (parts.maybe(0x81) || parts.maybe(0x82)) throw new Unread("a certificate with unique ids");
  const outer = parts.maybe(0xa3);
  parts.end();
  if (!sameBytes(wholeOf(inner), wholeOf(algorithm))) throw new ProofError("a certificate states two algorithms");
  const [from, until] = timesOf(validity);
  const certificate = { node, body, serial, issuer, subject, key, algorithm, signature, from, until };
  return { ...certificate, ...readMore(node, outer) };
}

// What is Unread here is told once the signature is true: of a false certificate nobody need read more.
function readMore(node, outer) {
  try {
    requireClean(node);
    return { odd: null, ...extensionsOf(outer) };
  } catch (odd) {
    return { odd: odd instanceof Unread ? odd : new Unread(odd.message) };
  }
}

function checkVersion(outer) {
  if (outer === null) throw new Unread("a certificate of version 1");
  const [version, ...more] = childrenOf(outer);
  if (version?.tag !== TAG.integer || more.length > 0) throw new FormatError("a certificate's version is none");
  const number = integerOf(version);
  if (number < 0n || number > 255n) throw new FormatError("a certificate's version is none");
  if (number !== 2n) throw new ProofError(`a certificate of version ${number}`);
}

function timesOf(validity) {
  const times = childrenOf(validity);
  const isTime = (one) => one.tag === TAG.utcTime || one.tag === TAG.generalizedTime;
  if (times.length !== 2 || !times.every(isTime)) throw new FormatError("a certificate is valid at no time");
  return times.map(timeOf);
}

function bitsOf(node) {
  const raw = contentOf(node);
  if (!isBitString(raw)) throw new FormatError(`${node.what}: no bits`);
  if (raw[0] !== 0) throw new Unread(`${node.what}: not whole bytes`);
  return raw.subarray(1);
}

// What a chain is checked by: constraints, usages and key ids.
function extensionsOf(outer) {
  const found = new Map();
  for (const one of outer === null ? [] : childrenOf(new Parts(outer, 0xa3).take(TAG.sequence))) {
    const parts = new Parts(one);
    const id = oidOf(parts.take(TAG.oid));
    const isCritical = parts.flag();
    const value = contentOf(parts.take(TAG.octets));
    parts.end();
    const isKnown = Object.values(EXTENSION).includes(id);
    if (found.has(id) || !(isKnown || (OTHER_EXTENSIONS.has(id) && !isCritical))) {
      throw new Unread("a certificate with extensions that this page does not read");
    }
    found.set(id, { isCritical, value });
  }
  return {
    constraints: readExtension(found, "constraints", readConstraints),
    usage: readExtension(found, "usage", (node) => bitsWithin(node)),
    purposes: readExtension(found, "purposes", (node) => childrenOf(node).map(oidOf)),
    isPurposeCritical: found.get(EXTENSION.purposes)?.isCritical === true,
    keyId: readExtension(found, "keyId", (node) => octetsWithin(node)),
    issuerKeyId: readExtension(found, "issuerKeyId", readIssuerKeyId),
  };
}

// Whatever is wrong within an extension, this page can't tell what others make of it.
function readExtension(found, name, read) {
  const extension = found.get(EXTENSION[name]);
  if (extension === undefined) return null;
  try {
    const node = parseDer(extension.value, "extension");
    requireClean(node);
    return read(node);
  } catch {
    throw new Unread("a certificate with an extension of no known form");
  }
}

function bitsWithin(node) {
  if (node.tag !== TAG.bits) throw new FormatError("extension: no bits");
  return contentOf(node).slice(1);
}

function octetsWithin(node) {
  if (node.tag !== TAG.octets) throw new FormatError("extension: no bytes");
  return contentOf(node);
}

function readConstraints(node) {
  const parts = new Parts(node);
  const isAuthority = parts.flag();
  const below = parts.maybe(TAG.integer);
  parts.end();
  return { isAuthority, most: below === null ? Infinity : Number(integerOf(below)) };
}

function readIssuerKeyId(node) {
  const parts = new Parts(node);
  const id = parts.maybe(0x80);
  if (parts.rest.length > 0) throw new Unread("an issuer's key named by its certificate");
  return id === null ? null : contentOf(id);
}

// A chain from the signer's certificate to one of the roots, every certificate valid at that moment.
async function requireChain(signer, others, roots, second) {
  let near = null;
  let left = MAX_TRIED;
  const beside = others.filter((one) => one !== signer);
  const walk = async (chain) => {
    const last = chain.at(-1);
    requireValid(last, second);
    // What the order names and what does not sign itself is no root, and may stand between.
    if (isSelfIssued(last) && roots.some((root) => isSame(root, last))) {
      requireRead(last);
      return chain;
    }
    if (chain.length > MAX_CHAIN) throw new Unread("a chain of too many certificates");
    for (const issuer of [...roots, ...beside].filter((one) => !chain.some((had) => isSame(had, one)))) {
      try {
        if (!hasName(issuer, last)) continue;
        if (left-- <= 0) throw new Unread("more ways to its roots than are tried");
        await verifyCertificate(last, issuer);
        requireRead(issuer, last);
        requireAuthority(issuer, chain);
        return await walk([...chain, issuer]);
      } catch (error) {
        near = near instanceof Unread ? near : error;
      }
    }
    throw near ?? new ProofError("its signer's certificate leads to no root that the order names");
  };
  const chain = await walk([signer]);
  // Nobody signs which certificates come along: of another one this page can't tell whether it is well-formed.
  const isKnown = (one) => [...chain, ...roots].some((known) => isSame(known, one));
  if (!others.every(isKnown)) throw new Unread("certificates beside the chain");
}

function isSame(one, other) {
  return sameBytes(wholeOf(one.node), wholeOf(other.node));
}

function isSelfIssued(certificate) {
  return sameBytes(wholeOf(certificate.subject), wholeOf(certificate.issuer));
}

function requireValid({ from, until }, second) {
  if (second < from || second >= until) throw new ProofError("a certificate was not valid at that moment");
}

function requireRead(...certificates) {
  for (const { odd } of certificates) if (odd !== null) throw odd;
}

function hasName(issuer, certificate) {
  if (sameBytes(wholeOf(issuer.subject), wholeOf(certificate.issuer))) return true;
  if (looseName(issuer.subject) === looseName(certificate.issuer)) throw new Unread("names that are nearly the same");
  return false;
}

// The name's words alone, for what others may take to be the same name.
function looseName(node, depth = 0) {
  if (depth > MAX_DER_DEPTH) throw new Unread("a name nested too deep");
  if (node.tag & 0x20) return childrenOf(node).map((child) => looseName(child, depth + 1)).join("|");
  return node.tag === TAG.oid ? oidOf(node)
    : String.fromCharCode(...contentOf(node)).toLowerCase().replace(/\s+/g, "");
}

function requireAuthority(issuer, chain) {
  const [said, own] = [chain.at(-1).issuerKeyId, issuer.keyId];
  if (said !== null && own !== null && !sameBytes(said, own)) {
    throw new ProofError("a certificate names another key as its issuer's");
  }
  if (issuer.constraints === null) throw new Unread("an issuer of whom nothing says that he is one");
  const isSigning = issuer.usage === null || issuer.usage[0] & KEY_CERT_SIGN;
  if (!issuer.constraints.isAuthority || !isSigning) {
    throw new ProofError("a certificate was issued by one who may not");
  }
  const between = chain.slice(1).filter((one) => !isSelfIssued(one)).length;
  if (between > issuer.constraints.most) throw new ProofError("a chain is longer than one of its issuers allows");
}

async function verifyCertificate(certificate, issuer) {
  const signed = wholeOf(certificate.body);
  const algorithm = algorithmOf(certificate.algorithm);
  const isRsa = Object.hasOwn(RSA_SIGNATURES, algorithm);
  const hash = isRsa ? RSA_SIGNATURES[algorithm] : EC_SIGNATURES[algorithm];
  if (hash === undefined) throw new Unread("a certificate signed by an algorithm that this page does not read");
  const key = keyOfCertificate(issuer);
  if (key.isRsa !== isRsa) throw new ProofError("a certificate is signed by another kind of key than its issuer's");
  await verifyByCertificate(key, hash, signed, certificate.signature, "a certificate is not signed by its issuer");
}

// The algorithm's id; its parameters are those that belong there or none.
function algorithmOf(node) {
  const parts = new Parts(node);
  const id = oidOf(parts.take(TAG.oid));
  const none = parts.maybe(TAG.none);
  if (parts.rest.length > 0 || (none !== null && Object.hasOwn(EC_SIGNATURES, id))) {
    throw new Unread("an algorithm with parameters");
  }
  return id;
}

function keyOfCertificate({ key }) {
  const parts = new Parts(key);
  const algorithm = new Parts(parts.take(TAG.sequence));
  bitsOf(parts.take(TAG.bits));
  parts.end();
  const id = oidOf(algorithm.take(TAG.oid));
  if (id === RSA_KEY && algorithm.maybe(TAG.none) !== null) return { isRsa: true, spki: wholeOf(key) };
  const curve = id === EC_KEY ? CURVES[oidOf(algorithm.maybe(TAG.oid) ?? key)] : undefined;
  if (curve === undefined) throw new Unread("a key of a kind that this page does not read");
  return { isRsa: false, spki: wholeOf(key), curve };
}

async function verifyByCertificate(key, hash, signed, signature, otherwise) {
  const kind = key.isRsa
    ? { name: "RSASSA-PKCS1-v1_5", hash } : { name: "ECDSA", namedCurve: key.curve[0], hash };
  let imported;
  try {
    imported = await crypto.subtle.importKey("spki", key.spki, kind, false, ["verify"]);
  } catch {
    throw new Unread("a key that this browser does not take");
  }
  const raw = key.isRsa ? signature : rawSignature(signature, key.curve[1], otherwise);
  if (!(await crypto.subtle.verify(kind, imported, raw, signed))) throw new ProofError(otherwise);
}

// An ECDSA signature's two numbers, one after the other.
function rawSignature(signature, bytes, otherwise) {
  let numbers;
  try {
    const parts = new Parts(parseDer(signature, "signature"));
    numbers = [parts.take(TAG.integer), parts.take(TAG.integer)].map(integerOf);
    parts.end();
  } catch (error) {
    if (error instanceof FormatError) throw new ProofError(otherwise);
    throw error;
  }
  const raw = new Uint8Array(2 * bytes);
  numbers.forEach((number, place) => {
    const hex = number.toString(16).padStart(2 * bytes, "0");
    if (number <= 0n || hex.length > 2 * bytes) throw new ProofError(otherwise);
    raw.set(hex.match(/../g).map((pair) => parseInt(pair, 16)), place * bytes);
  });
  return raw;
}
