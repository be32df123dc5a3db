// RFC 6962 trees: the leaves of a log as they come, its root at any size, and inclusion proofs.

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const EMPTY_ROOT = sha256();

function leafHash(entry) {
  return sha256(LEAF, entry);
}

function nodeHash(left, right) {
  return sha256(NODE, left, right);
}

// Many hashes in one piece of memory: a log has two an entry.
class HashList {
  constructor() {
    this.length = 0;
    this.bytes = new Uint8Array(64 * HASH_BYTES);
  }

  push(hash) {
    const end = this.length * HASH_BYTES;
    if (end === this.bytes.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes.set(hash, end);
    this.length++;
  }

  at(index) {
    return this.slice(index, index + 1);
  }

  slice(begin, end) {
    return this.bytes.subarray(begin * HASH_BYTES, end * HASH_BYTES);
  }
}

// Every perfect subtree of a growing tree, so that its root at any earlier size takes few hashes.
class History {
  constructor() {
    this.levels = [new HashList()];
  }

  get size() {
    return this.levels[0].length;
  }

  push(leaf) {
    let node = leaf;
    for (let height = 0; ; height++) {
      if (height === this.levels.length) this.levels.push(new HashList());
      const level = this.levels[height];
      level.push(node);
      if (level.length % 2 === 1) return;
      node = nodeHash(level.at(level.length - 2), node);
    }
  }

  rootAt(size) {
    const nodes = [];
    let done = 0;
    for (const height of heightsOf(size)) {
      nodes.push(this.levels[height].at(done / 2 ** height));
      done += 2 ** height;
    }
    return foldNodes(nodes);
  }
}

// The right edge of a tree: O(log n) hashes from which the root follows and the tree can grow.
class Frontier {
  constructor(size = 0, nodes = []) {
    this.size = size;
    this.nodes = nodes;
  }

  push(leaf) {
    let node = leaf;
    for (let rest = this.size; rest % 2 === 1; rest = (rest - 1) / 2) node = nodeHash(this.nodes.pop(), node);
    this.nodes.push(node);
    this.size++;
  }

  root() {
    return foldNodes(this.nodes);
  }
}

// The heights of the perfect subtrees of a tree, largest first.
function heightsOf(size) {
  const heights = [];
  for (let height = 0, rest = size; rest > 0; height++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) heights.unshift(height);
  }
  return heights;
}

function foldNodes(nodes) {
  if (nodes.length === 0) return EMPTY_ROOT;
  return nodes.slice(0, -1).reduceRight((root, node) => nodeHash(node, root), nodes.at(-1));
}

// Returns only if `leaf` stands at `index` of the tree (RFC 9162, section 2.1.3.2).
function verifyInclusion(leaf, index, size, proof, root) {
  if (index >= size) throw new ProofError(`leaf ${index} is not in a tree of ${size} leaves`);
  let node = BigInt(index);
  let last = BigInt(size) - 1n;
  let computed = leaf;
  for (const sibling of proof) {
    if (last === 0n) throw new ProofError(`inclusion proof of leaf ${index} is too long`);
    if (node & 1n || node === last) {
      computed = nodeHash(sibling, computed);
      // At the right edge a node without a sibling rises until it is a right child.
      while (!(node & 1n) && node > 0n) [node, last] = [node >> 1n, last >> 1n];
    } else {
      computed = nodeHash(computed, sibling);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  if (last !== 0n) throw new ProofError(`inclusion proof of leaf ${index} is too short`);
  if (!sameBytes(computed, root)) {
    throw new ProofError(`leaf ${index} is not in the tree of ${size} leaves with that root`);
  }
}
