// The list of the entries, and its counts.

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
