// Assessors: who of those whom the order names signed the statement, and what each says that he did not check
// (statement.md, "Attest one"). Where there is no word of his on it, that is said.

const ATTESTATION_HEADER = "writ/attestation/v1";

// Tells who signed, and what he did not check; no signature in an assessor's name is false.
async function tellAssessors(outcome, order, note, source) {
  const signed = await assessorsOf(order, note);
  const unchecked = await uncheckedBy(outcome, order, note, source);
  for (const { name, vkey } of signed) {
    const left = unchecked.has(name) ? [...unchecked.get(name)].sort() : null;
    outcome.assessors.push({ name, vkey, unchecked: left });
    outcome.attested.push(`the assessor ${name}, named in the order, who signed the statement`);
    outcome.statedBy.push({ name, role: "assessor" });
    outcome.notProven.push(uncheckedLine(name, left));
  }
  outcome.assessorsNeeded = neededOf(order);
  if (outcome.assessorsNeeded > 1) outcome.attested.push(quorumLine(order, signed.length));
  return signed;
}

// The order's assessors who signed the statement, each once, under whichever of his keys.
async function assessorsOf(order, note) {
  const signed = new Map();
  for (const key of assessorKeys(order)) {
    if (signaturesOf(note, key).length === 0) continue;
    await verifyNote(note, key);
    if (!signed.has(key.name)) signed.set(key.name, key);
  }
  return [...signed.values()];
}

function assessorKeys(order) {
  return (order.trust.assessors ?? []).map(parseVkey);
}

function neededOf(order) {
  return order.trust.assessors_needed ?? 1;
}

// How many of the assessors signed, and how many the order asks for.
function quorumLine(order, signed) {
  const named = new Set(assessorKeys(order).map((key) => key.name)).size;
  const needed = neededOf(order);
  const are = needed === 1 ? "is" : "are";
  return `${signed} of the ${named} assessors that the order names signed; ${needed} ${are} needed`;
}

// What each assessor says that he did not check, by his name. Others' attestations have no effect.
async function uncheckedBy(outcome, order, note, source) {
  const said = new Map();
  const keys = assessorKeys(order);
  const statement = sha256(utf8.encode(note.text));
  for (let number = 0; number < MAX_ATTESTATIONS && source.has(`attestation/${number}`); number++) {
    const path = `attestation/${number}`;
    const raw = await source.read(path);
    const one = within(path, () => parseNote(raw));
    const key = keys.find((candidate) => signaturesOf(one, candidate).length > 0);
    if (key === undefined) {
      const names = one.signatures.map((line) => line.name).join(", ");
      outcome.exceptions.push(`${path} is signed by ${names}, whom the order does not name: no effect`);
      continue;
    }
    const { unchecked } = await withinLater(path, () => openAttestation(one, key, statement));
    said.set(key.name, new Set([...(said.get(key.name) ?? []), ...unchecked]));
  }
  return said;
}

// What a key attests of the statement with this hash.
async function openAttestation(note, key, statement) {
  const attestation = parseAttestation(note.text);
  if (note.signatures.length !== 1) throw new FormatError("an attestation has one signature");
  await verifyNote(note, key);
  if (!sameBytes(attestation.statement, statement)) throw new ProofError("an attestation of another statement");
  return attestation;
}

function parseAttestation(text) {
  const lines = text.split("\n");
  if (lines[0] !== ATTESTATION_HEADER || lines.length < 4 || lines.at(-1) !== "") {
    throw new FormatError(`not an attestation: its first line is not '${ATTESTATION_HEADER}', or lines are missing`);
  }
  if (!isName(lines[1])) throw new FormatError(`attestation: '${lines[1].slice(0, 80)}' names no log`);
  const statement = decodeHash(lines[2], "attestation's statement");
  const unchecked = lines.slice(3, -1);
  const other = unchecked.find((item) => !isUnchecked(item));
  if (other !== undefined) {
    throw new FormatError(
      `attestation: '${other.slice(0, 80)}' is none of ${[...ATTESTATION_WORDS, "store:ID"].join(", ")}`);
  }
  const isSorted = unchecked.every((item, at) => at === 0 || unchecked[at - 1] < item);
  if (unchecked.length > MAX_UNCHECKED || !isSorted) {
    throw new FormatError(`attestation: it names more than ${MAX_UNCHECKED}, one of them twice, or not sorted`);
  }
  return { log: lines[1], statement, unchecked };
}

function isUnchecked(item) {
  return ATTESTATION_WORDS.includes(item) || /^store:[a-z0-9][a-z0-9._-]{0,63}$/.test(item);
}

function uncheckedLine(assessor, unchecked) {
  if (unchecked === null) return `what the assessor ${assessor} did not check: there is no word of his on it here`;
  if (unchecked.length === 0) return `more than the assessor ${assessor} checked, who names nothing that he left out`;
  const said = (item) => WORDING.unchecked[item] ?? `the store ${item.slice("store:".length)}`;
  return `what the assessor ${assessor} did not check: ${unchecked.map(said).join(", ")}`;
}
