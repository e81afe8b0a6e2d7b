// One-sided bounds on one axis, as multiples of the exact constant, and why each is where it is.
function drawBounds({ box, why, bounds, base, exact }) {
  const rows = bounds.slice().sort((a, b) => (b.value ?? Infinity) - (a.value ?? Infinity));
  const ratio = (v) => (base > 0 ? v / base : v === 0 ? 1 : Infinity);
  const most = Math.max(1.3, ...rows.map((r) => ratio(r.value ?? 1)).filter(Number.isFinite));
  const least = Math.min(0.9, ...rows.map((r) => ratio(r.value ?? 1)).filter((x) => x > 0));
  const x = (r) => 150 + (330 * Math.log(Math.min(most, Math.max(least, r)) / least)) / Math.log(most / least);
  const parts = [], label = (t, at) => { const n = svg("text", at); n.textContent = t; parts.push(n); };
  const height = 46 + 28 * rows.length;
  box.setAttribute("viewBox", `0 0 600 ${height}`);
  let free = 0; // where the next number has room
  const ticks = base > 0 ? [0.5, 0.8, 1, 1.2, 1.5, 2, 3, 5, 8, 12, 20, 50, 100, 200] : exact ? [1] : []; // no multiples of 0 or of nothing
  for (const t of ticks) {
    if (t < least || t > most) continue;
    parts.push(svg("line", { x1: x(t), y1: 20, x2: x(t), y2: height - 22, stroke: t === 1 ? "var(--ink)" : "var(--line)", "stroke-width": t === 1 ? 2 : 1 }));
    if (t !== 1 && (x(t) < free || Math.abs(x(t) - x(1)) < 28)) continue;
    free = x(t) + 28;
    label(String(t), { x: x(t), y: height - 6, "text-anchor": "middle", class: "small" });
  }
  if (ticks.length) label("exact", { x: x(1), y: 13, "text-anchor": "middle", class: "small" });
  rows.forEach((r, k) => {
    const y = 36 + 28 * k, at = ratio(r.value ?? Infinity), colour = RIGOR_COLOURS[r.rigor];
    const wrong = base > 0 && exact && (r.side === "upper" ? at < 1 - 1e-9 : at > 1 + 1e-9);
    label(r.name, { x: 140, y: y + 4, "text-anchor": "end" });
    parts.push(svg("line", { x1: x(1), y1: y, x2: x(at), y2: y, stroke: colour, "stroke-width": 3, "stroke-dasharray": r.rigor === "HEURISTIC" ? "3 3" : "none" }));
    const dot = svg("circle", { cx: x(at), cy: y, r: 7, fill: r.rigor === "HEURISTIC" ? "var(--bg)" : colour, stroke: colour, "stroke-width": 2.5 });
    dot.append(svg("title"));
    dot.firstChild.textContent = `${r.name}: ${r.side === "upper" ? "L ≤" : "L ≥"} ${r.text}. ${r.rigor}: ${r.meaning}. ${r.why}`;
    parts.push(dot);
    label(`${Number.isFinite(at) ? at.toFixed(4) : exact || r.value === null ? "∞" : `≤ ${Number(r.value.toPrecision(5))}`}${wrong ? " wrong side!" : ""}`, { x: 596, y: y + 4, "text-anchor": "end", class: "small" });
  });
  box.replaceChildren(...parts);
  why.replaceChildren(...rows.map((r) => html("tr", {},
    html("td", {}, r.name), html("td", { class: "num" }, `${r.side === "upper" ? "≤" : "≥"} ${r.text}`), html("td", {}, word(r.rigor.toLowerCase(), r.meaning)), html("td", {}, r.why))));
}
