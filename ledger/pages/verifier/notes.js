// Signed notes, checkpoints, cosignatures, policies and proofs, as C2SP writes them.

const MAX_SIGNATURES = 100;
const MAX_HASHES = 63;
const MAX_POLICY_LINES = 1000;

function parseNote(raw) {
  const whole = decodeUtf8(raw, "note");
  const end = whole.lastIndexOf("\n\n");
  const lines = whole.slice(end + 2);
  if (end < 0 || !lines.endsWith("\n")) {
    throw new FormatError("note is not a text, an empty line and signature lines, each ending in a newline");
  }
  const text = whole.slice(0, end);
  if (/[\x00-\x09\x0b-\x1f]/.test(text)) throw new FormatError("note has a control character in its text");
  const signatureLines = lines.slice(0, -1).split("\n");
  if (signatureLines.length > MAX_SIGNATURES) {
    throw new FormatError(`note has ${signatureLines.length} signatures: at most ${MAX_SIGNATURES}`);
  }
  return { text: text + "\n", signatures: signatureLines.map(parseSignatureLine) };
}

function parseSignatureLine(line) {
  const parts = line.slice(2).split(" ");
  if (!line.startsWith("— ") || parts.length !== 2 || !isNoteKeyName(parts[0])) {
    throw new FormatError(`signature line '${line.slice(0, 80)}' is not an em dash, a key name and base64`);
  }
  const raw = decodeBase64(parts[1], `signature of '${parts[0]}'`);
  if (raw.length <= 4) throw new FormatError(`signature of '${parts[0]}' is not a key id and a signature`);
  return { name: parts[0], keyId: toHex(raw.subarray(0, 4)), signature: raw.subarray(4), line };
}

// The lines that claim to be this key's: both name and key id must match, all others are unknown.
function signaturesOf(note, key) {
  return note.signatures.filter((one) => one.name === key.name && one.keyId === key.keyId);
}

async function verifyNote(note, key) {
  if (key.algorithm !== ED25519) throw new ProofError(`key of '${key.name}' signs no notes`);
  const mine = signaturesOf(note, key);
  if (mine.length === 0) throw new ProofError(`note is not signed by '${key.name}' with key ${key.keyId}`);
  for (const one of mine) await verifySignature(key, utf8.encode(note.text), one.signature);
}

function sameNote(one, other) {
  const lines = (note) => note.signatures.map((signature) => signature.line).join("\n");
  return one.text === other.text && lines(one) === lines(other);
}

function parseCheckpoint(text) {
  const lines = text.split("\n");
  if (lines.length !== 4 || lines[3] !== "") {
    throw new FormatError("checkpoint is not the three lines origin, size and root");
  }
  if (!PRINTABLE.test(lines[0])) throw new FormatError("checkpoint origin is empty or has control characters");
  const size = parseDecimal(lines[1], "checkpoint size");
  return { origin: lines[0], size, root: decodeHash(lines[2], "checkpoint root") };
}

// A note's checkpoint, only if the log with this key signed it.
async function verifyCheckpoint(note, key) {
  const checkpoint = parseCheckpoint(note.text);
  if (checkpoint.origin !== key.name) {
    throw new ProofError(`checkpoint is of '${checkpoint.origin}', not of the log '${key.name}'`);
  }
  await verifyNote(note, key);
  return checkpoint;
}

// The Unix second at which the witness cosigned the text.
async function verifyCosignature(text, signature, key) {
  if (key.algorithm !== COSIGNATURE) throw new ProofError(`key of '${key.name}' is not a cosignature key`);
  if (signature.name !== key.name || signature.keyId !== key.keyId) {
    throw new ProofError(`signature line of '${signature.name}' is not of witness '${key.name}'`);
  }
  const time = BigInt("0x0" + toHex(signature.signature.subarray(0, 8)));
  // Time 0 means "no statement about time" in the standard: it cannot serve as a clock.
  if (time < 1n || time > MAX_SIZE) throw new ProofError(`cosignature of '${key.name}' states no time`);
  const message = utf8.encode(`cosignature/v1\ntime ${time}\n${text}`);
  await verifySignature(key, message, signature.signature.subarray(8));
  return Number(time);
}

// A trust policy, accepting only the exact text that orders carry. Members stand before their group.
function parsePolicy(text) {
  const lines = policyLines(text);
  if (lines.some((line) => line.split(" ").includes("") || line.includes("\t") || line.startsWith("#"))) {
    throw new FormatError("policy has comments, empty lines or spaces that are not needed: orders carry none");
  }
  return policyOfLines(lines);
}

// A trust policy as people write it: comments, empty lines and any space between words.
function readPolicy(text) {
  return policyOfLines(policyLines(text));
}

function policyLines(text) {
  if (!text.endsWith("\n")) throw new FormatError("policy does not end in a newline");
  if (/[\x00-\x08\x0b-\x1f\x7f]/.test(text)) throw new FormatError("policy has control characters");
  const lines = text.slice(0, -1).split("\n");
  if (lines.length > MAX_POLICY_LINES) throw new FormatError(`policy has ${lines.length} lines`);
  return lines;
}

function policyOfLines(lines) {
  const policy = { logs: [], witnesses: [], groups: [], quorum: null };
  const names = new Set();
  const members = new Set();
  lines.forEach((line, at) => {
    try {
      parsePolicyLine(line.split(/[ \t]+/).filter((word) => word !== ""), policy, names, members);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new FormatError(`policy line ${at + 1}: ${error.message}`);
    }
  });
  if (policy.quorum === null) {
    throw new FormatError("policy needs exactly one line `quorum NAME`, of a witness or group, or `quorum none`");
  }
  for (const known of [policy.logs, policy.witnesses]) {
    if (new Set(known.map((one) => toHex(one.key.public))).size !== known.length) {
      throw new FormatError("policy names one public key twice: it would count twice");
    }
  }
  return policy;
}

function parsePolicyLine(words, policy, names, members) {
  if (words.length === 0 || words[0].startsWith("#")) return;
  const [kind, first, second, ...rest] = words;
  if (kind === "log" && words.length >= 2 && words.length <= 3) {
    policy.logs.push({ key: parsePolicyKey(first, ED25519) });
  } else if (kind === "witness" && words.length >= 3 && words.length <= 4) {
    define(first, names);
    policy.witnesses.push({ name: first, key: parsePolicyKey(second, COSIGNATURE) });
    policy.groups.push({ name: first, witness: policy.witnesses.at(-1) });
  } else if (kind === "group" && rest.length > 0) {
    for (const name of rest) use(name, names, members);
    define(first, names);
    policy.groups.push({ name: first, required: requiredOf(second, rest.length), members: rest });
  } else if (kind === "quorum" && words.length === 2) {
    if (policy.quorum !== null || !(names.has(first) || first === "none")) {
      throw new FormatError(`a second quorum, or one of '${first}', which no line before defines`);
    }
    policy.quorum = first;
  } else {
    throw new FormatError(`'${kind}' is not a log, witness, group or quorum with its words`);
  }
}

function parsePolicyKey(text, algorithm) {
  const key = parseVkey(text);
  if (key.algorithm !== algorithm) throw new FormatError(`key of '${key.name}' has type ${key.algorithm}`);
  return key;
}

function define(name, names) {
  if (names.has(name) || name === "none") throw new FormatError(`the name '${name}' twice, or it is reserved`);
  names.add(name);
}

// No member twice: otherwise one witness could reach a quorum alone, by two ways.
function use(name, names, members) {
  if (!names.has(name) || members.has(name)) {
    throw new FormatError(`a group member '${name}' that no line before defines, or twice`);
  }
  members.add(name);
}

function requiredOf(threshold, count) {
  if (threshold === "any") return 1;
  if (threshold === "all") return count;
  const required = parseDecimal(threshold, "threshold");
  if (required < 1 || required > count) throw new FormatError(`threshold ${threshold} of ${count} members`);
  return required;
}

// The earliest Unix second by which enough witnesses had cosigned, or null. False cosignatures count for nothing.
async function quorumTime(policy, note) {
  const times = new Map([["none", null]]);
  for (const group of policy.groups) {
    if (group.witness) {
      times.set(group.name, await cosignedAt(note, group.witness.key));
      continue;
    }
    const known = group.members.map((name) => times.get(name)).filter((time) => time !== null);
    known.sort((one, other) => one - other);
    times.set(group.name, known.length >= group.required ? known[group.required - 1] : null);
  }
  return times.get(policy.quorum);
}

async function cosignedAt(note, key) {
  let earliest = null;
  for (const signature of signaturesOf(note, key)) {
    try {
      const time = await verifyCosignature(note.text, signature, key);
      if (earliest === null || time < earliest) earliest = time;
    } catch (error) {
      if (!(error instanceof ProofError)) throw error;
    }
  }
  return earliest;
}

// A proof that some leaf stands at `index` of the tree that its checkpoint signs (C2SP tlog-proof).
function parseProof(raw) {
  let end = 0;
  while (end < raw.length && !(raw[end] === 10 && raw[end + 1] === 10)) end++;
  const lines = decodeAscii(raw.subarray(0, end), "proof").split("\n");
  if (end >= raw.length || lines.shift() !== "c2sp.org/tlog-proof@v1") {
    throw new FormatError("proof is not a version, an index, hashes, an empty line and a checkpoint");
  }
  if (lines[0]?.startsWith("extra ") && decodeBase64(lines.shift().slice(6), "proof extra data").length === 0) {
    throw new FormatError("a proof's extra data is left out, not empty");
  }
  if (!lines[0]?.startsWith("index ")) throw new FormatError("proof has no line 'index <number>' where it belongs");
  const index = parseDecimal(lines.shift().slice(6), "proof index");
  if (lines.length > MAX_HASHES) throw new FormatError(`proof has ${lines.length} hashes: at most ${MAX_HASHES}`);
  const hashes = lines.map((line, number) => decodeHash(line, `proof hash ${number}`));
  return { index, hashes, checkpoint: parseNote(raw.subarray(end + 2)) };
}

// The log's checkpoint, only if it signed it and the leaf hash stands at the index in its tree.
async function verifyProof(proof, leaf, key) {
  const checkpoint = await verifyCheckpoint(proof.checkpoint, key);
  verifyInclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root);
  return checkpoint;
}
