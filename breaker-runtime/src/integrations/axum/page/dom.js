// Helpers for the DOM and for formatting.

function make(tag, properties = {}, ...children) {
  const { role, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  if (role) element.setAttribute("role", role);
  element.append(...children.map(child => typeof child === "string" ? visible(child) : child));
  return element;
}

// Characters that a reader cannot see, or that would change the order of the text. They are shown as escapes.
const HIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\ufff9-\ufffb]/gu;

function visible(text) {
  return String(text).replace(HIDDEN, hidden => `\\u{${hidden.codePointAt(0).toString(16)}}`);
}

// Writes the text only if it differs, which spares the browser a layout.
function setText(element, text) {
  const value = visible(text);
  if (element.textContent !== value) element.textContent = value;
}

function setData(element, key, value) {
  if (element.dataset[key] !== value) element.dataset[key] = value;
}

// Adds or removes rows until there is one per item, and paints each.
function renderRows(list, items, createRow, paintRow) {
  while (list.children.length > items.length) list.lastElementChild.remove();
  while (list.children.length < items.length) list.append(createRow());
  items.forEach((item, index) => paintRow(list.children[index], item));
}

// Returns a color from "ok" over "warn", at a ratio of one third, to "bad".
function failureColor(ratio) {
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

function shortTime(seconds) {
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
