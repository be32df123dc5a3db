// Proofs: single events of a log, each with all that shows where it stands and under whose note. That the event
// is true, or that no other was left out, they do not prove.

// The entries that a bundle proves, in the order of the log.
function provedIndexes(source) {
  const places = source.paths.filter((path) => path.startsWith("proof/"));
  const indexes = [...new Set(places.map((path) => path.split("/")[1]))];
  return indexes.sort((one, other) => Number(one) - Number(other));
}

// What a proof is about; whether it proves that is checked once the order tells the log's key.
async function readProved(source, directory) {
  const place = `proof/${directory}`;
  const entry = await readEntry(source, `${place}/event`, "event");
  const head = await readEntry(source, `${place}/submission`, "submission");
  return within(place, () => {
    const index = parseDecimal(directory, "its index");
    return { place, index, entry, parsed: parseEvent(entry.body), signed: parseSubmissionNote(head.body) };
  });
}

// Both entries stand in the log, and the event under the submission's root, at its place.
async function checkProved(source, directory, logKey, checkpointNote) {
  const place = `proof/${directory}`;
  const entry = await readEntry(source, `${place}/event`, "event");
  const head = await readEntry(source, `${place}/submission`, "submission");
  const index = within(place, () => parseDecimal(directory, "its index"));
  for (const [name, one, at] of [["event", entry, index], ["submission", head, head.index]]) {
    await withProof(source, `${place}/${name}.tlog-proof`, async (proof) => {
      if (proof.index !== at || proof.checkpoint.text !== checkpointNote.text) {
        throw new ProofError("not a proof of this entry under this checkpoint");
      }
      await verifyProof(proof, leafHash(one.raw), logKey);
    });
  }
  const signed = within(`${place}/submission`, () => parseSubmissionNote(head.body));
  await withProof(source, `${place}/source.tlog-proof`, async (proof) => {
    const { origin } = await verifyCheckpoint(checkpointNote, logKey);
    checkSourceProof(proof, { index, entry, head, signed, origin });
  });
}

async function readEntry(source, path, kind) {
  const raw = await source.read(path);
  const entry = within(path, () => parseEntry(raw));
  if (entry.kind !== kind) throw new ProofError(`${path}: the entry there calls itself a ${entry.kind}`);
  return { raw, ...entry };
}

async function withProof(source, path, check) {
  const raw = await source.read(path);
  await withinLater(path, () => check(parseProof(raw)));
}

function checkSourceProof(proof, { index, entry, head, signed: { note, text }, origin }) {
  if (!sameNote(proof.checkpoint, note) || text.log !== origin) {
    throw new ProofError("not a proof under this submission, or it is for another log");
  }
  const isWithinIt = proof.index >= text.base && proof.index < text.size;
  if (!isWithinIt || BigInt(index) !== BigInt(head.index) + 1n + BigInt(proof.index) - BigInt(text.base)) {
    throw new ProofError("the event does not stand where its submission has it");
  }
  verifyInclusion(leafHash(entry.body), proof.index, text.size, proof.hashes, text.root);
}
