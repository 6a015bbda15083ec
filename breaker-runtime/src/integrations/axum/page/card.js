// The card of one circuit.

const visibility = new IntersectionObserver(entries => {
  for (const { target, isIntersecting } of entries) {
    target.card.isVisible = isIntersecting;
    if (isIntersecting) target.card.paint();
  }
}, { rootMargin: "200px" });

class Card {
  constructor(circuit) {
    this.circuit = circuit;
    this.isVisible = false;
    this.root = byId("card").content.firstElementChild.cloneNode(true);
    this.root.card = this;
    this.parts = {};
    for (const part of ["pulse", "name", "tags", "state", "since", "next", "why", "fleet", "spark", "peak", "rules", "figures", "more"]) {
      this.parts[part] = this.root.querySelector(`.${part}`);
    }
    this.parts.rate = this.root.querySelector(".rate b");
    this.parts.circle = this.root.querySelector("circle");
    this.details = this.root.querySelector("details");
    this.details.addEventListener("toggle", () => this.paintMore());
    setText(this.parts.name, circuit.name);
    this.parts.name.title = visible(circuit.name);
    this.root.setAttribute("aria-label", visible(circuit.name));
    visibility.observe(this.root);
  }

  remove() {
    visibility.unobserve(this.root);
    this.root.remove();
  }

  paint() {
    const { circuit, parts } = this;
    const { data } = circuit;
    circuit.clearPassedSeconds();
    setData(this.root, "state", data.state);
    setText(parts.state, STATES[data.state]);
    setText(parts.since, data.state === "uncalled" ? "" : `for ${time(data.time_in_state + circuit.secondsSinceUpdate())}`);
    setText(parts.tags, tags(circuit));
    setData(this.root, "drill", drillSeconds(circuit) > 0 ? "running" : "none");
    setText(parts.next, statusText(circuit));
    setText(parts.why, reasonText(circuit));
    setText(parts.fleet, fleetText(circuit));
    this.paintPulse();
    this.paintSpark();
    renderRows(parts.rules, rules(data), ruleRow, paintRule);
    renderRows(parts.figures, figures(data), figureRow, paintFigure);
    this.paintMore();
  }

  paintPulse() {
    const { parts } = this;
    const { rate, ratio } = this.circuit.recentCalls();
    setText(parts.rate, rate === 0 ? "0" : rate < 10 ? rate.toFixed(1) : count(Math.round(rate)));
    const radius = (6 + 17 * Math.min(1, Math.log10(1 + rate) / 2.5)).toFixed(1);
    if (parts.circle.getAttribute("r") !== radius) parts.circle.setAttribute("r", radius);
    const fill = ratio === null ? "" : failureColor(ratio);
    if (this.fill !== fill) parts.circle.style.fill = this.fill = fill;
  }

  paintSpark() {
    const { circuit, parts } = this;
    let peak = 0;
    for (let s = 0; s < SECONDS; s++) peak = Math.max(peak, circuit.callsAt(s).reduce((sum, calls) => sum + calls, 0));
    const paths = RESULTS.map(() => "");
    for (let s = 1; s < SECONDS && peak; s++) {
      let top = 20;
      circuit.callsAt(s).forEach((calls, result) => {
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
    setText(parts.peak, peak ? `${count(peak)}/s` : "");
    const label = `calls in the last minute, at most ${peak} per second`;
    if (parts.spark.getAttribute("aria-label") !== label) parts.spark.setAttribute("aria-label", label);
  }

  // Paints the details while they are open, and builds them again only when the data has changed.
  paintMore() {
    const { circuit, parts } = this;
    if (!this.details.open) {
      parts.more.replaceChildren();
      this.shown = null;
      return;
    }
    if (!parts.more.firstChild) {
      parts.more.append(make("div"), make("div"), make("div"));
      if (circuit.data.state !== "uncalled") watchCandidates(circuit, parts.more.lastChild);
    }
    const [bar, details] = parts.more.children;
    if (controls && !bar.firstChild && circuit.data.keys?.count !== 0) bar.append(...controlBar(circuit));
    if (this.shown !== circuit.data) {
      this.shown = circuit.data;
      details.replaceChildren(...changes(circuit), ...keys(circuit.data), ...settings(circuit));
    }
    for (const element of details.querySelectorAll("time")) {
      setText(element, `${time(now() - element.since)} ago`);
    }
  }
}
