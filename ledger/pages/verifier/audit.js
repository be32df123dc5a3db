// A whole log, entry by entry, against its own chain, tree, tiles, source logs, keys and anchors. Every
// failure names the entry. What the events mean is not judged.

class Audit {
  constructor(claim, counted) {
    this.claim = claim;
    this.counted = counted; // entries from here on do not count in the statement
    this.firstUncounted = null;
    this.registry = new Registry();
    this.history = new History();
    this.timesUs = [];
    this.lastUs = 0; // exactly: a number rounds what is beyond 2^53
    this.sources = new Map();
    this.open = null; // the submission whose events are being read
    this.orders = [];
    this.anchors = [];
    this.submissions = 0;
    this.previous = encodeBase64(new Uint8Array(HASH_BYTES));
    this.pending = [];
  }

  get size() {
    return this.history.size;
  }

  // Put the next entry into the chain and the tree.
  link(raw) {
    const index = this.size;
    const entry = this.parse(index, raw);
    this.checkChain(index, entry);
    const leaf = leafHash(raw);
    this.history.push(leaf);
    this.previous = encodeBase64(leaf);
    this.timesUs.push(Number(entry.timeUs));
    this.lastUs = entry.timeUs;
    return entry;
  }

  // Take a linked entry's word. Signatures are verified behind; `settle` waits for them.
  take(entry) {
    if (entry.kind === "submission") this.begin(entry.index, entry);
    else this.read(entry.index, entry);
  }

  // Wait for the signatures met so far but the last few; the first false one, in the order of the log, is thrown.
  async settle(left = 0) {
    const pending = this.pending.splice(0, Math.max(0, this.pending.length - left));
    for (const outcome of await Promise.allSettled(pending)) {
      if (outcome.status === "rejected") throw outcome.reason;
    }
  }

  finish() {
    if (this.open !== null) this.requireComplete(this.size);
    if (this.size !== this.claim.size) {
      throw new ProofError(`the log ends after ${this.size} entries; its checkpoint counts ${this.claim.size}`);
    }
    if (!sameBytes(this.history.rootAt(this.size), this.claim.root)) {
      throw new ProofError(
        `the ${this.size} entries do not give the root of the checkpoint: an entry was altered, dropped, inserted ` +
          "or reordered and everything after it chained anew, or this is another log's checkpoint");
    }
  }

  parse(index, raw) {
    const entry = within(`entry ${index}: not in the form of an entry`, () => parseEntry(raw));
    if (entry.index !== index) {
      throw new ProofError(
        `entry ${index}: the entry in this place says that it is entry ${entry.index}: ` +
          "entries were dropped, inserted or reordered here");
    }
    return entry;
  }

  checkChain(index, entry) {
    if (entry.previous !== this.previous) {
      throw new ProofError(
        `entry ${index}: it names another entry before it than entry ${index - 1} as it stands here: ` +
          `entry ${index - 1} was altered, or entries were dropped, inserted or reordered`);
    }
    if (entry.timeUs < this.lastUs) {
      throw new ProofError(
        `entry ${index}: recorded before entry ${index - 1}, which stands before it: the clock was set back`);
    }
    if (index === 0 && entry.kind !== "submission") {
      throw new ProofError("entry 0: a log begins with a submission of its administrator's key");
    }
  }

  begin(index, entry) {
    if (this.open !== null) this.requireComplete(index);
    const { note, text } = within(`entry ${index}: not a submission`, () => parseSubmissionNote(entry.body));
    if (text.log !== this.claim.origin) {
      throw new ProofError(`entry ${index}: a submission to the log ${text.log}, not to this one: it was replayed`);
    }
    const source = this.sources.get(text.origin) ?? new Frontier();
    if (text.base !== source.size) {
      throw new ProofError(
        `entry ${index}: its poster's source log ${text.origin} held ${text.base} events before it, and ` +
          `${source.size} stand in this log: a submission was dropped, repeated or reordered`);
    }
    this.checkQuoted(index, text);
    const key = index === 0 ? null : this.admit(index, note, text);
    this.open = { index, note, text, key, source };
    this.submissions++;
  }

  // Line 6: a checkpoint that this log really had, so that every honest poster is a witness.
  checkQuoted(index, text) {
    if (text.seenSize === 0) return;
    if (text.seenSize > index || !sameBytes(this.history.rootAt(text.seenSize), text.seenRoot)) {
      throw new ProofError(
        `entry ${index}: its poster had verified a checkpoint of ${text.seenSize} entries that is not one of this ` +
          "log's: somebody was shown another history");
    }
  }

  admit(index, note, text) {
    return within(`entry ${index}: should not have been accepted`, () => {
      const key = this.registry.admitKey(note.signatures[0]);
      checkSource(key, text.origin);
      this.verifyLater(index, key, note);
      return key;
    });
  }

  verifyLater(index, key, note) {
    const message = utf8.encode(note.text);
    const check = verifySignature(key.verifier, message, note.signatures[0].signature).catch((error) => {
      throw new ProofError(`entry ${index}: ${key.name} did not sign this submission: ${error.message}`);
    });
    check.catch(() => {}); // told by `settle`, in the order of the log
    this.pending.push(check);
  }

  read(index, entry) {
    const open = this.open;
    const text = open?.text;
    if (open === null || open.source.size === text.size) {
      throw new ProofError(
        `entry ${index}: one event more than the submission at entry ${open?.index} announces: ` +
          "an event was inserted, or the next submission dropped");
    }
    const event = within(`entry ${index}: not an event`, () => parseEvent(entry.body));
    if (open.key === null) this.found(event);
    const poster = within(`entry ${index}: should not have been accepted`, () => {
      const one = this.registry.posterOf(open.key, text.origin, event);
      this.registry.checkMayPost(one, event);
      return one;
    });
    this.registry.apply(index, event);
    this.note(index, entry, event, poster);
    open.source.push(leafHash(entry.body));
    if (open.source.size === text.size) this.closeSource(open);
  }

  // Entry 1 creates the log and names the key that signed entry 0.
  found(event) {
    if (event.type !== "writ.log.created.v1") {
      throw new ProofError(`entry 1: the log does not exist yet: log.created belongs here, not ${event.type}`);
    }
    const key = within("entry 1: should not have been accepted", () => foundingKey(event.data));
    const { verifier } = key;
    const signature = this.open.note.signatures[0];
    if (signature.name !== verifier.name || signature.keyId !== verifier.keyId) {
      throw new ProofError(
        `entry 0: signed by ${signature.name} (key id ${signature.keyId}), and log.created names ${verifier.name} ` +
          `(key id ${verifier.keyId}) as the administrator's key`);
    }
    if (event.data.origin !== this.claim.origin) {
      throw new ProofError(`entry 1: creates the log ${event.data.origin}; the checkpoint is ${this.claim.origin}'s`);
    }
    this.open.key = key;
    within("entry 0: should not have been accepted", () => checkSource(this.open.key, this.open.text.origin));
    this.verifyLater(0, this.open.key, this.open.note);
  }

  // What an order, an anchor or an uncounted event says is needed once the log is whole.
  note(index, entry, event, poster) {
    const isStamp = event.type === "writ.checkpoint.timestamped.v1";
    const isAnchor = isStamp || event.type === "writ.checkpoint.anchored.v1";
    if (isAnchor) this.anchors.push(this.readAnchor(index, entry, event.data, isStamp));
    if (!isAnchor && index >= this.counted) this.firstUncounted ??= index;
    if (ORDER_TYPES.has(event.type)) {
      this.orders.push({ index, poster, order: event.data.order, effectiveAt: event.data.effective_at });
    }
  }

  // An anchor is a checkpoint of this log: the witnesses saw this history and no other.
  readAnchor(index, entry, said, isStamp) {
    const [note, anchored, response] = within(`entry ${index}: anchors what is no checkpoint`, () => {
      const read = parseNote(decodeBase64(said.note));
      return [read, parseCheckpoint(read.text), isStamp ? decodeBase64(said.response) : null];
    });
    if (anchored.origin !== this.claim.origin || anchored.size < 1 || anchored.size > index) {
      throw new ProofError(`entry ${index}: anchors a checkpoint that is not of this log before it`);
    }
    if (!sameBytes(this.history.rootAt(anchored.size), anchored.root)) {
      throw new ProofError(
        `entry ${index}: anchors a checkpoint of ${anchored.size} entries with another root than these entries ` +
          "give: the witnesses were shown another history");
    }
    return { index, timeUs: Number(entry.timeUs), size: anchored.size, note, response };
  }

  requireComplete(index) {
    const { text, source } = this.open;
    if (source.size !== text.size) {
      throw new ProofError(
        `entry ${index}: ${BigInt(text.size) - BigInt(source.size)} of the events that the submission at ` +
          `entry ${this.open.index} announces are missing before it`);
    }
  }

  closeSource({ index, text, source }) {
    if (!sameBytes(source.root(), text.root)) {
      throw new ProofError(
        `entry ${index}: the events of the source log ${text.origin} up to ${text.size} do not give the root that ` +
          "its poster signed: an event was altered, dropped, inserted or reordered");
    }
    this.sources.set(text.origin, source);
  }
}

const ORDER_TYPES = new Set(["writ.order.issued.v1", "writ.order.varied.v1"]);

// Run `work`; what it finds wrong is told as a proof's failure at this place.
function within(place, work) {
  try {
    return work();
  } catch (error) {
    if (error instanceof FormatError || error instanceof ProofError) {
      throw new ProofError(`${place}: ${error.message}`);
    }
    throw error;
  }
}

// The same of work that takes time.
async function withinLater(place, work) {
  let result;
  try {
    result = await work();
  } catch (error) {
    within(place, () => {
      throw error;
    });
  }
  return result;
}

const LEFT_BEHIND = 256; // signatures that the next tile need not wait for

async function auditTiles(source, audit, onProgress) {
  const { size } = audit.claim;
  try {
    for (let begin = 0; begin < size; begin += TILE_WIDTH) {
      const count = Math.min(TILE_WIDTH, size - begin);
      await auditTile(source, audit, begin, count);
      await audit.settle(LEFT_BEHIND);
      onProgress(begin + count, size);
    }
  } catch (error) {
    await audit.settle(); // what is false before it comes first
    throw error;
  }
  await audit.settle();
  audit.finish();
  await compareUpperTiles(source, audit.history);
}

// The entries of a tile are linked, each level-0 hash is compared with its entry's, and what they say is audited.
async function auditTile(source, audit, begin, count) {
  const path = tilePath("entries", begin / TILE_WIDTH, count);
  const place = `${path} (entries ${begin} to ${begin + count - 1})`;
  const raw = await source.read(path);
  const entries = within(place, () => decodeEntries(raw, count)).map((entry) => audit.link(entry));
  compareLeaves(audit, begin, count, await source.read(tilePath("0", begin / TILE_WIDTH, count)));
  for (const entry of entries) audit.take(entry);
}

function compareLeaves(audit, begin, count, tile) {
  if (tile.length !== count * HASH_BYTES) {
    throw new ProofError(`the hash tile of entries ${begin} to ${begin + count - 1} has another length`);
  }
  const leaves = audit.history.levels[0];
  for (let at = 0; at < count; at++) {
    if (!sameBytes(leaves.at(begin + at), tile.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES))) {
      throw new ProofError(
        `entry ${begin + at}: its hash is not the one in the log's level-0 tile: one was altered`);
    }
  }
}

async function compareUpperTiles(source, history) {
  for (let level = 1; 8 * level < history.levels.length; level++) {
    const hashes = history.levels[8 * level];
    for (let begin = 0; begin < hashes.length; begin += TILE_WIDTH) {
      const end = Math.min(begin + TILE_WIDTH, hashes.length);
      const path = tilePath(String(level), begin / TILE_WIDTH, end - begin);
      if (!sameBytes(await source.read(path), hashes.slice(begin, end))) {
        throw new ProofError(`${path}: not the hashes that the entries give: the tile was altered`);
      }
    }
  }
}

function tilePath(level, index, width) {
  const groups = [String(index % 1000).padStart(3, "0")];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift("x" + String(rest % 1000).padStart(3, "0"));
  }
  return `tile/${level}/${groups.join("/")}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}
