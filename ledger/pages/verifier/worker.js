// The worker's end: told a file, a key and a time, it says how far it is and what it found.

const KNOWN_ANSWER = { // RFC 8032, section 7.1, test 1: the empty message
  public: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
  signature:
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555f" +
    "b8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
};

// Whether this browser can do what is asked of it, and this page's own hashing is right.
async function selfTest() {
  if (!globalThis.crypto?.subtle) {
    throw new Error("this browser offers no cryptography here: save the page and open the file, or use https");
  }
  for (let length = 0; length < 140; length++) {
    const sample = Uint8Array.from({ length }, (_, at) => at * 7);
    if (!sameBytes(sha256(sample), new Uint8Array(await crypto.subtle.digest("SHA-256", sample)))) {
      throw new Error("SHA-256 goes wrong in this browser");
    }
  }
  const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
  const key = { name: "test", public: bytes(KNOWN_ANSWER.public) };
  const signature = bytes(KNOWN_ANSWER.signature);
  try {
    await verifySignature(key, new Uint8Array(), signature);
  } catch {
    throw new Error("this browser can't verify Ed25519: take Chromium 137, Firefox 129, Safari 17 or later");
  }
  const isFooled = await verifySignature(key, Uint8Array.of(1), signature).then(() => true, () => false);
  if (isFooled) throw new Error("Ed25519 goes wrong in this browser");
}

async function work({ file, authority, log, policy, now }) {
  await selfTest();
  requireSigner("the authority's key", authority, "signs no orders");
  requireSigner("the log's key", log, "signs no log");
  const given = { authority, log, now, policy: policyOrNull(policy) };
  let told = 0;
  const onProgress = (done, total) => {
    if (performance.now() - told < 50 && done < total) return;
    told = performance.now();
    postMessage({ done, total });
  };
  const outcome = await verifyBundle(file, given, onProgress);
  outcome.seconds = performance.now() / 1000;
  return outcome;
}

function requireSigner(whose, vkey, otherwise) {
  if (vkey === null) return;
  const key = naming(whose, () => parseVkey(vkey));
  if (key.algorithm !== ED25519) throw new FormatError(`${whose}: this is a witness's key, which ${otherwise}`);
}

function policyOrNull(text) {
  return text === null ? null : naming("the witnesses", () => readPolicy(text));
}

function naming(what, read) {
  try {
    return read();
  } catch (error) {
    throw new FormatError(`${what}: ${error.message}`);
  }
}

if (typeof WorkerGlobalScope !== "undefined") {
  addEventListener("message", ({ data }) => {
    // Before anything is checked, the page asks which kind a bundle is, and so what its reader has to give.
    if (data.peek) {
      openZip(data.peek).then((source) => postMessage({ kind: kindOf(source) }), () => postMessage({ kind: null }));
      return;
    }
    work(data).then(
      (outcome) => postMessage({ outcome }),
      (error) => postMessage({ error: error.message }));
  });
}
