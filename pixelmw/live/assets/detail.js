// The selected event, as a tree.

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
