// The bundle's zip: every member's name, size, packing and place is checked before anything is unpacked.
// Names and limits (docs/spec/bundle.md) come with the page from where `writ verify` has them.

const END_BYTES = 22;
const KNOWN_PATHS = LIMITS.map(([pattern, limit]) => ({ pattern: new RegExp(pattern), limit }));

class ZipSource {
  constructor(blob, members) {
    this.blob = blob;
    this.members = members;
  }

  get paths() {
    return [...this.members.keys()];
  }

  has(path) {
    return this.members.has(path);
  }

  async read(path) {
    const member = this.members.get(path);
    if (member === undefined) throw new ProofError(`${path} is missing from the bundle`);
    const packed = await bytesOf(this.blob, await dataStart(this.blob, member), member.packedBytes);
    const raw = member.isDeflated ? await inflate(packed, member.bytes, path) : packed;
    if (raw.length !== member.bytes || crc32(raw) !== member.crc) {
      throw new FormatError(`${path}: damaged in the zip: it is not the content that the directory describes`);
    }
    return raw;
  }
}

async function openZip(blob) {
  try {
    const { members, begin } = await readDirectory(blob);
    return new ZipSource(blob, checkMembers(members, begin));
  } catch (error) {
    if (error instanceof FormatError) throw new FormatError(`not a bundle: ${error.message}`);
    throw error;
  }
}

async function bytesOf(blob, begin, length) {
  const part = blob.slice(begin, begin + length);
  if (begin < 0 || part.size !== length) throw new FormatError("an offset leads out of the file");
  return new Uint8Array(await part.arrayBuffer());
}

function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

// A size or offset of eight bytes; none that a file can have is inexact as a number.
function long(view, at) {
  const value = view.getBigUint64(at, true);
  if (value > Number.MAX_SAFE_INTEGER) throw new FormatError("a size or offset is out of all measure");
  return Number(value);
}

async function readDirectory(blob) {
  const tail = await bytesOf(blob, Math.max(0, blob.size - END_BYTES - 65535), Math.min(blob.size, END_BYTES + 65535));
  const view = viewOf(tail);
  let at = tail.length - 4;
  while (at >= 0 && view.getUint32(at, true) !== 0x06054b50) at--;
  if (at < 0 || at + END_BYTES > tail.length) throw new FormatError("no zip directory at its end");
  // Readers differ on where a zip ends that something follows, and so on what is in it.
  if (at + END_BYTES < tail.length) throw new FormatError("something stands after its zip directory");
  let end = blob.size - tail.length + at;
  let place = {
    members: view.getUint16(at + 10, true),
    bytes: view.getUint32(at + 12, true),
    begin: view.getUint32(at + 16, true),
  };
  if (at >= 20 && view.getUint32(at - 20, true) === 0x07064b50) {
    end -= 20 + 56;
    place = await readZip64(blob, end, long(view, at - 12));
  } else if (place.members === 0xffff || place.bytes === 0xffffffff || place.begin === 0xffffffff) {
    throw new FormatError("its zip64 directory is missing");
  }
  if (place.members > MAX_MEMBERS || place.bytes > MAX_DIRECTORY_BYTES) {
    throw new FormatError(`its directory lists ${place.members} files in ${place.bytes} bytes: too many`);
  }
  if (place.begin + place.bytes !== end) throw new FormatError("its directory is misplaced");
  const members = parseDirectory(await bytesOf(blob, place.begin, place.bytes), place.members);
  return { members, begin: place.begin };
}

async function readZip64(blob, at, said) {
  if (said !== at) throw new FormatError("its zip64 directory is misplaced");
  const view = viewOf(await bytesOf(blob, at, 56));
  if (view.getUint32(0, true) !== 0x06064b50) throw new FormatError("its zip64 directory is damaged");
  return { members: long(view, 32), bytes: long(view, 40), begin: long(view, 48) };
}

function parseDirectory(raw, count) {
  const view = viewOf(raw);
  const members = [];
  let at = 0;
  while (at < raw.length) {
    if (at + 46 > raw.length || view.getUint32(at, true) !== 0x02014b50) {
      throw new FormatError("its directory is damaged");
    }
    const nameEnd = at + 46 + view.getUint16(at + 28, true);
    const extraEnd = nameEnd + view.getUint16(at + 30, true);
    if (extraEnd > raw.length) throw new FormatError("its directory is damaged");
    const member = {
      name: String.fromCharCode(...raw.subarray(at + 46, nameEnd)),
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packedBytes: view.getUint32(at + 20, true),
      bytes: view.getUint32(at + 24, true),
      begin: view.getUint32(at + 42, true),
    };
    widen(member, view, nameEnd, extraEnd);
    members.push(member);
    if (view.getUint16(at + 34, true) !== 0) throw new FormatError("its directory is damaged"); // on another disk
    at = extraEnd + view.getUint16(at + 32, true);
  }
  if (at !== raw.length || members.length !== count) throw new FormatError("its directory is damaged");
  return members;
}

// Sizes and offset of a zip64 member stand in its extra field 1, those only that do not fit elsewhere.
function widen(member, view, begin, end) {
  for (let at = begin; at + 4 <= end; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    let next = at + 4;
    for (const field of ["bytes", "packedBytes", "begin"]) {
      if (member[field] !== 0xffffffff) continue;
      if (next + 8 > end) throw new FormatError("its directory is damaged");
      member[field] = long(view, next);
      next += 8;
    }
  }
}

function checkMembers(listed, end) {
  const members = new Map();
  for (const member of listed) {
    const { name } = member;
    const limit = KNOWN_PATHS.find(({ pattern }) => pattern.test(name))?.limit;
    if (limit === undefined) throw new FormatError(`it holds '${name.slice(0, 80)}', which is no part of a bundle`);
    if (members.has(name)) throw new FormatError(`${name} stands in it twice`);
    if (member.flags & 1 || (member.method !== 0 && member.method !== 8)) {
      throw new FormatError(`${name} is encrypted, or packed by a method other than deflate`);
    }
    if (member.bytes > limit) {
      throw new FormatError(`${name} would unpack to ${member.bytes} bytes; at most ${limit}`);
    }
    // Deflate takes a little more than what it packs at worst, and all that is packed is read at once.
    if (member.packedBytes > limit + RATIO_FREE_BYTES) {
      throw new FormatError(`${name} is packed in ${member.packedBytes} bytes; it may have at most ${limit}`);
    }
    if (member.bytes > Math.max(RATIO_FREE_BYTES, member.packedBytes * MAX_RATIO)) {
      throw new FormatError(`${name} unpacks to over ${MAX_RATIO} times its size: a zip bomb`);
    }
    member.isDeflated = member.method === 8;
    members.set(name, member);
  }
  refuseOverlap(listed, end);
  return members;
}

// Each ends before the next begins, and the last before the directory.
function refuseOverlap(listed, end) {
  const inOrder = [...listed].sort((one, other) => one.begin - other.begin);
  if (inOrder.length > 0 && inOrder[0].begin !== 0) throw new FormatError("something stands before its first file");
  inOrder.forEach((member, at) => {
    member.end = inOrder[at + 1]?.begin ?? end;
    if (member.begin + 30 + member.name.length + member.packedBytes > member.end) {
      throw new FormatError("its files overlap: a zip bomb");
    }
  });
}

// Where a member's bytes begin: after a header of its own, which must name it too.
async function dataStart(blob, member) {
  const header = await bytesOf(blob, member.begin, 30 + member.name.length);
  const view = viewOf(header);
  const name = String.fromCharCode(...header.subarray(30));
  const begin = member.begin + 30 + view.getUint16(26, true) + view.getUint16(28, true);
  const isItsOwn = view.getUint32(0, true) === 0x04034b50 && view.getUint16(26, true) === member.name.length;
  if (!isItsOwn || name !== member.name) {
    throw new FormatError(`${member.name}: damaged in the zip: its header is another's`);
  }
  // Sizes that were not known before are said behind it, with or without a signature, in 4 bytes or 8.
  const behind = member.flags & 8 ? [12, 16, 20, 24] : [0];
  if (!behind.includes(member.end - begin - member.packedBytes)) {
    throw new FormatError(`${member.name}: damaged in the zip: it does not fill its place, or more than that`);
  }
  return begin;
}

// No more than the size that was checked is ever unpacked, whatever the packed bytes hold.
async function inflate(packed, bytes, path) {
  const raw = new Uint8Array(bytes);
  let at = 0;
  try {
    const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      if (at + step.value.length > bytes) {
        await reader.cancel();
        throw new RangeError("longer than its directory says");
      }
      raw.set(step.value, at);
      at += step.value.length;
    }
  } catch (error) {
    throw new FormatError(`${path}: damaged in the zip: ${error.message}`);
  }
  return raw.subarray(0, at);
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, start) => {
  let rest = start;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (let at = 0; at < bytes.length; at++) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ bytes[at]) & 0xff];
  return (crc ^ 0xffffffff) >>> 0;
}
