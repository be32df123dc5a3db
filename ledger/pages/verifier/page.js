// The page's end: takes a file, a key and a time, hands them to the worker, and writes down what it says.

const byId = (id) => document.getElementById(id);
const script = URL.createObjectURL(new Blob([byId("worker").textContent], { type: "text/javascript" }));
let chosen = null;
let worker = null;

const WORDS = {
  "sound": ["Sound", "sound", "All that this page checks holds, under what you gave."],
  "not sound": ["Not sound", "not-sound", ""],
  "rests on the operator's word alone": ["Sound, but it rests on the operator's word alone", "one-word",
    "What was checked agrees with itself. That it is true and complete, nobody but the log's operator vouches for."],
};

function choose(file) {
  if (!file) return;
  chosen = file;
  byId("chosen").textContent = `${file.name}, ${file.size.toLocaleString("en")} bytes`;
  byId("check").disabled = false;
  peek(file);
}

// What the reader has to give depends on the kind of bundle.
function peek(file) {
  worker?.terminate();
  worker = new Worker(script);
  worker.onmessage = ({ data: { kind } }) => {
    worker.terminate();
    if (kind !== null) ask(kind);
  };
  worker.postMessage({ peek: file });
}

function ask(kind) {
  byId("on-record").hidden = kind !== "record";
  byId("on-order").hidden = kind === "record";
}

function readNow() {
  const text = byId("now").value.trim();
  if (text === "") return Math.floor(Date.now() / 1000);
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text);
  const parsed = isTime ? Date.parse(text) : NaN;
  if (Number.isNaN(parsed)) throw new Error(`${text} is not a time as 2026-12-24T00:00:00Z`);
  return Math.floor(parsed / 1000);
}

function start(event) {
  event.preventDefault();
  worker?.terminate();
  byId("result").hidden = true;
  byId("usage").hidden = true;
  let now;
  try {
    now = readNow();
  } catch (error) {
    return refuse(error.message);
  }
  byId("working").hidden = false;
  byId("bar").removeAttribute("value");
  byId("count").textContent = "Reading the file";
  worker = new Worker(script);
  worker.onmessage = ({ data }) => take(data);
  worker.onerror = (failure) => take({ error: failure.message });
  worker.postMessage({ file: chosen, authority: given("authority"), log: given("log"), policy: policy(), now });
}

function given(id) {
  return byId(id).value.trim() || null;
}

function policy() {
  const text = given("policy");
  return text === null ? null : `${text}\n`;
}

function take({ done, total, outcome, error }) {
  if (done !== undefined) {
    byId("bar").value = done / total;
    byId("count").textContent = `${done.toLocaleString("en")} of ${total.toLocaleString("en")} checked`;
    return;
  }
  byId("working").hidden = true;
  worker.terminate();
  if (error !== undefined) refuse(error);
  else show(outcome);
}

// Nothing was checked: what was given can't be used.
function refuse(message) {
  byId("usage").textContent = message;
  byId("usage").hidden = false;
}

function show(outcome) {
  const result = byId("result");
  ask(outcome.kind);
  result.replaceChildren(wordOf(outcome));
  if (outcome.failure === null) {
    result.append(outcome.kind === "record" ? recordOf(outcome) : statementOf(outcome));
    result.append(...list("Exceptions", outcome.exceptions), ...list("Checked", outcome.checked));
    result.append(...list("Against these keys", outcome.keys, "keys"));
    result.append(...list("The rest is attested by", outcome.attested), ...list("Not proven", outcome.notProven));
  } else {
    result.append(...list("Exceptions", outcome.exceptions), ...list("What held until then", outcome.checked));
  }
  const took = `checked in ${outcome.seconds.toFixed(1)} s`;
  result.append(made("p", `${chosen.name}, ${outcome.kind === null ? "" : `a ${outcome.kind} bundle, `}${took}`, "soft"));
  result.hidden = false;
  result.scrollIntoView();
}

function wordOf(outcome) {
  const [word, style, what] = WORDS[outcome.word];
  const box = made("div", null, `word ${style}`);
  box.append(made("strong", word), made("p", outcome.failure ?? what));
  if (outcome.failure === null && outcome.hasUnread) {
    const said = "It could not read some time-stamps, so what hangs on them it did not check: see the exceptions.";
    box.append(made("p", said));
  }
  return box;
}

// What the log says of a record: each entry by whom.
function recordOf(outcome) {
  const box = made("div", null, "statement");
  const count = outcome.told.length + outcome.untold;
  const told = made("ul", null, "told");
  told.append(...outcome.told.map((line) => made("li", line)));
  if (outcome.untold > 0) told.append(made("li", `and ${outcome.untold.toLocaleString("en")} more`));
  const headline = `${count.toLocaleString("en")} ${count === 1 ? "entry" : "entries"} about this record`;
  box.append(
    made("p", "What the log says of the record", "soft"), made("p", outcome.record, "record"),
    made("p", headline, "headline"),
    made("p", "That these are all, the operator signed: this page can't see what a bundle leaves out.", "notice"));
  if (count > 0) box.append(told);
  return box;
}

// The statement's own words, never without whose they are.
function statementOf(outcome) {
  const box = made("div", null, "statement");
  box.append(
    made("p", `What the statement says of ${outcome.order}`, "soft"),
    made("p", outcome.headline, "headline"),
    made("p", groundOf(outcome), "notice"),
    tableOf(outcome.obligations));
  return box;
}

function groundOf(outcome) {
  const namesOf = (role) => outcome.statedBy.filter((one) => one.role === role).map((one) => one.name);
  const [assessors, operators] = [namesOf("assessor"), namesOf("operator")];
  const notJudged = "This page did not judge the law again.";
  const once = "believe it once writ verify has replayed the log and found the same.";
  if (assessors.length >= outcome.assessorsNeeded) {
    const named = `${assessors.join(", ")}, whom the order names as assessor`;
    return `${notJudged} This verdict is signed by ${named}; what each did not check stands under "Not proven".`;
  }
  if (assessors.length > 0) {
    const of = `${assessors.length} of the ${outcome.assessorsNeeded} assessors whom the order asks for`;
    return `${notJudged} This verdict is signed by ${of} (${assessors.join(", ")}): ${once}`;
  }
  const whose = operators.length > 0 ? `by the log's operator alone (${operators.join(", ")})` : "by nobody known";
  return `${notJudged} This verdict is signed ${whose}: ${once}`;
}

function tableOf(obligations) {
  const table = made("table");
  const row = (cells, tag) => {
    const line = made("tr");
    line.append(...cells.map((cell) => made(tag, cell)));
    return line;
  };
  table.append(row(["Obligation", "Verdict", "Due", "Evidence", "Stores looked into"], "th"));
  for (const one of obligations) {
    const gaps = one.gaps.length > 0 ? `; missing: ${one.gaps.join("; ")}` : "";
    table.append(row([`${one.id} (${one.type})`, one.verdict + gaps, one.due, one.evidence, one.stores], "td"));
  }
  return table;
}

function list(title, lines, style) {
  if (lines.length === 0) return [];
  const all = made("ul", null, style);
  all.append(...lines.map((line) => made("li", line)));
  return [made("h2", title), all];
}

// Text is set, never parsed: what a bundle says can't become part of the page.
function made(tag, text = null, style = "") {
  const element = document.createElement(tag);
  if (text !== null) element.textContent = text;
  if (style) element.className = style;
  return element;
}

byId("file").addEventListener("change", (event) => {
  choose(event.target.files[0]);
  event.target.value = ""; // so that the same name, written anew, is a choice again
});
byId("form").addEventListener("submit", start);
for (const [name, isOver] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]]) {
  // The whole page takes it: a file dropped beside the field would replace the page.
  document.addEventListener(name, (event) => {
    event.preventDefault();
    byId("drop").classList.toggle("over", isOver);
    if (name === "drop") choose(event.dataTransfer.files[0]);
  });
}
