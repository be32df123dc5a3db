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
  const event = await source.read(`${place}/event`);
  const submission = await source.read(`${place}/submission`);
  return within(place, () => {
    const head = parseEntry(submission);
    const entry = parseEntry(event);
    const index = parseDecimal(directory, "its index");
    const signed = parseSubmissionNote(head.body);
    return { place, index, event, submission, entry, head, signed, parsed: parseEvent(entry.body) };
  });
}

// Both entries stand in the log, and the event under the submission's root, at its place.
async function checkProved(source, one, logKey, head, checkpoint) {
  const { place, index, signed } = one;
  for (const [name, raw, at] of [["event", one.event, index], ["submission", one.submission, one.head.index]]) {
    const path = `${place}/${name}.tlog-proof`;
    const proof = await readProof(source, path);
    if (proof.index !== at || proof.checkpoint.text !== head.text) {
      throw new ProofError(`${path}: not a proof of this entry under this checkpoint`);
    }
    await verifyProof(proof, leafHash(raw), logKey);
  }
  const path = `${place}/source.tlog-proof`;
  const proof = await readProof(source, path);
  const { note, text } = signed;
  if (!sameNote(proof.checkpoint, note) || text.log !== checkpoint.origin) {
    throw new ProofError(`${path}: not a proof under this submission, or it is for another log`);
  }
  const isWithinIt = proof.index >= text.base && proof.index < text.size;
  if (!isWithinIt || index !== one.head.index + 1 + proof.index - text.base) {
    throw new ProofError(`${place}: the event does not stand where its submission has it`);
  }
  within(place, () => verifyInclusion(leafHash(one.entry.body), proof.index, text.size, proof.hashes, text.root));
}

async function readProof(source, path) {
  const raw = await source.read(path);
  return within(path, () => parseProof(raw));
}
