// What an entry says, the filters, and the address.

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
