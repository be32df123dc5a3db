// RFC 3161 time-stamps: a time-stamp authority's signed word that a text existed by some moment (time.md). What
// proves nothing is a ProofError or a FormatError; of what is Unread this page can't tell.

const MAX_RESPONSE_BYTES = TIMESTAMP.most_bytes;
const MAX_ACCURACY_S = BigInt(TIMESTAMP.most_accuracy_s);
const CMS = {
  signedData: "2a864886f70d010702", timeInfo: "2a864886f70d0109100104", contentType: "2a864886f70d010903",
  messageDigest: "2a864886f70d010904", certificateV1: "2a864886f70d010910020c", certificateV2: "2a864886f70d010910022f",
};

// When an authority under one of these roots (DER) saw exactly this text: seconds, its accuracy taken off and added.
async function readTimestamp(response, text, roots) {
  if (response.length > MAX_RESPONSE_BYTES) {
    throw new FormatError(`a time-stamp response of ${response.length} bytes: over ${MAX_RESPONSE_BYTES}`);
  }
  const token = openResponse(parseDer(response, "time-stamp"));
  const signed = readSignedData(token);
  const info = readTimeInfo(contentOf(signed.content));
  checkImprint(info, text);
  const { signer, others } = findSigner(signed);
  await requireChain(signer, others, roots.map((root) => parseCertificate(parseDer(root, "root"))), info.second);
  checkPurpose(signer);
  await checkSigned(signed, signer);
  const accuracy = accuracyOf(info.accuracy);
  return { from: info.second - accuracy, by: info.second + 1 + accuracy };
}

function openResponse(node) {
  const parts = new Parts(node);
  const status = new Parts(parts.take(TAG.sequence));
  const code = integerOf(status.take(TAG.integer));
  const more = status.rest.length;
  const token = parts.maybe(TAG.sequence);
  parts.end();
  if (code < 0n || code > 255n) throw new FormatError("time-stamp: its status is none");
  if (code !== 0n) throw new ProofError(`the authority did not grant the time-stamp (status ${code})`);
  if (token === null) throw new FormatError("time-stamp: it is missing");
  if (more > 0) throw new Unread("time-stamp: granted with further words");
  return token;
}

function readSignedData(token) {
  const outer = new Parts(token);
  if (oidOf(outer.take(TAG.oid)) !== CMS.signedData) throw new FormatError("time-stamp: no signed data");
  const parts = new Parts(new Parts(outer.take(0xa0), 0xa0).take(TAG.sequence));
  outer.end();
  const version = integerOf(parts.take(TAG.integer));
  const digests = setOf(parts.take(TAG.set)).map(algorithmOf);
  const content = new Parts(parts.take(TAG.sequence));
  if (oidOf(content.take(TAG.oid)) !== CMS.timeInfo) throw new FormatError("time-stamp: about something else");
  const octets = new Parts(content.take(0xa0), 0xa0).take(TAG.octets);
  content.end();
  const certificates = parts.maybe(0xa0);
  if (parts.maybe(0xa1) !== null) throw new Unread("time-stamp: with lists of revocations");
  const signers = setOf(parts.take(TAG.set));
  parts.end();
  if (signers.length !== 1) throw new ProofError(`the time-stamp has ${signers.length} signers`);
  if (version !== 3n) throw new Unread(`time-stamp: signed data of version ${version}`);
  return { digests, content: octets, certificates, ...readSignerInfo(signers[0]) };
}

function readSignerInfo(node) {
  const parts = new Parts(node);
  const version = integerOf(parts.take(TAG.integer));
  const sid = new Parts(parts.take(TAG.sequence));
  const [issuer, serial] = [sid.take(TAG.sequence), integerOf(sid.take(TAG.integer))];
  sid.end();
  const digest = algorithmOf(parts.take(TAG.sequence));
  const attributes = parts.maybe(0xa0);
  const algorithm = algorithmOf(parts.take(TAG.sequence));
  const signature = contentOf(parts.take(TAG.octets));
  if (parts.maybe(0xa1) !== null) throw new Unread("time-stamp: with attributes that nobody signed");
  parts.end();
  requireClean(node);
  if (version !== 1n || attributes === null) throw new Unread("time-stamp: no signed attributes, or another version");
  return { issuer, serial, digest, attributes, algorithm, signature };
}

function readTimeInfo(raw) {
  const node = parseDer(raw, "time-stamp's content");
  const parts = new Parts(node);
  const version = integerOf(parts.take(TAG.integer));
  parts.maybe(TAG.oid);
  const imprint = new Parts(parts.take(TAG.sequence));
  const algorithm = new Parts(imprint.take(TAG.sequence));
  const hash = { algorithm: oidOf(algorithm.take(TAG.oid)), bytes: contentOf(imprint.take(TAG.octets)) };
  imprint.end();
  parts.take(TAG.integer);
  const second = timeOf(parts.take(TAG.generalizedTime));
  const accuracy = parts.maybe(TAG.sequence);
  parts.flag();
  parts.maybe(TAG.integer);
  parts.maybe(0xa0);
  if (parts.rest.length > 0) throw new Unread("time-stamp's content: with extensions");
  requireClean(node);
  algorithm.maybe(TAG.none);
  if (version !== 1n || algorithm.rest.length > 0) throw new Unread("time-stamp's content: of another version");
  return { hash, second, accuracy };
}

function checkImprint({ hash }, text) {
  if (DIGESTS[hash.algorithm] !== "SHA-256") throw new ProofError("the time-stamp is not over a SHA-256");
  if (!sameBytes(hash.bytes, sha256(utf8.encode(text)))) throw new ProofError("the time-stamp is over another text");
}

// The accuracy in whole seconds, rounded up.
function accuracyOf(node) {
  if (node === null) return 0;
  const parts = new Parts(node);
  const seconds = parts.maybe(TAG.integer);
  // The Python's library takes more than it can count for nothing at all.
  if (seconds !== null && contentOf(seconds).length > 15) throw new Unread("time-stamp's content: its accuracy");
  let micros = seconds === null ? 0n : integerOf(seconds) * 1000000n;
  if (micros < 0n) throw new FormatError("time-stamp's content: its accuracy is none");
  for (const [tag, unit] of [[0x80, 1000n], [0x81, 1n]]) {
    const part = parts.maybe(tag);
    if (part === null) continue;
    const value = integerOf(part);
    if (value < 1n || value > 999n) throw new FormatError("time-stamp's content: its accuracy is none");
    micros += value * unit;
  }
  parts.end();
  const whole = (micros + 999999n) / 1000000n;
  if (whole > MAX_ACCURACY_S) throw new ProofError("the time-stamp is not accurate to the day");
  return Number(whole);
}

function findSigner({ certificates, issuer, serial }) {
  const others = certificates === null ? [] : setOf(certificates, 0xa0).map(parseCertificate);
  const mine = others.filter((one) => one.serial === serial);
  const exact = mine.filter((one) => sameBytes(wholeOf(one.issuer), wholeOf(issuer)));
  if (exact.length > 1) throw new Unread("time-stamp: two certificates of its signer");
  if (exact.length === 1) return { signer: exact[0], others };
  if (mine.some((one) => looseName(one.issuer) === looseName(issuer))) {
    throw new Unread("names that are nearly the same");
  }
  throw new ProofError("no authority that is believed signed the time-stamp: its signer's certificate is missing");
}

// A certificate for time-stamping and nothing else, and says so with weight.
function checkPurpose({ purposes, isPurposeCritical, usage }) {
  if (purposes === null || !isPurposeCritical || !purposes.includes(TIME_STAMPING)) {
    throw new ProofError("its signer's certificate is not for time-stamping");
  }
  if (purposes.length > 1) throw new Unread("a certificate for more than time-stamping");
  const isOnlySigning = usage === null || (!(usage[0] & 0x3f) && !usage[1] && (usage[0] & 0xc0));
  if (!isOnlySigning) throw new ProofError("its signer's certificate is not for time-stamping");
}

// The signature is true over the signed attributes, and these hold the content's hash.
async function checkSigned(signed, signer) {
  const hash = DIGESTS[signed.digest];
  if (hash === undefined || !signed.digests.includes(signed.digest)) throw new Unread("time-stamp: of another hash");
  if (signed.digests.some((one) => !Object.hasOwn(DIGESTS, one))) throw new Unread("time-stamp: of other hashes");
  const attributes = attributesOf(signed.attributes);
  const digest = new Uint8Array(await crypto.subtle.digest(hash, contentOf(signed.content)));
  const said = attributes.get(CMS.messageDigest);
  if (said?.tag !== TAG.octets) throw new Unread("time-stamp: no hash of what it says is signed");
  if (!sameBytes(contentOf(said), digest)) throw new ProofError("the time-stamp's signature is over something else");
  const key = keyOfCertificate(signer);
  const kinds = key.isRsa ? { ...RSA_SIGNATURES, [RSA_KEY]: hash } : EC_SIGNATURES;
  if (kinds[signed.algorithm] !== hash) throw new Unread("time-stamp: signed by an algorithm that is not read here");
  const bytes = wholeOf(signed.attributes).slice();
  bytes[0] = TAG.set; // what is signed is a set, whatever tag it has where it stands
  await verifyByCertificate(key, hash, bytes, signed.signature, "the time-stamp's signature is false");
  await checkNames(attributes, signer);
}

// The signed attributes by their ids; each stands once and has one value.
function attributesOf(node) {
  const found = new Map();
  for (const one of setOf(node, 0xa0)) {
    const parts = new Parts(one);
    const id = oidOf(parts.take(TAG.oid));
    const values = setOf(parts.take(TAG.set));
    parts.end();
    if (found.has(id) || values.length !== 1) throw new Unread("time-stamp: an attribute twice, or of many values");
    found.set(id, values[0]);
  }
  return found;
}

// The attributes name what is signed, and the signer's certificate by its hash. `writ verify` does not ask for that.
async function checkNames(attributes, signer) {
  const type = attributes.get(CMS.contentType);
  if (type?.tag !== TAG.oid || oidOf(type) !== CMS.timeInfo) throw new Unread("time-stamp: signed as something else");
  const second = attributes.get(CMS.certificateV2);
  const named = second ?? attributes.get(CMS.certificateV1);
  if (named === undefined) throw new Unread("time-stamp: it does not name its signer's certificate");
  const first = new Parts(new Parts(new Parts(named).take(TAG.sequence)).take(TAG.sequence));
  const algorithm = first.maybe(TAG.sequence);
  const hash = second === undefined ? "SHA-1" : DIGESTS[algorithm === null ? SHA256_ID : algorithmOf(algorithm)];
  if (hash === undefined) throw new Unread("time-stamp: its signer's certificate is named by another hash");
  const digest = new Uint8Array(await crypto.subtle.digest(hash, wholeOf(signer.node)));
  if (!sameBytes(contentOf(first.take(TAG.octets)), digest)) {
    throw new Unread("time-stamp: it names another certificate than its signer's");
  }
}
