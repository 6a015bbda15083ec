// The texts of a card: state, reason, thresholds, figures and details.

function tags(circuit) {
  const { data } = circuit;
  const tags = [];
  const left = drillSeconds(circuit);
  if (left > 0) tags.push(`drill by ${data.drill.initiator}: ${drillText(data.drill)}, ends in ${time(Math.ceil(left))}`);
  if (data.critical) tags.push("critical");
  if (data.settings.mode === "shadow") tags.push("shadow");
  if (data.keys) tags.push(data.keys.count === 1 ? "1 key" : `${count(data.keys.count)} keys`);
  return tags.join(" · ");
}

// Returns the seconds until the drill ends, or zero without a drill.
function drillSeconds(circuit) {
  const { drill } = circuit.data;
  return drill ? Math.max(0, drill.remaining - circuit.secondsSinceUpdate()) : 0;
}

function drillText({ fail, delay, delay_share: share }) {
  const parts = [];
  if (fail) parts.push(`fails ${percent(fail)}`);
  if (delay && share) parts.push(`delays ${percent(share)} by ${time(delay)}`);
  return parts.join(", ");
}

// Returns the figures that the thresholds apply to: with keys, those of the worst circuit.
function worst(data) {
  return data.keys?.worst[0] ?? data;
}

function statusText(circuit) {
  const { data } = circuit;
  const openKeys = data.keys ? data.keys.states.open + data.keys.states.forced_open : 0;
  const prefix = openKeys ? `${openKeys} of ${count(data.keys.count)} keys open: ${keyName(data.keys.worst[0].key)}; ` : "";
  if (data.state === "forced_open") return `${prefix}until an operator releases it`;
  if (data.state === "uncalled") return `declared at ${data.declared_at}`;
  if (data.state === "disabled") return "all calls are admitted; no threshold applies";
  if (data.state === "half_open") {
    const { trials_in_flight: trials } = worst(data);
    const { success_threshold: needed } = data.settings;
    return `${trials} ${trials === 1 ? "trial call" : "trial calls"} running; ${needed} ${needed === 1 ? "success closes" : "successes close"} it`;
  }
  if (data.ramp) {
    const left = Math.max(0, data.ramp.remaining - circuit.secondsSinceUpdate());
    return `closing gradually: ${percent(data.ramp.share)} of calls admitted, all of them in ${time(Math.ceil(left))}`;
  }
  if (data.state !== "open") return "";
  if (data.retry_after === null) return `${prefix}no trial call until an operator acts`;
  const left = data.retry_after - circuit.secondsSinceUpdate();
  return prefix + (left > 0 ? `trial call in ${time(Math.ceil(left))}` : "the next call is a trial call");
}

// Returns the reason of the state that the card shows: with keys, that of the worst circuit.
function reasonText({ data }) {
  const { key, state, generation } = worst(data);
  // While half-open, shows the reason of the opening: the transition to half-open only reports that the timeout elapsed.
  const began = state === "half_open" ? generation - 1 : generation;
  const last = data.transitions.find(change => change.key === key && change.generation === began);
  return last ? transitionText(last) : "";
}

// Returns what the fleet knows about a shared circuit.
function fleetText(circuit) {
  const { data } = circuit;
  if (!data.fleet) return "";
  const { key, open, open_in, processes, votes, lease_holder, due_in, command } = data.fleet;
  const passed = circuit.secondsSinceUpdate();
  const texts = [];
  if (open || open_in) texts.push(`open in ${count(open_in)} of ${count(processes)} processes`);
  else texts.push(`shared by ${count(processes)} ${processes === 1 ? "process" : "processes"}`);
  if (!open && votes.length) texts.push(`votes: ${votes.join(", ")}`);
  if (open && lease_holder !== null) texts.push(`trial calls by ${lease_holder}`);
  else if (open && !command && due_in > passed) texts.push(`trial calls of the fleet in ${time(Math.ceil(due_in - passed))}`);
  if (command) {
    const why = command.why ? `: “${command.why}”` : "";
    const end = command.ends_in === null ? "" : `, ends in ${time(Math.max(0, command.ends_in - passed))}`;
    texts.push(`${STATES[command.state]} in all processes by ${command.by}${why}${end}`);
  }
  return (data.keys && key !== null ? `${keyName(key)}: ` : "") + texts.join("; ");
}

function transitionText({ why, last_failure, retry_after, initiator }) {
  let text = why;
  if (last_failure !== null) text += `; last failure: “${last_failure}”`;
  if (retry_after !== null) text += `; retry after ${time(retry_after)}`;
  if (initiator !== null) text += ` by ${initiator}`;
  return text;
}

// Returns the thresholds: a label, the current figure with its limit as text, and both as shares of the meter.
function rules(data) {
  const { settings } = data;
  const { state, window, consecutive_failures, calls_in_flight, trials_in_flight } = worst(data);
  const rules = [];
  const countRule = (label, found, limit) =>
    rules.push({ label, text: `${count(found)} of ${count(limit)}`, value: found / limit, limit: 1, calm: label === "trial calls running" });
  const rateRule = (label, found, limit) => {
    const hasEnoughCalls = window.calls >= settings.minimum_calls;
    const text = found === null ? `limit ${percent(limit)}` : `${percent(found)}, limit ${percent(limit)}`;
    const missing = hasEnoughCalls ? "" : `; ${count(window.calls)} of ${count(settings.minimum_calls)} calls`;
    rules.push({ label, text: text + missing, value: found ?? 0, limit });
  };
  if (state === "closed") {
    const limit = settings.consecutive_failures ?? (window ? null : settings.failure_threshold);
    if (limit !== null) countRule("consecutive failures", consecutive_failures, limit);
    if (window && settings.failure_threshold !== null) countRule("failures in the window", window.failures, settings.failure_threshold);
    if (window && settings.failure_rate !== null) rateRule("failure rate", window.failure_rate, settings.failure_rate);
    if (window && settings.slow_call_rate !== null) rateRule("slow calls", window.slow_call_rate, settings.slow_call_rate);
  }
  // All trial slots are usually in use, so this meter does not warn.
  if (state === "half_open") countRule("trial calls running", trials_in_flight, settings.half_open_max_calls);
  if (calls_in_flight !== null && settings.max_concurrent !== null) countRule("calls running", calls_in_flight, settings.max_concurrent);
  return rules;
}

function figures({ totals, durations, opened, shadow_rejections, waived_rejections, queue }) {
  const figures = [];
  if (durations?.count) {
    for (const quantile of ["p50", "p95", "p99"]) figures.push([quantile, shortTime(durations[quantile])]);
  }
  const reasons = Object.entries(totals.rejections).filter(([, calls]) => calls > 0);
  if (totals.rejected) {
    const byReason = reasons.map(([reason, calls]) => `${reason.replace("_", " ")} ${count(calls)}`).join(", ");
    figures.push(["rejected", `${count(totals.rejected)} (${byReason})`]);
  }
  const { successes, failures } = totals.fallbacks;
  if (successes + failures) {
    const failed = failures ? ` (${count(failures)} failed)` : "";
    figures.push(["fallbacks", count(successes + failures) + failed]);
  }
  if (queue) figures.push(["queued for later", `${count(queue.length)} of ${count(queue.capacity)}`]);
  if (shadow_rejections) figures.push(["shadow rejections", count(shadow_rejections)]);
  if (waived_rejections) figures.push(["waived rejections", count(waived_rejections)]);
  if (totals.timeouts) figures.push(["timed out", count(totals.timeouts)]);
  if (totals.injected) figures.push(["failed by drills", count(totals.injected)]);
  if (totals.delayed) figures.push(["delayed by drills", count(totals.delayed)]);
  if (opened) figures.push(["opened", opened === 1 ? "once" : `${count(opened)} times`]);
  return figures;
}

function ruleRow() {
  return make("div", { className: "rule" }, make("span"), make("span"), make("div", { className: "meter" }, make("i"), make("u")));
}

function paintRule(row, { label, text, value, limit, calm }) {
  const [name, found, meter] = row.children;
  setText(name, label);
  setText(found, text);
  setData(meter, "level", calm || value < limit / 2 ? "low" : value < limit ? "near" : "reached");
  for (const [property, share] of [["--value", value], ["--limit", limit]]) {
    const width = `${Math.round(Math.min(1, share) * 100)}%`;
    if (meter.style.getPropertyValue(property) !== width) meter.style.setProperty(property, width);
  }
}

function figureRow() {
  return make("div", {}, make("dt"), make("dd"));
}

function paintFigure(row, [label, value]) {
  setText(row.firstChild, label);
  setText(row.lastChild, value);
}

function changes({ data, transitionsAt }) {
  if (!data.transitions.length) return [make("h3", {}, "Last transitions"), make("p", {}, "none so far")];
  const rows = data.transitions.map(change => {
    const to = make("b", {}, STATES[change.to]);
    to.dataset.state = change.to;
    const key = data.keys ? `${keyName(change.key)}: ` : "";
    return make("li", {}, `${key}${STATES[change.from]} → `, to, " ", since(transitionsAt - change.ago), make("small", {}, transitionText(change)));
  });
  return [make("h3", {}, "Last transitions"), make("ol", { className: "changes" }, ...rows)];
}

// Returns an element that shows the time since then.
function since(then) {
  const element = make("time");
  element.since = then;
  return element;
}

function keys({ keys }) {
  if (!keys) return [];
  const head = make("tr", {}, ...["key", "state", "failed", "rejected"].map(name => make("th", {}, name)));
  const rows = keys.worst.map(({ key, state, totals, waives }) => {
    const label = make("b", {}, waives ? `${STATES[state]}, admits calls (max_open)` : STATES[state]);
    label.dataset.state = state;
    const cells = [keyName(key), label, count(failedCalls(totals)), count(totals.rejected)];
    return make("tr", {}, ...cells.map(cell => make("td", {}, cell)));
  });
  const title = keys.count > rows.length ? `The worst ${rows.length} of ${count(keys.count)} keys` : "Keys";
  const states = Object.entries(keys.states).filter(([, circuits]) => circuits > 0);
  const counts = states.map(([state, circuits]) => `${count(circuits)} ${STATES[state]}`).join(", ");
  return [make("h3", {}, title), make("p", {}, counts), make("table", { className: "keys" }, head, ...rows)];
}

function settingsChanges({ data, settingsAt }) {
  const rows = data.settings_changes.map(({ ago, key, settings }) => {
    const changed = Object.entries(settings).map(([name, { from, to, source }]) => {
      const at = source.kind === "default" ? "" : ` (${source.at})`;
      return `${name} ${from ?? "off"} → ${to ?? "off"}${at}`;
    });
    return make("li", {}, `${key === null ? "" : `${keyName(key)}: `}${changed.join(", ")} `, since(settingsAt - ago));
  });
  return rows.length ? [make("h3", {}, "Last settings"), make("ol", { className: "changes" }, ...rows)] : [];
}

function settings(circuit) {
  const { settings, sources, totals } = circuit.data;
  const list = make("dl", { className: "settings" });
  for (const [name, value] of Object.entries(settings)) {
    // Both kinds of window are one setting.
    const source = sources[name.startsWith("window_") ? "window" : name];
    const at = source ? [" ", make("small", { title: source.kind }, source.at)] : [];
    if (value !== null) list.append(make("dt", {}, name), make("dd", {}, String(value), ...at));
  }
  const counts = `${count(totals.successes)} succeeded, ${count(totals.failures)} failed, ${count(totals.timeouts)} timed out, `
    + `${count(totals.injected)} failed by drills, ${count(totals.ignored)} ignored, ${count(totals.rejected)} rejected`;
  return [make("h3", {}, "Totals"), make("p", {}, counts), ...settingsChanges(circuit), make("h3", {}, "Settings"), list];
}
