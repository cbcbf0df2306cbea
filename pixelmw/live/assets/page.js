// Asks the server once a second for what came since the last answer, and shows it.
//
// 1. Everything that comes from an event is set as text, never as markup.
// 2. Each process of the server has a view of its own, with a name and numbers. What another process answers is added;
//    a process sends only what came after the last number that this page has of it.
// 3. What a process has forgotten, this page forgets, too: it says which number is the oldest that it keeps.
// 4. A hidden tab does not ask. A paused page asks, and holds back what comes.
// 5. Filters and the selected event stand behind the # of the address, which no server ever sees.
"use strict";

const INTERVAL = 1000; // milliseconds from an answer to the next question
const LONGEST_INTERVAL = 8000; // after failures
const TIMEOUT = 10000;
const MOST_VIEWS = 20; // processes whose numbers are remembered: they stand in each question

const base = location.pathname.replace(/\/+$/, "");
const byId = (id) => document.getElementById(id);
const rows = byId("rows");
const detail = byId("detail");
const filters = byId("filters");
const tokenKey = `pixelmw.live.token:${base}`;

let views = new Map(); // by name, in the order of their first answer
let entries = []; // newest first
let held = []; // what came while paused
let elements = new Map(); // the rows that are shown, by key
let clearings = 0;
let paused = false;
let failures = 0;
let wasCleared = false;
let timer = 0;
let asking = false;
let askedMeanwhile = false;
let refusal = ""; // the sentence of the server that refuses to answer
let wanted = {};
let selected = "";
let shownDetail = null;

// --- text ---

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/u;
const INVISIBLE_PARTS = /([\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}])/u;

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** Text of an event, in which nothing can hide or turn the direction of what follows. */
function shown(text) {
  const made = element("bdi");
  if (!INVISIBLE.test(text)) {
    made.textContent = text;
    return made;
  }
  for (const part of text.split(INVISIBLE_PARTS)) {
    if (!part) continue;
    const hidden = INVISIBLE.test(part) && part !== "\n";
    made.append(hidden ? element("span", "escape", `U+${hex(part)}`) : part);
  }
  return made;
}

const hex = (character) => character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
const oneLine = (value) => (typeof value === "string" ? value : JSON.stringify(value));
const number = (count) => count.toLocaleString("en");
const many = (count, one, several) => `${number(count)} ${count === 1 ? one : several}`;

/** JSON that shows nothing unexpected where it is pasted: in a terminal, a control character acts. */
function json(value) {
  const escape = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const safe = (character) => (INVISIBLE.test(character) ? character.split("").map(escape).join("") : character);
  return JSON.stringify(value, null, 2).replace(/[^\n\x20-\x7e]/gu, safe);
}

// --- what an entry says ---

const ADVICE = {
  "bad-query": "Change the link so that each parameter has either a value of its own or parts below it, and is not too deep.",
  "bad-method": "Fetch the link with GET, as an image is fetched.",
  expired: "Make a new link, or one that lasts longer.",
  forged: "Make the link with the same Signer, and leave it as it was made.",
  "too-large": "Send less in the link; a proxy may cut long ones, too.",
  unauthorized: "Put writeKey=… with a key that is known here into the link.",
  unavailable: "Nothing is wrong with the link: the sink, or an enricher, failed. The log of the server says how. Send it again.",
  undeliverable: "The sink will never take this event; the log of the server says why. Change what it objects to.",
};

// What templates leave where nobody has filled in a value: such an id counts as absent.
const PLACEHOLDER = /\{\{.+\}\}|\$\{.+\}|\*\|.+\|\*|%%.+%%|^(undefined|null|NaN|None|\[object Object\])$/;

/** What to change, in one sentence. */
function advice(entry) {
  for (const name of ["userId", "anonymousId"]) {
    const value = queryOf(entry).get(name);
    if (entry.code === "invalid" && value && PLACEHOLDER.test(value) && entry.errors[0].includes(name)) {
      return `Fill in ${name} where the link is made: it says ${value}, which stands for nobody.`;
    }
  }
  if (entry.code !== "invalid" || !entry.path) return ADVICE[entry.code] || "Change the link, and send it again.";
  if (entry.rule === "required") return `Add ${entry.path}=… to the link, and send it again.`;
  return `Change ${entry.path}=… in the link, and send it again.`;
}

const queryOf = (entry) => new URLSearchParams(entry.query || "");

function derive(entry, view) {
  entry.view = view;
  entry.key = `${view}.${entry.number}`;
  const event = entry.event || {};
  // Refused before an event was made of it: then the query says whose it was.
  const query = entry.event ? null : queryOf(entry);
  const field = (name) => oneLine(event[name] ?? query?.get(name) ?? "");
  entry.label = field("event") || field("name") || oneLine(event.context?.page?.url ?? "");
  entry.who = field("userId") || field("anonymousId");
  entry.ids = ["userId", "anonymousId", "messageId"].map(field);
  return entry;
}

// --- filters, and the address ---

function matches(entry) {
  const has = (text, part) => text.toLowerCase().includes(part.toLowerCase());
  if (wanted.show && (wanted.show === "good") !== entry.good) return false;
  if (wanted.type && entry.eventType !== wanted.type) return false;
  if (wanted.name && !has(entry.label, wanted.name)) return false;
  if (wanted.id && !entry.ids.some((id) => has(id, wanted.id))) return false;
  return !wanted.text || has(JSON.stringify([entry.event, entry.errors, entry.code, entry.query]), wanted.text);
}

const isFiltered = () => Object.values(wanted).some(Boolean);

function address(key) {
  const parameters = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
  if (key) parameters.set("event", key);
  return `#${parameters}`;
}

function readAddress() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  selected = parameters.get("event") || "";
  for (const name of ["show", "type", "name", "id", "text"]) {
    const value = parameters.get(name) || "";
    if (name === "type") offerType(value);
    filters.elements[name].value = value;
  }
  readFilters();
}

function readFilters() {
  wanted = Object.fromEntries(new FormData(filters));
  filters.classList.toggle("active", isFiltered());
  for (const entry of entries) entry.matches = matches(entry);
}

function offerType(type) {
  const select = filters.elements.type;
  if (!type || [...select.options].some((option) => option.value === type)) return;
  select.append(new Option(type, type));
}

function select(key, { push = false } = {}) {
  selected = key;
  history[push ? "pushState" : "replaceState"](null, "", address(key));
  render();
}

// --- what the server says ---

const headers = () => {
  const token = sessionStorage.getItem(tokenKey);
  return token ? { Authorization: `Bearer ${token}` } : {};
};

/** Ask now, and once a second from then on. */
async function ask() {
  clearTimeout(timer);
  askedMeanwhile = asking; // with the number, or the token, of an answer that is still on its way
  if (asking || document.hidden) return;
  asking = true;
  const mayGoOn = await askOnce();
  asking = false;
  render();
  if (askedMeanwhile) ask();
  else if (mayGoOn) timer = setTimeout(ask, Math.min(LONGEST_INTERVAL, INTERVAL * 2 ** failures));
}

/** Ask once; gives false if it makes no sense to go on. */
async function askOnce() {
  const before = clearings;
  try {
    const after = [...views].map(([name, view]) => `${name}.${view.last}`).join(",");
    const options = { headers: headers(), cache: "no-store", signal: AbortSignal.timeout(TIMEOUT) };
    const response = await fetch(`${base}/events?after=${after}`, options);
    if (response.status === 403) {
      refused((await response.text()).trim());
      return false;
    }
    if (!response.ok) throw new Error(`status ${response.status}`);
    const answer = await response.json();
    failures = 0;
    refusal = "";
    byId("token").hidden = true;
    if (before === clearings) take(answer);
  } catch {
    failures += 1;
  }
  return true;
}

/** The token is missing or wrong, or there is none: the server's *sentence* says why this page may not see anything. */
function refused(sentence) {
  refusal = sentence;
  entries = [];
  held = [];
  views.clear();
  byId("token").hidden = sentence.includes("LiveView(token=");
}

function take(answer) {
  views.set(answer.view, answer);
  if (views.size > MOST_VIEWS) views.delete(views.keys().next().value);
  const fresh = answer.events.map((entry) => derive(entry, answer.view));
  answer.events = null; // it is kept only for its figures
  for (const entry of fresh) {
    entry.matches = matches(entry);
    offerType(entry.eventType);
  }
  if (paused) held = newest([...fresh, ...held]);
  else entries = newest([...fresh, ...entries]);
  const isKept = (entry) => entry.view !== answer.view || entry.number >= answer.oldest;
  entries = entries.filter(isKept);
  held = held.filter(isKept);
}

/** The newest of *list* that the limit lets stay; the times of several processes are compared. */
function newest(list) {
  if (views.size > 1) list.sort((one, other) => (one.time < other.time ? 1 : one.time > other.time ? -1 : 0));
  return list.slice(0, Math.max(...[...views.values()].map((view) => view.limit)));
}

// --- the list ---

function row(entry) {
  const link = element("a");
  const time = element("time", "", localTime(entry.time));
  time.dateTime = time.title = entry.time;
  const name = entry.label ? element("span", "name", shown(entry.label)) : element("span", "name nothing", "no name");
  const who = entry.who ? element("span", "who mono", shown(entry.who)) : element("span", "who nothing", "nobody");
  const type = element("span", "type", entry.eventType || "");
  link.append(element("span", "mark", entry.good ? "good" : "bad"), time, type, name, who);
  if (!entry.good) link.append(element("span", "fault", shown(entry.errors[0])));
  link.dataset.key = entry.key;
  return element("li", entry.good ? "good" : "bad", link);
}

function localTime(time) {
  const at = new Date(time);
  const two = (value) => String(value).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

function render() {
  const visible = entries.filter((entry) => entry.matches);
  renderRows(visible);
  renderCounts(visible.length);
  renderDetail();
}

/** Rows stay the same elements as long as they are shown, and with them the focus and what is being read. */
function renderRows(visible) {
  const keys = new Set(visible.map((entry) => entry.key));
  for (const [key, item] of elements) {
    if (keys.has(key)) continue;
    item.remove();
    elements.delete(key);
  }
  const start = address(""); // the filters
  let next = rows.firstElementChild;
  for (const entry of visible) {
    let item = elements.get(entry.key);
    if (!item) {
      item = row(entry);
      elements.set(entry.key, item);
    }
    if (item === next) next = next.nextElementSibling;
    else rows.insertBefore(item, next);
    const link = item.firstElementChild;
    if (link.dataset.start !== start) {
      link.dataset.start = start;
      link.href = address(entry.key);
    }
    if (entry.key === selected) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

function renderCounts(visible) {
  const sum = { good: 0, bad: 0, discarded: 0, fell_out: 0, not_shown: 0 };
  for (const view of views.values()) for (const name in sum) sum[name] += view.counts[name];
  byId("total").textContent = number(sum.good + sum.bad);
  byId("good").textContent = number(sum.good);
  byId("bad").textContent = number(sum.bad);
  const parts = [isFiltered() ? `${number(visible)} of ${many(entries.length, "event", "events")}` : many(visible, "event", "events")];
  if (sum.fell_out) parts.push(`${number(sum.fell_out)} fell out of the limit`);
  if (sum.not_shown) parts.push(`${number(sum.not_shown)} cannot be shown`);
  if (sum.discarded) parts.push(`${number(sum.discarded)} discarded by an enricher`);
  byId("counts").textContent = parts.join(" · ");
  document.title = sum.bad ? `(${number(sum.bad)} bad) Live pixels` : "Live pixels";
  byId("pause").textContent = !paused ? "Pause" : held.length ? `Resume (${number(held.length)} new)` : "Resume";
  if (views.size > 1) {
    byId("processes").textContent = `Events of the ${views.size} processes that have answered so far are shown together.`;
  }
  if (refusal) tell("failing", refusal);
  else if (failures) tell("failing", "No answer from the server; it is asked again");
  else if (views.size) tell(paused ? "" : "listening", paused ? "Paused" : "Listening");
  renderEmpty(visible);
}

function tell(kind, text) {
  const state = byId("state");
  state.className = kind;
  if (state.textContent !== text) state.textContent = text; // it is read aloud each time it is set
}

function renderEmpty(visible) {
  const empty = byId("empty");
  empty.hidden = visible > 0 || !views.size;
  if (empty.hidden) return;
  const filtered = entries.length > 0;
  const since = localTime([...views.values()].at(-1).since).slice(0, 8);
  byId("show-all").hidden = !filtered;
  const [heading, text] = filtered
    ? ["Nothing passes the filters", `${many(entries.length, "event is", "events are")} here, and the filters hide all of them.`]
    : wasCleared
      ? ["Cleared", "The next event appears here."]
      : ["Nothing has come yet", `No pixel has reached this process since ${since}. If you have sent one, look at the path of its link, at the server that it names, and whether the browser has asked at all.`];
  empty.querySelector("h3").textContent = heading;
  empty.querySelector("p").textContent = text;
}

// --- the selected event ---

function renderDetail() {
  const entry = entries.find((each) => each.key === selected);
  document.querySelector("main").classList.toggle("split", Boolean(selected));
  detail.hidden = !selected;
  const state = entry || (selected && views.size ? selected : null);
  if (state === shownDetail) return;
  shownDetail = state;
  if (!state) return detail.replaceChildren();
  const close = button("Close", () => leaveDetail());
  if (!entry) {
    const text = "This event is not here any more: it fell out, was cleared, or was another process's.";
    return detail.replaceChildren(element("div", "title", element("h2", "", "Gone"), element("div", "tools", close)), element("p", "", text));
  }
  const copied = button("Copy this event", (event) => copy(entry.good ? entry.event : raw(entry), event.currentTarget));
  const mark = element("span", entry.good ? "mark good" : "mark bad", entry.good ? "good" : "bad");
  const heading = element("h2", "", mark, entry.eventType || "", " ", shown(entry.label));
  detail.replaceChildren(element("div", "title", heading, element("div", "tools", copied, close)));
  if (!entry.good) {
    const sentence = element("p", "sentence", element("strong", "", shown(entry.errors[0])), shown(advice(entry)));
    detail.append(sentence);
  }
  detail.append(facts(entry));
  if (entry.query) {
    const lines = entry.query.split("&").join("\n&");
    detail.append(element("h3", "", "Query"), element("code", "query", shown(lines)));
  }
  if (entry.event) {
    detail.append(element("h3", "", entry.good ? "Event" : "Event, as far as it was made"), tree(entry));
  }
  detail.scrollTop = 0;
}

const raw = ({ view, key, label, who, ids, matches, ...rest }) => rest;

function facts(entry) {
  const list = element("dl");
  const add = (name, value) => {
    if (value !== null && value !== undefined && value !== "") list.append(element("dt", "", name), element("dd", "mono", shown(String(value))));
  };
  add("time", entry.time);
  add("code", entry.code && `${entry.code} (${entry.status})`);
  add("parameter", entry.path);
  add("rule", entry.rule);
  add("who", entry.who);
  return list;
}

/** The event as lists within lists; what is at fault is marked, and so is a place where something is missing. */
function tree(entry) {
  const list = element("ul", "tree");
  const found = branch(list, entry.event, "", entry.path, entry);
  if (!found && entry.path) {
    const missing = element("span", "refused", element("span", "key", shown(entry.path)), ": ", element("span", "size", "not there"));
    list.append(element("li", "", missing, " ", reason(entry)));
  }
  return list;
}

const reason = (entry) => element("span", "reason", shown(`← ${entry.errors[0]}`));

function branch(list, value, path, fault, entry) {
  let found = false;
  for (const [name, child] of Object.entries(value)) {
    const own = (path ? `${path}.` : "") + name.replace(/[\\.]/g, "\\$&");
    const isFault = own === fault;
    found ||= isFault;
    const item = element("li");
    const key = element("span", "key", shown(name));
    if (child !== null && typeof child === "object") {
      const size = Object.keys(child).length;
      const kind = Array.isArray(child) ? `[${size}]` : `{${size}}`;
      const inner = element("ul");
      const summary = element("summary", isFault ? "refused" : "", key, " ", element("span", "size", kind));
      if (isFault) summary.append(" ", reason(entry));
      const folded = element("details", "", summary, inner);
      folded.open = true;
      found = branch(inner, child, own, fault, entry) || found;
      item.append(size ? folded : element("span", "", key, ": ", element("span", "size", Array.isArray(child) ? "[]" : "{}")));
    } else {
      const leaf = element("span", isFault ? "refused" : "", key, ": ", scalar(child));
      item.append(leaf, ...(isFault ? [" ", reason(entry)] : []));
    }
    list.append(item);
  }
  return found;
}

function scalar(value) {
  if (typeof value === "string") return element("span", "string", '"', shown(value), '"');
  return element("span", typeof value === "number" ? "number" : "word", String(value));
}

function button(text, action) {
  const made = element("button", "", text);
  made.type = "button";
  made.addEventListener("click", action);
  return made;
}

function leaveDetail() {
  const link = elements.get(selected)?.firstElementChild;
  select("");
  (link || byId("pause")).focus();
}

// --- copying, and what the user does ---

async function copy(value, target) {
  const text = json(value);
  const label = target.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Over plain HTTP from another machine there is no clipboard but this one.
    const area = element("textarea", "", text);
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    target.focus();
  }
  target.textContent = "Copied";
  setTimeout(() => (target.textContent = label), 1500);
}

async function clear() {
  clearings += 1;
  entries = [];
  held = [];
  wasCleared = true;
  select("");
  try {
    await fetch(`${base}/reset`, { method: "POST", headers: headers(), signal: AbortSignal.timeout(TIMEOUT) });
  } catch {
    failures += 1;
  }
  ask();
}

byId("pause").addEventListener("click", (event) => {
  paused = !paused;
  event.currentTarget.setAttribute("aria-pressed", String(paused));
  if (!paused) {
    entries = newest([...held, ...entries]);
    held = [];
    readFilters();
  }
  render();
});
byId("copy").addEventListener("click", (event) => copy(entries.filter((entry) => entry.matches).map(raw), event.currentTarget));
byId("clear").addEventListener("click", clear);
byId("show-all").addEventListener("click", () => filters.reset());
byId("token").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(tokenKey, event.target.elements.token.value.trim());
  event.target.reset();
  ask();
});
filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener("input", () => {
  readFilters();
  select(selected);
});
filters.addEventListener("reset", () => {
  setTimeout(() => {
    // once the fields are empty
    readFilters();
    select(selected);
  });
});
rows.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return; // a tab of its own
  event.preventDefault();
  select(link.dataset.key, { push: true });
  if (getComputedStyle(byId("list")).display === "none") detail.focus();
});
rows.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const item = event.target.closest("li");
  const next = event.key === "ArrowDown" ? item.nextElementSibling : item.previousElementSibling;
  if (!next) return;
  event.preventDefault();
  next.firstElementChild.focus();
  if (selected) select(next.firstElementChild.dataset.key);
});
document.addEventListener("keydown", (event) => {
  const clearsField = event.target.matches("input") && event.target.value; // Escape empties a field for searching
  if (event.key === "Escape" && selected && !clearsField) leaveDetail();
});
document.addEventListener("visibilitychange", ask);
window.addEventListener("hashchange", () => {
  readAddress();
  render();
});

readAddress();
ask();
