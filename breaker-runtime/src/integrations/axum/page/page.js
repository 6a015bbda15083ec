// The bar and the order of the cards.

function receive(all, age) {
  const isRecent = now() - lastEventAt < 4;
  lastEventAt = now();
  for (const changes of all) {
    let circuit = circuits.get(changes.name);
    if (!circuit) circuits.set(changes.name, circuit = new Circuit(changes.name));
    circuit.update(changes, age, isRecent);
  }
  paintSoon();
}

function remove(circuit) {
  circuits.delete(circuit.name);
  circuit.card.remove();
}

function paintSoon() {
  if (isPaintScheduled) return;
  isPaintScheduled = true;
  requestAnimationFrame(() => {
    isPaintScheduled = false;
    paint();
  });
}

function paint() {
  paintLink();
  paintFleet();
  paintConfig();
  paintStates();
  sortCards();
  for (const circuit of circuits.values()) if (circuit.card.isVisible) circuit.card.paint();
}

function paintLink() {
  const silence = now() - lastEventAt;
  const lost = silence > 4;
  document.body.classList.toggle("lost", lost && circuits.size > 0);
  byId("reader-open").hidden = !needsToken;
  const [link, text] = needsToken ? ["lost", "a token is required"]
    : isShuttingDown ? ["waiting", "the server is shutting down, reconnecting"]
    : lost && refusal !== null ? ["lost", refusal]
    : lastEventAt < 0 ? ["waiting", "connecting"]
    : lost ? ["lost", `no events for ${time(silence)}, reconnecting`]
    : ["live", "live"];
  setData(byId("link"), "link", link);
  setText(byId("link"), text);
}

function paintFleet() {
  const line = byId("fleet");
  line.hidden = !fleet;
  if (!fleet) return;
  const { namespace, processes, connected, last_error } = fleet;
  setData(line, "fleet", connected ? "connected" : "away");
  const error = last_error === null ? "" : `: ${last_error}`;
  const link = connected ? "connected" : last_error === null ? "connecting to Redis"
    : `Redis is away${error}. Shared circuits act in this process only`;
  setText(line, `Fleet ${namespace}: ${processes} ${processes === 1 ? "process" : "processes"}, ${link}`);
}

function paintConfig() {
  const line = byId("config");
  line.hidden = !config;
  if (!config) return;
  const { last_applied, last_error } = config;
  setData(line, "config", last_error === null ? "applied" : "refused");
  const applied = last_applied === null ? "never applied" : `applied ${time(last_applied + now() - configAt)} ago`;
  setText(line, last_error === null ? `Configuration ${applied}` : `Configuration refused (${applied}): ${last_error}`);
}

function paintStates() {
  const counts = {};
  for (const { data } of circuits.values()) counts[data.state] = (counts[data.state] ?? 0) + 1;
  for (const [state, button] of stateButtons) {
    button.hidden = !counts[state] && stateFilter !== state;
    setText(button.firstChild, counts[state] ?? 0);
    const pressed = String(stateFilter === state);
    if (button.getAttribute("aria-pressed") !== pressed) button.setAttribute("aria-pressed", pressed);
  }
  const open = (counts.open ?? 0) + (counts.forced_open ?? 0);
  const title = open ? `${open} open · circuits` : "circuits";
  if (document.title !== title) document.title = title;
}

const stateButtons = Object.entries(STATES).map(([state, label]) => {
  const button = make("button", { type: "button" }, make("b"), ` ${label}`);
  button.dataset.state = state;
  button.addEventListener("click", () => {
    stateFilter = stateFilter === state ? null : state;
    isSorted = false;
    paintSoon();
  });
  byId("states").append(button);
  return [state, button];
});

// Sorts the cards: worst first, then by name. Cards move only when a rank changes.
function sortCards() {
  if (isSorted) return;
  isSorted = true;
  const text = byId("filter").value.trim().toLowerCase();
  const sorted = [...circuits.values()].sort((a, b) => rank(a.data) - rank(b.data) || (a.name < b.name ? -1 : 1));
  const focused = document.activeElement;
  let next = byId("circuits").firstElementChild;
  let shown = 0;
  for (const { name, data, card } of sorted) {
    const hidden = !name.toLowerCase().includes(text) || (stateFilter !== null && data.state !== stateFilter);
    if (card.root.hidden !== hidden) card.root.hidden = hidden;
    if (!hidden) shown++;
    if (card.root === next) next = next.nextElementSibling;
    else byId("circuits").insertBefore(card.root, next);
  }
  // A card that moves loses the focus.
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
  byId("empty").hidden = shown > 0;
  setText(byId("empty"), circuits.size ? "No circuit matches the filter." : "No circuits yet. Annotated functions of the global registry appear at the start, other breakers once they are created.");
}

byId("filter").addEventListener("input", () => {
  isSorted = false;
  paintSoon();
});

byId("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  try {
    localStorage.setItem("breaker-theme", root.dataset.theme);
  } catch {
    // Without storage, the theme lasts until the page is closed.
  }
});

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target === byId("filter")) {
    if (event.key === "Escape") {
      byId("filter").value = "";
      byId("filter").blur();
      isSorted = false;
      paintSoon();
    }
    return;
  }
  if (event.key === "/") {
    event.preventDefault();
    byId("filter").focus();
  }
  if (event.key === "j" || event.key === "k") focusCard(event.key === "j" ? 1 : -1);
});

function focusCard(offset) {
  const summaries = [...document.querySelectorAll(".card:not([hidden]) summary")];
  const current = summaries.indexOf(document.activeElement?.closest(".card")?.querySelector("summary"));
  const target = summaries[current < 0 ? 0 : Math.min(summaries.length - 1, Math.max(0, current + offset))];
  target?.focus();
}

try {
  const theme = localStorage.getItem("breaker-theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // Without storage, the theme is that of the system.
}
isSorted = false;
setInterval(paintSoon, 1000);
listen();
