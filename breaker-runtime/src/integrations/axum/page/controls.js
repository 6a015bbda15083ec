// Commands and tokens: the buttons of a card, those of all circuits, and the dialogs for name and token.

function controlBar(circuit) {
  const path = `circuits/${encodeURIComponent(circuit.name)}`;
  const update = body => circuit.update(body, 0, true);
  const run = command => send(`${path}/${command}`, update);
  const bar = [make("h3", {}, circuit.data.keys ? "Controls for all keys" : "Controls"), ...commandButtons(run)];
  // A command to the whole fleet applies to one circuit.
  if (!circuit.data.fleet || circuit.data.keys) return bar;
  const why = make("input", { className: "fleet-why", maxLength: 200, placeholder: "Reason", autocomplete: "off" });
  why.setAttribute("aria-label", "Reason of a command to the fleet");
  const runForFleet = command => send(`${path}/${command}?scope=fleet&why=${encodeURIComponent(why.value)}`, update);
  const { reset, ...commands } = COMMANDS;
  const buttons = commandButtons(runForFleet, commands);
  return [...bar, make("h3", {}, "Controls for the whole fleet"), why, ...buttons];
}

// Returns a button for each command, and the text of the last result.
function commandButtons(run, commands = COMMANDS) {
  const result = make("p", { className: "result", role: "status" });
  const buttons = Object.entries(commands).map(([command, label]) => {
    const button = make("button", { type: "button" }, label);
    button.dataset.command = command;
    const unconfirm = () => {
      button.classList.remove("confirm");
      setText(button, label);
    };
    button.addEventListener("blur", unconfirm);
    button.addEventListener("click", () => {
      if (!credentials()) return byId("operator").showModal();
      if (!button.classList.contains("confirm")) {
        button.classList.add("confirm");
        return setText(button, `${label}: confirm`);
      }
      unconfirm();
      run(command).then(text => setText(result, text));
    });
    return button;
  });
  return [make("div", { className: "controls" }, ...buttons), result];
}

// Sends a command, and passes the circuits in the response to `update`.
async function send(path, update) {
  const { name, token } = credentials();
  const headers = { Authorization: `Bearer ${token}`, "X-Breaker-Operator": encodeURIComponent(name) };
  try {
    const response = await fetch(BASE + path, { method: "POST", headers });
    const body = await response.json();
    if (!response.ok) return `rejected (${response.status}): ${body.error}`;
    update(body);
    paintSoon();
    return "done";
  } catch {
    return "the server did not respond";
  }
}

function credentials() {
  const name = stored("breaker-operator");
  const token = stored("breaker-token");
  return name && token ? { name, token } : null;
}

// Returns the token for reading. The token for commands permits reading too.
function readToken() {
  return stored("breaker-read-token") ?? stored("breaker-token");
}

// Shows the dialog for the token, and waits until a token was entered.
function askForToken() {
  store("breaker-read-token", null);
  needsToken = true;
  paintSoon();
  if (!byId("reader").open) byId("reader").showModal();
  return new Promise(done => addEventListener("breaker-token", done, { once: true }));
}

// Without storage, tokens last until the page is left.
const unstored = new Map();

function stored(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return unstored.get(key) ?? null;
  }
}

function store(key, value) {
  try {
    if (value === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, value);
  } catch {
    unstored.set(key, value);
  }
}

byId("operator-open").addEventListener("click", () => {
  byId("operator-name").value = stored("breaker-operator") ?? "";
  byId("operator").showModal();
});
byId("operator").addEventListener("close", () => {
  if (byId("operator").returnValue === "keep") {
    store("breaker-operator", byId("operator-name").value);
    store("breaker-token", byId("operator-token").value);
    dispatchEvent(new Event("breaker-token"));
  }
  byId("operator").returnValue = "";
  byId("operator-token").value = "";
});
byId("operator-forget").addEventListener("click", () => {
  store("breaker-operator", null);
  store("breaker-token", null);
  byId("operator").close();
});

byId("reader-open").addEventListener("click", () => byId("reader").showModal());
byId("reader").addEventListener("close", () => {
  if (byId("reader").returnValue === "keep") {
    store("breaker-read-token", byId("reader-token").value);
    dispatchEvent(new Event("breaker-token"));
  }
  byId("reader").returnValue = "";
  byId("reader-token").value = "";
});

byId("all-open").addEventListener("click", () => {
  const run = command => send(`circuits/${command}`, body => receive(body.circuits, 0));
  byId("all-commands").replaceChildren(...commandButtons(run));
  byId("all").showModal();
});
byId("all").addEventListener("close", () => byId("all-commands").replaceChildren());
