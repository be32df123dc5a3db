// The statement: its form, its one-sentence headline, and the order that it is about. Its counts and its
// verdict are not worked out again here.

const STATEMENT_HEADER = "writ/statement/v1\n";
const LAST_SECOND = 253402300799; // of the year 9999
const ON_WORD = {
  nobody: "on nobody's word",
  controller: "on the controller's own word",
  assessor: "on the word of an assessor whom the order names",
  authority: "on the authority's word",
};

function parseStatement(text) {
  if (!text.startsWith(STATEMENT_HEADER)) throw new FormatError("not a statement: its first line is another");
  const line = text.slice(STATEMENT_HEADER.length, -1);
  let statement;
  try {
    statement = parseCanonical(utf8.encode(line));
  } catch (error) {
    throw new FormatError(`statement: ${error.message}`);
  }
  checkStatementFields(statement);
  return statement;
}

function checkStatementFields(statement) {
  if (!fits(statement, STATEMENT)) throw new FormatError("statement: a field is missing, unknown, or of another form");
  const [stated, other] = statement.status === "in_force" ? ["verdict", "would_be"] : ["would_be", "verdict"];
  if (!(stated in statement) || other in statement) {
    throw new FormatError("statement: `verdict` stands in force alone, else `would_be`");
  }
  if (statement.counted < 0 || statement.counted > statement.log.size) {
    throw new FormatError("statement: it counts other entries than the log has");
  }
}

// Whether a value is what the Python writes: `STATEMENT` is the JSON Schema of that.
function fits(value, schema) {
  if (schema.$ref) return fits(value, STATEMENT.$defs[schema.$ref.split("/").at(-1)]);
  if (schema.enum) return schema.enum.includes(value);
  if (schema.type === "integer") return Number.isSafeInteger(value);
  if (schema.type === "array") return Array.isArray(value) && value.every((one) => fits(one, schema.items));
  if (schema.type === "object") return isObject(value) && fieldsFit(value, schema);
  return typeof value === schema.type;
}

// No field is missing or unknown; one that has its default is left out.
function fieldsFit(value, { properties, required = [], additionalProperties }) {
  const isFit = ([name, one]) => {
    if (!properties) return fits(one, additionalProperties);
    return Object.hasOwn(properties, name) && properties[name].default !== one && fits(one, properties[name]);
  };
  return required.every((name) => Object.hasOwn(value, name)) && Object.entries(value).every(isFit);
}

// One sentence that can't be quoted without its ground.
function headline(statement) {
  const would = statement.status === "in_force" ? "" : "not in force; would be ";
  const verdict = WORDING.verdicts[statement.verdict ?? statement.would_be];
  return `${would}${verdict} ${ON_WORD[statement.word]}, over ${storesLooked(statement)}`;
}

function storesLooked(statement) {
  const stores = new Map(statement.obligations.flatMap((one) => one.stores).map((one) => [one.store, one]));
  if (stores.size === 0) return "no declared store";
  const count = stores.size === 1 ? "the 1 store it declared" : `the ${stores.size} stores it declared`;
  const looked = [...stores.values()].filter((one) => one.looked);
  if (looked.length === 0) return `${count}, and nobody has looked into ${stores.size === 1 ? "it" : "them"}`;
  const assessed = looked.filter((one) => one.level === "E3").length;
  const own = looked.length - assessed;
  const byOwner = own > 0 ? `, ${own} by the controller itself` : "";
  return `${count}, ${assessed || "none"} of them looked into by an assessor${byOwner}`;
}

function orderHash(order) {
  return encodeBase64(sha256(utf8.encode(canonicalise(order))));
}

// Of an order's versions the highest that has taken effect by then, else the one that will first. Of equal
// versions the later entry: it corrects the earlier.
function governing(versions, asOf) {
  const found = [...versions].sort(
    (one, other) => other.order.version - one.order.version || other.index - one.index);
  const inEffect = found.find((one) => firstSecond(one.effectiveAt) <= asOf);
  return inEffect ?? found.reduce((one, other) =>
    firstSecond(other.effectiveAt) < firstSecond(one.effectiveAt) ? other : one);
}

function checkReference(order, statement) {
  const said = statement.order;
  if (said.id !== order.id || said.version !== order.version) {
    throw new ProofError(
      `the statement is about ${said.id} version ${said.version}; the order in force is ${order.id} ` +
        `version ${order.version}`);
  }
  if (said.hash !== orderHash(order)) {
    throw new ProofError(
      `the statement is about other words than those of the order ${order.id}: its hash differs`);
  }
}

function checkStatementLog(statement, checkpoint) {
  const said = statement.log;
  const { origin, size, root } = checkpoint;
  if (said.origin !== origin || said.size !== size || said.root !== encodeBase64(root)) {
    throw new ProofError(
      `the statement is about ${said.origin} at ${said.size} entries, not about the log of this checkpoint`);
  }
}

// Unix seconds at which a date begins; of a time, that time.
function firstSecond(moment) {
  if (typeof moment !== "string" || !/^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,6})?Z)?$/.test(moment)) {
    throw new FormatError(`'${String(moment).slice(0, 40)}' is no moment`);
  }
  return Number(microseconds(moment.length === 10 ? `${moment}T00:00:00Z` : moment) / 1000000n);
}

// Unix microseconds of an RFC 3339 time in UTC, exactly.
function microseconds(time) {
  const [, whole, fraction] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z$/.exec(time) ?? [];
  const parsed = whole === undefined ? NaN : Date.parse(`${whole}Z`);
  // Date.parse takes 30 February for 2 March.
  if (Number.isNaN(parsed) || !new Date(parsed).toISOString().startsWith(whole)) {
    throw new FormatError(`'${String(time).slice(0, 40)}' is in no calendar`);
  }
  return BigInt(parsed) * 1000n + BigInt((fraction ?? "").padEnd(6, "0"));
}

function durationSeconds(duration) {
  const parts = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(duration);
  if (parts === null) throw new FormatError(`${String(duration).slice(0, 40)} is no duration of fixed length`);
  const [weeks, days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0));
  return (weeks * 7 + days) * 86400 + hours * 3600 + minutes * 60 + seconds;
}

function moment(seconds) {
  if (!(seconds >= 0 && seconds <= LAST_SECOND)) return `second ${thousands(seconds)} of the Unix epoch`;
  return new Date(seconds * 1000).toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
}

function span(seconds) {
  const whole = Math.max(seconds, 0);
  for (const [unit, name] of [[86400, "day"], [3600, "hour"], [60, "minute"]]) {
    const count = Math.floor(whole / unit);
    if (count > 0) return `${count} ${name}${count === 1 ? "" : "s"}`;
  }
  return `${whole} seconds`;
}
