// The candidates of a circuit: what other settings would have done, and the buttons that promote one.

// Shows the candidates in `element`, and reads them every five seconds until it is removed.
async function watchCandidates(circuit, element) {
  const [table, buttons] = [make("div"), make("div")];
  element.append(table, buttons);
  let shown = "";
  let names = "";
  while (element.isConnected) {
    const text = await readCandidates(circuit.name);
    if (text !== null && text !== shown) {
      shown = text;
      const { candidates } = JSON.parse(text);
      table.replaceChildren(...comparison(candidates));
      // Buttons that are being confirmed stay.
      const all = JSON.stringify(candidates.map(({ candidate }) => candidate));
      if (controls && all !== names) buttons.replaceChildren(...promotions(circuit, candidates));
      names = all;
    }
    await new Promise(done => setTimeout(done, 5000));
  }
}

// Returns the candidates as JSON text, or null if they cannot be read.
async function readCandidates(name) {
  const token = readToken();
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const response = await fetch(`${BASE}circuits/${encodeURIComponent(name)}/candidates`, { headers }).catch(() => null);
  return response?.ok ? response.text().catch(() => null) : null;
}

function comparison(candidates) {
  if (!candidates.length) return [];
  const head = ["settings", "state", "opened", "open for", "rejected", "failures spared", "successes lost"];
  const row = (name, { state, opened, time_open, rejected }, spared, lost) => {
    const label = make("b", {}, STATES[state]);
    label.dataset.state = state;
    const cells = [name, label, count(opened), time(time_open), count(rejected), spared, lost];
    return make("tr", {}, ...cells.map(cell => make("td", {}, cell)));
  };
  const parts = [make("h3", {}, "Candidates")];
  for (const report of candidates) {
    const { candidate, running_for, successes, failures, unseen, settings, live, shadow } = report;
    const differences = settings.map(({ setting, live, shadow }) => `${setting} ${live ?? "off"} → ${shadow ?? "off"}`).join(", ");
    const calls = `${count(successes)} successes and ${count(failures)} failures in ${time(running_for)}; ${count(unseen)} calls that the live circuit rejected are unknown`;
    const lines = [
      row("live", live, "", ""),
      row(candidate, shadow, count(report.spared_failures), count(report.lost_successes)),
    ];
    const titles = make("tr", {}, ...head.map(name => make("th", {}, name)));
    parts.push(make("p", {}, `${candidate}: ${differences}`), make("p", {}, calls), make("table", { className: "keys" }, titles, ...lines));
  }
  return parts;
}

function promotions(circuit, candidates) {
  if (!candidates.length) return [];
  const path = `circuits/${encodeURIComponent(circuit.name)}/promote?candidate=`;
  const run = name => send(path + encodeURIComponent(name), body => circuit.update(body, 0, true));
  return commandButtons(run, Object.fromEntries(candidates.map(({ candidate }) => [candidate, `Promote ${visible(candidate)}`])));
}
