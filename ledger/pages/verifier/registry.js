// Which keys and tokens a log knows, folded from its own events: whether a key was valid at an entry, whose
// it was, and whether its role might post what it posted.

class Registry {
  constructor() {
    this.created = null;
    this.keys = new Map(); // by name and key id
    this.tokens = new Map(); // by name
    this.secrets = new Set();
    this.stores = new Map(); // by id: the entry that retired it, or null
  }

  admitKey(signature) {
    const key = this.keys.get(keyOf(signature));
    const named = `the key ${signature.name} (key id ${signature.keyId})`;
    if (key === undefined) throw new ProofError(`${named} is not registered`);
    if (key.revokedAt !== null) throw new ProofError(`${named} was revoked by entry ${key.revokedAt}`);
    return key;
  }

  // Who answers for an event of a source log: its key, or at the gateway the token that the event names.
  posterOf(key, origin, event) {
    if (key.role !== "gateway") {
      if (event.source !== origin) {
        throw new ProofError(`its source is ${event.source}, and it stands in the source log ${origin}`);
      }
      return key;
    }
    const token = this.tokens.get(event.source);
    if (token === undefined) throw new ProofError(`no token ${event.source} is registered`);
    if (token.revokedAt !== null) {
      throw new ProofError(`the token ${event.source} was revoked by entry ${token.revokedAt}`);
    }
    return token;
  }

  checkMayPost(poster, event) {
    if (!ROLES[event.type].includes(poster.role)) {
      throw new ProofError(`the role ${poster.role} may not post ${event.type}`);
    }
    const { data } = event;
    if (this.created === null) return;
    if (data.controller !== this.created.controller) {
      throw new ProofError(`this is the log of the controller ${this.created.controller}, not of ${data.controller}`);
    }
    REGISTRATIONS[event.type]?.check(this, data, poster);
  }

  apply(index, event) {
    REGISTRATIONS[event.type]?.apply?.(this, event.data, index);
  }

  // A name that nobody has yet must not be a path prefix of one in use, nor under one.
  checkName(name) {
    const used = [this.created.origin, ...this.tokens.keys(), ...Array.from(this.keys.values(), (key) => key.name)];
    const other = used.find((one) => isWithin(name, one) || isWithin(one, name));
    if (other !== undefined) throw new ProofError(`the name ${name} is taken, or a path under or above ${other}`);
  }

  addKey(vkey, role) {
    const verifier = parseVkey(vkey);
    this.keys.set(keyOf(verifier), { name: verifier.name, role, vkey, verifier, revokedAt: null, since: null });
  }
}

// The administrator's key, which signs the submission at index 0 and is named by the event in it.
function foundingKey(created) {
  const verifier = parseVkey(created.admin_vkey);
  return { name: verifier.name, role: "admin", vkey: created.admin_vkey, verifier };
}

function keyOf({ name, keyId }) {
  return `${name}+${keyId}`;
}

// A key signs the source log of its name, or one under it; the gateway's has one only.
function checkSource(key, origin) {
  if (origin === key.name || (isWithin(origin, key.name) && key.role !== "gateway")) return;
  throw new ProofError(`${origin} is not the source log of the key ${key.name}`);
}

function checkLogCreated(registry) {
  throw new ProofError(`the log ${registry.created.origin} was created by entry 1`);
}

function checkKeyRegistered(registry, said) {
  const verifier = parseVkey(said.vkey);
  if (verifier.name !== said.name) throw new ProofError(`the key registered for ${said.name} is ${verifier.name}'s`);
  if (sameBytes(verifier.public, parseVkey(registry.created.log_vkey).public)) {
    throw new ProofError("a poster's key is the log's own under another name");
  }
  if (registry.keys.has(keyOf(verifier))) throw new ProofError(`this key of ${said.name} is registered already`);
  // Rotation by overlap: one name, one role, several keys.
  const named = [...registry.keys.values()].find((key) => key.name === said.name);
  if (named === undefined) {
    if (said.role === "operator" || said.role === "gateway") throw new ProofError(`a second ${said.role}`);
    registry.checkName(said.name);
  } else if (named.role !== said.role) {
    throw new ProofError(`${said.name} has the role ${named.role}, not ${said.role}`);
  }
}

function checkKeyRevoked(registry, said) {
  const key = registry.keys.get(keyOf({ name: said.name, keyId: parseVkey(said.vkey).keyId }));
  // Two keys of one name may have one key id.
  checkRevocation(key?.vkey === said.vkey ? key : undefined, said);
  const isAdministrator = (one) => one.role === "admin" && one.revokedAt === null && one !== key;
  if (key.role === "admin" && ![...registry.keys.values()].some(isAdministrator)) {
    throw new ProofError("it revokes the only administrator's key");
  }
}

function checkTokenRegistered(registry, said) {
  if (registry.secrets.has(said.secret_sha256)) throw new ProofError("two tokens with one secret");
  registry.checkName(said.name);
}

function checkTokenRevoked(registry, said) {
  const token = registry.tokens.get(said.name);
  checkRevocation(token?.secret === said.secret_sha256 ? token : undefined, said);
}

function checkRevocation(credential, said) {
  if (credential === undefined || credential.role !== said.role) {
    throw new ProofError(`it revokes what ${said.name} was not registered with`);
  }
  if (credential.revokedAt !== null && earlierOf(credential.since, said) === credential.since) {
    throw new ProofError(`${said.name} was revoked by entry ${credential.revokedAt} already`);
  }
}

// The earliest time from which it was said to be compromised, in microseconds, or null.
function earlierOf(since, { compromised_since: text }) {
  if (text === undefined) return since;
  const said = microseconds(text);
  return since === null || said < since ? said : since;
}

// A name that nobody holds could be given to anybody later, and he would be the one who erases there.
function checkStoreRegistered(registry, said) {
  if (registry.stores.has(said.store)) throw new ProofError(`the store ${said.store} is registered already`);
  const isHolder = (one) =>
    one.name === said.operator_key && STORE_ROLES.has(one.role) && one.revokedAt === null;
  if (![...registry.keys.values(), ...registry.tokens.values()].some(isHolder)) {
    throw new ProofError(
      `no valid key or token ${said.operator_key} of a controller, processor or recipient is registered`);
  }
}

function checkStoreRetired(registry, { store }) {
  if (registry.stores.get(store) === null) return;
  throw new ProofError(`no store ${store} is registered, or it was retired already`);
}

function checkOrder(registry, { order }, poster) {
  const problems = [];
  if (order?.id?.replace(/\/[^/]*$/, "") !== poster.name) problems.push("its id is not its authority's");
  if (!order?.controllers?.includes(registry.created.controller)) problems.push("it names other controllers");
  if (order?.trust?.log_vkey !== registry.created.log_vkey) problems.push("it names another log's key");
  if (problems.length > 0) throw new ProofError(`an order that is not for this log: ${problems.join("; ")}`);
}

function revoke(credential, said, index) {
  credential.revokedAt ??= index;
  credential.since = earlierOf(credential.since, said);
}

const STORE_ROLES = new Set(["controller", "processor", "recipient"]);

const REGISTRATIONS = {
  "writ.log.created.v1": {
    check: checkLogCreated,
    apply(registry, said) {
      registry.created = said;
      registry.addKey(said.admin_vkey, "admin");
      registry.addKey(said.operator_vkey, "operator");
      registry.addKey(said.gateway_vkey, "gateway");
    },
  },
  "writ.key.registered.v1": {
    check: checkKeyRegistered,
    apply: (registry, said) => registry.addKey(said.vkey, said.role),
  },
  "writ.key.revoked.v1": {
    check: checkKeyRevoked,
    apply: (registry, said, index) =>
      revoke(registry.keys.get(keyOf({ name: said.name, keyId: parseVkey(said.vkey).keyId })), said, index),
  },
  "writ.token.registered.v1": {
    check: checkTokenRegistered,
    apply(registry, { name, role, secret_sha256: secret }) {
      registry.secrets.add(secret);
      registry.tokens.set(name, { name, role, secret, vkey: null, revokedAt: null, since: null });
    },
  },
  "writ.token.revoked.v1": {
    check: checkTokenRevoked,
    apply: (registry, said, index) => revoke(registry.tokens.get(said.name), said, index),
  },
  "writ.store.registered.v1": {
    check: checkStoreRegistered,
    apply: (registry, { store }) => registry.stores.set(store, null),
  },
  "writ.store.retired.v1": {
    check: checkStoreRetired,
    apply: (registry, { store }, index) => registry.stores.set(store, index),
  },
  "writ.order.issued.v1": { check: checkOrder },
  "writ.order.varied.v1": { check: checkOrder },
};
