"use strict";
// The dashboard. The stream updates `circuits`; once a second, the page paints the cards that are visible.
// Names, keys and error texts are data: they become text nodes, never markup.
//
// model.js: the circuits and their calls per second. card.js: a card per circuit. card_text.js: the texts of a card.
// controls.js: commands and tokens. dom.js: helpers. stream.js: the stream. page.js: the bar and the order of the cards.

const BASE = location.pathname.replace(/\/?$/, "/");
const SECONDS = 60;
const RESULTS = ["ok", "bad", "warn", "off"];
const STATES = {
  open: "open", forced_open: "forced open", half_open: "half-open", disabled: "disabled", closed: "closed",
  uncalled: "never called",
};
const RANKS = { open: 0, forced_open: 0, half_open: 1, disabled: 2, closed: 3, uncalled: 4 };
const COMMANDS = {
  "force-open": "Force open", "force-close": "Force close", disable: "Disable", release: "Release", reset: "Reset",
};

const byId = id => document.getElementById(id);
const circuits = new Map();
let lastEventAt = -Infinity;
let isShuttingDown = false;
let needsToken = false;
// The text of the last response that was an error instead of a stream.
let refusal = null;
let controls = false;
// The fleet of this process, or null if it belongs to none.
let fleet = null;
// How the configuration was loaded, or null if nothing has loaded one, and the time to which its times are relative.
let config = null;
let configAt = 0;
let stateFilter = null;
let isSorted = true;
let isPaintScheduled = false;

function now() {
  return performance.now() / 1000;
}

class Circuit {
  constructor(name) {
    this.name = name;
    this.data = null;
    // The times to which the times in `data` in its transitions and in the changes of its settings are relative.
    this.updatedAt = 0;
    this.transitionsAt = 0;
    this.settingsAt = 0;
    this.createdAt = now();
    this.second = Math.floor(now());
    this.history = new Uint32Array(SECONDS * RESULTS.length);
    this.card = new Card(this);
  }

  // `age` is the age of the changes in seconds. Only if they are recent do their calls belong to the current second.
  update(changes, age, isRecent) {
    const before = this.data;
    this.data = { ...before, ...changes };
    this.updatedAt = now() - age;
    if (changes.transitions) this.transitionsAt = this.updatedAt;
    if (changes.settings) this.settingsAt = this.updatedAt;
    if (before && isRecent) this.count(callsByResult(before.totals), callsByResult(changes.totals));
    if (!before || rank(before) !== rank(this.data)) isSorted = false;
  }

  count(before, after) {
    this.clearPassedSeconds();
    const slot = (this.second % SECONDS) * RESULTS.length;
    for (let i = 0; i < RESULTS.length; i++) this.history[slot + i] += Math.max(0, after[i] - before[i]);
  }

  // Clears the slots of the seconds that have passed since the last update.
  clearPassedSeconds() {
    const second = Math.floor(now());
    for (let s = Math.max(this.second + 1, second - SECONDS + 1); s <= second; s++) {
      const slot = (s % SECONDS) * RESULTS.length;
      this.history.fill(0, slot, slot + RESULTS.length);
    }
    this.second = second;
  }

  // Returns the calls by result, `ago` seconds ago.
  callsAt(ago) {
    const slot = ((this.second - ago + SECONDS) % SECONDS) * RESULTS.length;
    return this.history.subarray(slot, slot + RESULTS.length);
  }

  // Returns the calls per second and their failure ratio, over the last ten complete seconds.
  recentCalls() {
    const seconds = Math.min(10, Math.max(1, Math.floor(now() - this.createdAt)));
    let [calls, successes, failures] = [0, 0, 0];
    for (let s = 1; s <= seconds; s++) {
      const counts = this.callsAt(s);
      for (const count of counts) calls += count;
      successes += counts[0];
      failures += counts[1];
    }
    return { rate: calls / seconds, ratio: successes + failures ? failures / (successes + failures) : null };
  }

  secondsSinceUpdate() {
    return now() - this.updatedAt;
  }
}

function callsByResult(totals) {
  return [totals.successes, failedCalls(totals), totals.rejected, totals.ignored];
}

// Returns the number of calls that the thresholds count as failures.
function failedCalls({ failures, timeouts, injected }) {
  return failures + timeouts + injected;
}

function rank(data) {
  const hasFailures = data.consecutive_failures > 0 || data.window?.failures > 0;
  return RANKS[data.state] * 2 + (hasFailures ? 0 : 1);
}
