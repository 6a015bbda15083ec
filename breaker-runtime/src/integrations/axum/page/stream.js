// The stream. It is read with fetch, because EventSource cannot send the token.

let lastEventId = null;

function listen() {
  const again = wait => setTimeout(listen, wait);
  readStream().then(again, error => {
    again(2000);
    throw error;
  });
}

// Reads one stream to its end, and returns the time until the next one in milliseconds.
async function readStream() {
  const headers = {};
  const token = readToken();
  if (token) headers.Authorization = `Bearer ${token}`;
  if (lastEventId) headers["Last-Event-ID"] = lastEventId;
  const response = await fetch(BASE + "circuits/stream", { headers }).catch(() => null);
  if (response?.status === 401) {
    await askForToken();
    return 0;
  }
  refusal = response && !response.ok ? await refusalText(response) : null;
  if (!response?.ok) {
    paintSoon();
    return 2000;
  }
  needsToken = false;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read().catch(() => ({ done: true }));
    if (done) return 500;
    let start = Math.max(0, text.length - 1);
    text += value;
    for (let end; (end = text.indexOf("\n\n", start)) >= 0; start = 0) {
      receiveEvent(text.slice(0, end));
      text = text.slice(end + 2);
    }
  }
}

// Returns the status and the text of an error, which may come from a proxy.
async function refusalText(response) {
  const error = await response.json().then(body => body.error, () => null);
  return `refused (${response.status})${error ? `: ${error}` : ""}`;
}

function receiveEvent(text) {
  const fields = {};
  for (const line of text.split("\n")) {
    const colon = line.indexOf(": ");
    fields[line.slice(0, colon)] = line.slice(colon + 2);
  }
  lastEventId = fields.id ?? lastEventId;
  const data = JSON.parse(fields.data);
  isShuttingDown = fields.event === "shutdown";
  if (!isShuttingDown) {
    fleet = data.fleet ?? null;
    // A delta has it only if a configuration was loaded.
    if (data.config || fields.event === "snapshot") {
      config = data.config ?? null;
      configAt = now() - (data.age ?? 0);
    }
  }
  if (fields.event === "snapshot") receiveSnapshot(data);
  if (fields.event === "delta") receive(data.circuits, 0);
  paintSoon();
}

function receiveSnapshot({ age, circuits: all, controls: acceptsCommands }) {
  const names = new Set(all.map(changes => changes.name));
  for (const circuit of circuits.values()) if (!names.has(circuit.name)) remove(circuit);
  controls = acceptsCommands;
  byId("operator-open").hidden = byId("all-open").hidden = !controls;
  receive(all, age);
}
