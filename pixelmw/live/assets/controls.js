// Copying, and what the user does.

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
