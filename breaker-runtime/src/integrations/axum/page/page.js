"use strict";
// What the stream says is kept in `circuits`; painting reads it once a second, and only cards that are in sight.
// Names, keys and error texts are data: they reach the page as text, never as markup.

const BASE = location.pathname.replace(/\/?$/, "/");
const SECONDS = 60;
const RESULTS = ["ok", "bad", "warn", "off"];
const STATES = {
  open: "open", forced_open: "forced open", half_open: "half-open", disabled: "disabled", closed: "closed",
  uncalled: "never called",
};
const RANKS = { open: 0, forced_open: 0, half_open: 1, disabled: 2, closed: 3, uncalled: 4 };
const ORDERS = {
  "force-open": "Force open", "force-close": "Force closed", disable: "Disable", release: "Release", reset: "Reset",
};

const by = id => document.getElementById(id);
const circuits = new Map();
let heard = -Infinity;
let controls = false;
let only = null;
let inOrder = true;
let painting = false;

// -- The model

function now() {
  return performance.now() / 1000;
}

class Circuit {
  constructor(name) {
    this.name = name;
    this.data = null;
    // When its figures were so, and when its changes were so long ago.
    this.at = 0;
    this.changedAt = 0;
    this.born = now();
    this.second = Math.floor(now());
    this.history = new Uint32Array(SECONDS * RESULTS.length);
    this.card = new Card(this);
  }

  // `age` is how old the news are; `fresh` whether what was counted since the last news is of this second.
  take(news, age, fresh) {
    const before = this.data;
    this.data = { ...before, ...news };
    this.at = now() - age;
    if (news.transitions) this.changedAt = this.at;
    if (before && fresh) this.count(tally(before.totals), tally(news.totals));
    if (!before || rank(before) !== rank(this.data)) inOrder = false;
  }

  count(before, after) {
    this.forget();
    const slot = (this.second % SECONDS) * RESULTS.length;
    for (let i = 0; i < RESULTS.length; i++) this.history[slot + i] += Math.max(0, after[i] - before[i]);
  }

  // Makes room for the seconds that have passed since.
  forget() {
    const second = Math.floor(now());
    for (let s = Math.max(this.second + 1, second - SECONDS + 1); s <= second; s++) {
      const slot = (s % SECONDS) * RESULTS.length;
      this.history.fill(0, slot, slot + RESULTS.length);
    }
    this.second = second;
  }

  // How many calls ended in which way, `ago` seconds ago.
  ago(ago) {
    const slot = ((this.second - ago + SECONDS) % SECONDS) * RESULTS.length;
    return this.history.subarray(slot, slot + RESULTS.length);
  }

  // Calls a second and the share that failed, in the last ten whole seconds.
  lately() {
    const seconds = Math.min(10, Math.max(1, Math.floor(now() - this.born)));
    let [calls, good, bad] = [0, 0, 0];
    for (let s = 1; s <= seconds; s++) {
      const counts = this.ago(s);
      for (const count of counts) calls += count;
      good += counts[0];
      bad += counts[1];
    }
    return { rate: calls / seconds, ratio: good + bad ? bad / (good + bad) : null };
  }

  passed() {
    return now() - this.at;
  }
}

function tally(totals) {
  return [totals.successes, totals.failures + totals.timeouts, totals.rejected, totals.ignored];
}

function rank(data) {
  const troubled = data.consecutive_failures > 0 || data.window?.failures > 0;
  return RANKS[data.state] * 2 + (troubled ? 0 : 1);
}

// -- The stream

function listen() {
  const source = new EventSource(BASE + "circuits/stream");
  source.addEventListener("snapshot", event => {
    const { age, circuits: all, controls: mayCommand } = JSON.parse(event.data);
    const names = new Set(all.map(news => news.name));
    for (const circuit of circuits.values()) if (!names.has(circuit.name)) remove(circuit);
    controls = mayCommand;
    by("sign").hidden = !controls;
    hear(all, age);
  });
  source.addEventListener("delta", event => hear(JSON.parse(event.data).circuits, 0));
  // A browser comes back by itself but after an answer that is no stream.
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  });
}

function hear(all, age) {
  const fresh = now() - heard < 4;
  heard = now();
  for (const news of all) {
    let circuit = circuits.get(news.name);
    if (!circuit) circuits.set(news.name, circuit = new Circuit(news.name));
    circuit.take(news, age, fresh);
  }
  paintSoon();
}

function remove(circuit) {
  circuits.delete(circuit.name);
  circuit.card.remove();
}

// -- Painting

function paintSoon() {
  if (painting) return;
  painting = true;
  requestAnimationFrame(() => {
    painting = false;
    paint();
  });
}

function paint() {
  paintLink();
  paintStates();
  arrange();
  for (const circuit of circuits.values()) if (circuit.card.inSight) circuit.card.paint();
}

function paintLink() {
  const silence = now() - heard;
  const lost = silence > 4;
  document.body.classList.toggle("lost", lost && circuits.size > 0);
  mark(by("link"), "link", heard < 0 ? "waiting" : lost ? "lost" : "live");
  say(by("link"), heard < 0 ? "connecting" : lost ? `no news for ${time(silence)}, trying again` : "live");
}

function paintStates() {
  const counts = {};
  for (const { data } of circuits.values()) counts[data.state] = (counts[data.state] ?? 0) + 1;
  for (const [state, button] of stateButtons) {
    button.hidden = !counts[state] && only !== state;
    say(button.firstChild, counts[state] ?? 0);
    const pressed = String(only === state);
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
    only = only === state ? null : state;
    inOrder = false;
    paintSoon();
  });
  by("states").append(button);
  return [state, button];
});

// The worst first, then by name; cards move only when a rank changes.
function arrange() {
  if (inOrder) return;
  inOrder = true;
  const wanted = by("filter").value.trim().toLowerCase();
  const sorted = [...circuits.values()].sort((a, b) => rank(a.data) - rank(b.data) || (a.name < b.name ? -1 : 1));
  const focused = document.activeElement;
  let place = by("circuits").firstElementChild;
  let shown = 0;
  for (const { name, data, card } of sorted) {
    const hidden = !name.toLowerCase().includes(wanted) || (only !== null && data.state !== only);
    if (card.root.hidden !== hidden) card.root.hidden = hidden;
    if (!hidden) shown++;
    if (card.root === place) place = place.nextElementSibling;
    else by("circuits").insertBefore(card.root, place);
  }
  // A card that moves loses the focus.
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
  by("empty").hidden = shown > 0;
  say(by("empty"), circuits.size ? "No circuit matches." : "No circuit yet. Those of the global registry are here from the start, others once they are made.");
}

const sight = new IntersectionObserver(entries => {
  for (const { target, isIntersecting } of entries) {
    target.card.inSight = isIntersecting;
    if (isIntersecting) target.card.paint();
  }
}, { rootMargin: "200px" });

class Card {
  constructor(circuit) {
    this.circuit = circuit;
    this.inSight = false;
    this.root = by("card").content.firstElementChild.cloneNode(true);
    this.root.card = this;
    this.parts = {};
    for (const part of ["pulse", "name", "tags", "state", "since", "next", "why", "spark", "peak", "rules", "figures", "more"]) {
      this.parts[part] = this.root.querySelector(`.${part}`);
    }
    this.parts.rate = this.root.querySelector(".rate b");
    this.parts.circle = this.root.querySelector("circle");
    this.details = this.root.querySelector("details");
    this.details.addEventListener("toggle", () => this.paintMore());
    say(this.parts.name, circuit.name);
    this.parts.name.title = circuit.name;
    this.root.setAttribute("aria-label", circuit.name);
    sight.observe(this.root);
  }

  remove() {
    sight.unobserve(this.root);
    this.root.remove();
  }

  paint() {
    const { circuit, parts } = this;
    const { data } = circuit;
    circuit.forget();
    mark(this.root, "state", data.state);
    say(parts.state, STATES[data.state]);
    say(parts.since, data.state === "uncalled" ? "" : `for ${time(data.time_in_state + circuit.passed())}`);
    say(parts.tags, tags(data));
    say(parts.next, next(circuit));
    say(parts.why, why(circuit));
    this.paintPulse();
    this.paintSpark();
    fill(parts.rules, rules(data), ruleRow, paintRule);
    fill(parts.figures, figures(data), figureRow, paintFigure);
    this.paintMore();
  }

  paintPulse() {
    const { parts } = this;
    const { rate, ratio } = this.circuit.lately();
    say(parts.rate, rate === 0 ? "0" : rate < 10 ? rate.toFixed(1) : count(Math.round(rate)));
    const radius = (6 + 17 * Math.min(1, Math.log10(1 + rate) / 2.5)).toFixed(1);
    if (parts.circle.getAttribute("r") !== radius) parts.circle.setAttribute("r", radius);
    const fill = ratio === null ? "" : tint(ratio);
    if (this.fill !== fill) parts.circle.style.fill = this.fill = fill;
  }

  paintSpark() {
    const { circuit, parts } = this;
    let peak = 0;
    for (let s = 0; s < SECONDS; s++) peak = Math.max(peak, circuit.ago(s).reduce((sum, calls) => sum + calls, 0));
    const paths = RESULTS.map(() => "");
    for (let s = 1; s < SECONDS && peak; s++) {
      let top = 20;
      circuit.ago(s).forEach((calls, result) => {
        if (!calls) return;
        const height = Math.max(0.6, (calls / peak) * 19);
        top -= height;
        paths[result] += `M${SECONDS - s} ${top.toFixed(2)}h.8v${height.toFixed(2)}h-.8z`;
      });
    }
    paths.forEach((path, result) => {
      const shape = parts.spark.children[result];
      if (shape.getAttribute("d") !== path) shape.setAttribute("d", path);
    });
    say(parts.peak, peak ? `${count(peak)}/s` : "");
    const label = `calls in the last minute, at most ${peak} a second`;
    if (parts.spark.getAttribute("aria-label") !== label) parts.spark.setAttribute("aria-label", label);
  }

  // Only while it is open, and anew only when there is something new.
  paintMore() {
    const { circuit, parts } = this;
    if (!this.details.open) {
      parts.more.replaceChildren();
      this.shown = null;
      return;
    }
    if (!parts.more.firstChild) parts.more.append(make("div"), make("div"));
    const [bar, news] = parts.more.children;
    if (controls && !bar.firstChild && circuit.data.state !== "uncalled") bar.append(...controlBar(circuit));
    if (this.shown !== circuit.data) {
      this.shown = circuit.data;
      news.replaceChildren(...changes(circuit), ...keys(circuit.data), ...settings(circuit.data));
    }
    for (const passing of news.querySelectorAll("time")) {
      say(passing, `${time(passing.seconds + now() - circuit.changedAt)} ago`);
    }
  }
}

// -- What a card says

function tags(data) {
  const tags = [];
  if (data.critical) tags.push("critical");
  if (data.settings.mode === "shadow") tags.push("shadow");
  if (data.keys) tags.push(`${count(data.keys.count)} keys`);
  return tags.join(" · ");
}

function next(circuit) {
  const { data } = circuit;
  const sick = data.keys ? data.keys.states.open + data.keys.states.forced_open : 0;
  const which = sick ? `${sick} of ${count(data.keys.count)} keys open: ${keyName(data.keys.worst[0].key)}; ` : "";
  if (data.state === "forced_open") return `${which}until an operator says otherwise`;
  if (data.state === "uncalled") return `declared at ${data.declared_at}`;
  if (data.state === "disabled") return "all calls go through; no rule applies";
  if (data.state === "half_open") {
    const { trials_in_flight: trials, settings: { success_threshold: enough } } = data;
    return `${trials} ${trials === 1 ? "trial" : "trials"} running; ${enough} good in all ${enough === 1 ? "closes" : "close"} it`;
  }
  if (data.state !== "open") return "";
  if (data.retry_after === null) return `${which}no trial until an operator says so`;
  const left = data.retry_after - circuit.passed();
  return which + (left > 0 ? `a trial in ${time(Math.ceil(left))}` : "the next call is a trial");
}

function why(circuit) {
  const { state, transitions } = circuit.data;
  // That it tries again says nothing; why it had to does.
  const last = state === "half_open" ? transitions.find(change => change.to !== "half_open") : transitions[0];
  return last ? reason(last) : "";
}

function reason({ why, last_failure, initiator }) {
  let text = why;
  if (last_failure !== null) text += `; last failure: “${last_failure}”`;
  if (initiator !== null) text += ` by ${initiator}`;
  return text;
}

// Each rule: what was found, its limit, and both as shares of the bar.
function rules({ state, settings, window, consecutive_failures, calls_in_flight, trials_in_flight }) {
  const rules = [];
  const upTo = (label, found, limit) =>
    rules.push({ label, text: `${count(found)} of ${count(limit)}`, value: found / limit, limit: 1, calm: label === "trials running" });
  const rate = (label, found, limit) => {
    const enough = window.calls >= settings.minimum_calls;
    const text = found === null ? `limit ${percent(limit)}` : `${percent(found)}, limit ${percent(limit)}`;
    const wait = enough ? "" : `; ${count(window.calls)} of ${count(settings.minimum_calls)} calls`;
    rules.push({ label, text: text + wait, value: found ?? 0, limit });
  };
  if (state === "closed") {
    const run = settings.consecutive_failures ?? (window ? null : settings.failure_threshold);
    if (run !== null) upTo("failures in a row", consecutive_failures, run);
    if (window && settings.failure_threshold !== null) upTo("failures in the window", window.failures, settings.failure_threshold);
    if (window && settings.failure_rate !== null) rate("failure rate", window.failure_rate, settings.failure_rate);
    if (window && settings.slow_call_rate !== null) rate("slow calls", window.slow_call_rate, settings.slow_call_rate);
  }
  // All trial places are taken as a rule: no reason for alarm.
  if (state === "half_open") upTo("trials running", trials_in_flight, settings.half_open_max_calls);
  if (calls_in_flight !== null && settings.max_concurrent !== null) upTo("calls running", calls_in_flight, settings.max_concurrent);
  return rules;
}

function figures({ totals, durations, opened, shadow_rejections }) {
  const figures = [];
  if (durations?.count) {
    for (const quantile of ["p50", "p95", "p99"]) figures.push([quantile, short(durations[quantile])]);
  }
  const reasons = Object.entries(totals.rejections).filter(([, calls]) => calls > 0);
  if (totals.rejected) {
    const by = reasons.map(([reason, calls]) => `${reason.replace("_", " ")} ${count(calls)}`).join(", ");
    figures.push(["rejected", `${count(totals.rejected)} (${by})`]);
  }
  const { successes, failures } = totals.fallbacks;
  if (successes + failures) {
    const failed = failures ? ` (${count(failures)} failed)` : "";
    figures.push(["fallbacks", count(successes + failures) + failed]);
  }
  if (shadow_rejections) figures.push(["would have rejected", count(shadow_rejections)]);
  if (totals.timeouts) figures.push(["timed out", count(totals.timeouts)]);
  if (opened) figures.push(["opened", opened === 1 ? "once" : `${count(opened)} times`]);
  return figures;
}

function ruleRow() {
  return make("div", { className: "rule" }, make("span"), make("span"), make("div", { className: "meter" }, make("i"), make("u")));
}

function paintRule(row, { label, text, value, limit, calm }) {
  const [name, found, meter] = row.children;
  say(name, label);
  say(found, text);
  mark(meter, "near", calm || value < limit / 2 ? "far" : value < limit ? "near" : "there");
  for (const [property, share] of [["--value", value], ["--limit", limit]]) {
    const width = `${Math.round(Math.min(1, share) * 100)}%`;
    if (meter.style.getPropertyValue(property) !== width) meter.style.setProperty(property, width);
  }
}

function figureRow() {
  return make("div", {}, make("dt"), make("dd"));
}

function paintFigure(row, [label, value]) {
  say(row.firstChild, label);
  say(row.lastChild, value);
}

function changes({ data }) {
  if (!data.transitions.length) return [make("h3", {}, "Last changes"), make("p", {}, "none yet")];
  const rows = data.transitions.map(change => {
    const to = make("b", {}, STATES[change.to]);
    to.dataset.state = change.to;
    const ago = make("time");
    ago.seconds = change.ago;
    const key = data.keys ? `${keyName(change.key)}: ` : "";
    return make("li", {}, `${key}${STATES[change.from]} → `, to, " ", ago, make("small", {}, reason(change)));
  });
  return [make("h3", {}, "Last changes"), make("ol", { className: "changes" }, ...rows)];
}

function keys({ keys }) {
  if (!keys) return [];
  const head = make("tr", {}, ...["key", "state", "failed", "rejected"].map(name => make("th", {}, name)));
  const rows = keys.worst.map(({ key, state, totals }) => {
    const word = make("b", {}, STATES[state]);
    word.dataset.state = state;
    const cells = [keyName(key), word, count(totals.failures + totals.timeouts), count(totals.rejected)];
    return make("tr", {}, ...cells.map(cell => make("td", {}, cell)));
  });
  const title = keys.count > rows.length ? `The worst ${rows.length} of ${count(keys.count)} keys` : "Keys";
  return [make("h3", {}, title), make("table", { className: "keys" }, head, ...rows)];
}

function settings({ settings, totals }) {
  const list = make("dl", { className: "settings" });
  for (const [name, value] of Object.entries(settings)) {
    if (value !== null) list.append(make("dt", {}, name), make("dd", {}, String(value)));
  }
  const counts = `${count(totals.successes)} succeeded, ${count(totals.failures)} failed, ${count(totals.timeouts)} timed out, `
    + `${count(totals.ignored)} ignored, ${count(totals.rejected)} rejected`;
  return [make("h3", {}, "Since the start"), make("p", {}, counts), make("h3", {}, "Settings"), list];
}

// -- Commands

function controlBar(circuit) {
  const answer = make("p", { className: "answer", role: "status" });
  const buttons = Object.entries(ORDERS).map(([order, label]) => {
    const button = make("button", { type: "button" }, label);
    button.dataset.order = order;
    const relax = () => {
      button.classList.remove("sure");
      say(button, label);
    };
    button.addEventListener("blur", relax);
    button.addEventListener("click", () => {
      if (!credentials()) return by("operator").showModal();
      if (!button.classList.contains("sure")) {
        button.classList.add("sure");
        return say(button, `${label}: sure?`);
      }
      relax();
      command(circuit, order).then(text => say(answer, text));
    });
    return button;
  });
  return [make("h3", {}, circuit.data.keys ? "Controls of all keys" : "Controls"), make("div", { className: "controls" }, ...buttons), answer];
}

async function command(circuit, order) {
  const { name, token } = credentials();
  const headers = { Authorization: `Bearer ${token}`, "X-Breaker-Operator": encodeURIComponent(name) };
  try {
    const url = `${BASE}circuits/${encodeURIComponent(circuit.name)}/${order}`;
    const response = await fetch(url, { method: "POST", headers });
    const answer = await response.json();
    if (!response.ok) return `refused (${response.status}): ${answer.error}`;
    circuit.take(answer, 0, true);
    paintSoon();
    return "done";
  } catch {
    return "the server did not answer";
  }
}

function credentials() {
  const name = kept("breaker-operator");
  const token = kept("breaker-token");
  return name && token ? { name, token } : null;
}

function kept(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

by("sign").addEventListener("click", () => {
  by("operator-name").value = kept("breaker-operator") ?? "";
  by("operator").showModal();
});
by("operator").addEventListener("close", () => {
  if (by("operator").returnValue === "keep") {
    sessionStorage.setItem("breaker-operator", by("operator-name").value);
    sessionStorage.setItem("breaker-token", by("operator-token").value);
  }
  by("operator").returnValue = "";
  by("operator-token").value = "";
});
by("operator-forget").addEventListener("click", () => {
  sessionStorage.removeItem("breaker-operator");
  sessionStorage.removeItem("breaker-token");
  by("operator").close();
});

// -- Small things

function make(tag, properties = {}, ...children) {
  const { role, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  if (role) element.setAttribute("role", role);
  element.append(...children);
  return element;
}

// Touches the page only if the text is another one.
function say(element, text) {
  const value = String(text);
  if (element.textContent !== value) element.textContent = value;
}

function mark(element, key, value) {
  if (element.dataset[key] !== value) element.dataset[key] = value;
}

// As many rows as there are things, each painted.
function fill(list, things, row, paintRow) {
  while (list.children.length > things.length) list.lastElementChild.remove();
  while (list.children.length < things.length) list.append(row());
  things.forEach((thing, nth) => paintRow(list.children[nth], thing));
}

// From good over doubtful, at a third of failures, to bad.
function tint(ratio) {
  const [from, to, share] = ratio < 1 / 3 ? ["ok", "warn", ratio * 3] : ["warn", "bad", (ratio - 1 / 3) * 1.5];
  return `color-mix(in oklab, var(--${to}) ${Math.round(share * 100)}%, var(--${from}))`;
}

function keyName(key) {
  return key === null ? "(overflow)" : key;
}

function time(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
}

function short(seconds) {
  if (seconds === null) return "–";
  if (seconds < 0.001) return `${(seconds * 1e6).toFixed(0)} µs`;
  if (seconds < 1) return `${(seconds * 1e3).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
  return `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`;
}

function percent(share) {
  const value = share * 100;
  return `${value < 10 && value % 1 ? value.toFixed(1) : Math.round(value)} %`;
}

function count(number) {
  return number.toLocaleString("en", { notation: number >= 1e6 ? "compact" : "standard" }).replaceAll(",", "\u202f");
}

// -- The bar

by("filter").addEventListener("input", () => {
  inOrder = false;
  paintSoon();
});

by("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  try {
    localStorage.setItem("breaker-theme", root.dataset.theme);
  } catch {
    // It is dark or light until the page is left.
  }
});

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || by("operator").open) return;
  if (event.target === by("filter")) {
    if (event.key === "Escape") {
      by("filter").value = "";
      by("filter").blur();
      inOrder = false;
      paintSoon();
    }
    return;
  }
  if (event.key === "/") {
    event.preventDefault();
    by("filter").focus();
  }
  if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
});

function step(stride) {
  const stops = [...document.querySelectorAll(".card:not([hidden]) summary")];
  const here = stops.indexOf(document.activeElement?.closest(".card")?.querySelector("summary"));
  const there = stops[here < 0 ? 0 : Math.min(stops.length - 1, Math.max(0, here + stride))];
  there?.focus();
}

try {
  const theme = localStorage.getItem("breaker-theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // Then it is as the system says.
}
inOrder = false;
setInterval(paintSoon, 1000);
listen();
