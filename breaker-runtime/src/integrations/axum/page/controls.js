// Commands: the buttons of a card, and the dialog for name and token.

function controlBar(circuit) {
  const result = make("p", { className: "result", role: "status" });
  const buttons = Object.entries(COMMANDS).map(([command, label]) => {
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
      send(circuit, command).then(text => setText(result, text));
    });
    return button;
  });
  return [make("h3", {}, circuit.data.keys ? "Controls for all keys" : "Controls"), make("div", { className: "controls" }, ...buttons), result];
}

async function send(circuit, command) {
  const { name, token } = credentials();
  const headers = { Authorization: `Bearer ${token}`, "X-Breaker-Operator": encodeURIComponent(name) };
  try {
    const url = `${BASE}circuits/${encodeURIComponent(circuit.name)}/${command}`;
    const response = await fetch(url, { method: "POST", headers });
    const body = await response.json();
    if (!response.ok) return `rejected (${response.status}): ${body.error}`;
    circuit.update(body, 0, true);
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

function stored(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

byId("operator-open").addEventListener("click", () => {
  byId("operator-name").value = stored("breaker-operator") ?? "";
  byId("operator").showModal();
});
byId("operator").addEventListener("close", () => {
  if (byId("operator").returnValue === "keep") {
    sessionStorage.setItem("breaker-operator", byId("operator-name").value);
    sessionStorage.setItem("breaker-token", byId("operator-token").value);
  }
  byId("operator").returnValue = "";
  byId("operator-token").value = "";
});
byId("operator-forget").addEventListener("click", () => {
  sessionStorage.removeItem("breaker-operator");
  sessionStorage.removeItem("breaker-token");
  byId("operator").close();
});
