// A network layer by layer; what is active at the witness is lit.
function drawLayers(box, { layers, lines }, pattern, captions) {
  const top = 14, high = Math.max(110, Math.min(300, 34 * Math.max(...layers))), parts = [], label = (t, at) => { const n = svg("text", at); n.textContent = t; parts.push(n); };
  const x = (k) => 36 + (k * 528) / (layers.length - 1);
  const y = (k, j) => top + high / 2 + (j - (layers[k] - 1) / 2) * Math.min(34, high / layers[k]);
  const lit = (k, j) => pattern && (k === 0 || k === layers.length - 1 || pattern[k - 1][j] === "1");
  if (lines) {
    const drawn = lines.map(([k, j, i, sign]) => {
      const on = lit(k, j) && lit(k + 1, i);
      return [on, svg("line", { x1: x(k), y1: y(k, j), x2: x(k + 1), y2: y(k + 1, i), stroke: on ? "var(--on)" : "var(--dim)",
        "stroke-width": on ? 1.6 : 0.8, opacity: on ? 0.9 : pattern ? 0.3 : 0.6, "stroke-dasharray": sign < 0 ? "5 4" : "none" })];
    });
    parts.push(...drawn.filter(([on]) => !on).map(([, line]) => line), ...drawn.filter(([on]) => on).map(([, line]) => line));
  } else {
    for (let k = 0; k + 1 < layers.length; k++) {
      const span = (l) => [y(l, 0), y(l, layers[l] - 1)];
      const [a, b] = span(k), [c, d] = span(k + 1);
      parts.push(svg("polygon", { points: `${x(k)},${a} ${x(k + 1)},${c} ${x(k + 1)},${d} ${x(k)},${b}`, fill: "var(--dim)", opacity: 0.25 }));
    }
  }
  layers.forEach((n, k) => {
    const r = Math.min(9, (0.42 * high) / n), inside = k > 0 && k < layers.length - 1;
    for (let j = 0; j < n; j++) {
      const on = inside && lit(k, j);
      parts.push(svg("circle", { cx: x(k), cy: y(k, j), r, class: "neuron" + (on ? " lit" : ""), fill: on ? "var(--on)" : "var(--bg)", stroke: "var(--ink)", "stroke-width": r > 4 ? 1.5 : 0.7 }));
    }
    const at = { x: x(k), "text-anchor": k === 0 ? "start" : k === layers.length - 1 ? "end" : "middle" };
    if (k === 0) at.x -= 30;
    if (k === layers.length - 1) at.x += 30;
    label(String(n), { ...at, y: top + high + 28, "font-weight": 700 });
    captions[k].split("\n").forEach((line, row) => label(line, { ...at, y: top + high + 48 + 18 * row }));
  });
  box.setAttribute("viewBox", `0 0 600 ${top + high + 48 + 18 * Math.max(...captions.map((c) => c.split("\n").length))}`);
  box.replaceChildren(...parts);
}

// What is proved of a constant, on a line: zones say what a value there would mean, marks what values are possible.
function drawInterval(box, { lower, upper, most, zones = [], marks = [], value, settled }) {
  const parts = [], label = (t, at) => { const n = svg("text", at); n.textContent = t; parts.push(n); };
  const x = (v) => 20 + (556 * Math.min(v, most)) / most;
  for (const [from, to, text, colour] of zones) {
    parts.push(svg("rect", { x: x(from), y: 4, width: x(to) - x(from), height: 62, fill: colour, opacity: 0.16 }));
    label(text, { x: (x(from) + x(to)) / 2, y: 22, "text-anchor": "middle" });
  }
  parts.push(svg("line", { x1: 20, x2: 580, y1: 66, y2: 66, stroke: "var(--ink)" }));
  for (const [v, text, thick] of marks) {
    parts.push(svg("line", { x1: x(v), x2: x(v), y1: thick ? 4 : 60, y2: 72, stroke: "var(--ink)", "stroke-width": thick ? 2 : 1 }));
    if (text) label(text, { x: x(v), y: 88, "text-anchor": "middle" });
  }
  if (settled) {
    parts.push(svg("circle", { cx: x(value), cy: 46, r: 9, fill: "var(--cut)", stroke: "var(--ink)", "stroke-width": 1.5, class: "value" }));
  } else {
    const over = upper === null || upper > most, end = over ? 582 : x(upper);
    parts.push(svg("rect", { x: x(lower), y: 40, width: Math.max(3, end - x(lower)), height: 12, fill: "var(--on)", class: "interval" }));
    if (over) parts.push(svg("polygon", { points: "580,34 598,46 580,58", fill: "var(--on)" }));
  }
  box.replaceChildren(...parts);
}
