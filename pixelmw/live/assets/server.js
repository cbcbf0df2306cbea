// What is asked of the server, and what becomes of its answers.

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
