// A matrix A that a visitor types, and the values of s ↦ ‖Aᵀs‖² on the cube.
const MATRICES = {
  "two variables": () => ({ matrix: [[3, 0], [-2, 1]] }),
  "three variables": () => ({ matrix: [[2, -1], [-1, 2], [1, 1]] }),
  "max-cut of a triangle": () => ({ matrix: [[1, 0, -1], [-1, 1, 0], [0, -1, 1]] }),
  "random, 6": (chance) => ({ matrix: Array.from({ length: 6 }, () => Array.from({ length: 4 }, () => Math.floor(chance() * 9) - 4)) }),
};

function matrixEditor({ box, changed }) {
  let { matrix } = MATRICES["two variables"]();
  const altered = () => { draw(); changed(); };
  const put = (given) => { matrix = given.matrix.map((row) => [...row]); altered(); };
  const whole = (text) => (/^[-−+]?[0-9]{1,9}$/.test(text.trim()) ? Number(text.trim().replace("−", "-")) : text.trim().slice(0, 40));
  function draw() {
    box.replaceChildren(html("table", { class: "matrix", "data-testid": "matrix" }, html("tbody", {}, ...matrix.map((row, i) => html("tr", {},
      html("th", { scope: "row" }, `s${"₁₂₃₄₅₆₇₈₉"[i] ?? ""}`),
      ...row.map((x, j) => {
        const entry = html("input", { type: "text", inputmode: "numeric", size: "3", autocomplete: "off", "aria-label": `row ${i + 1}, column ${j + 1}`, "data-testid": `entry-${i + 1}-${j + 1}`,
          onchange: (event) => { matrix[i][j] = whole(event.target.value); changed(); } });
        entry.value = String(x);
        return html("td", {}, entry);
      }))))));
  }
  const grow = html("button", { type: "button", "data-testid": "add-row", onclick: () => { matrix.push(matrix[0].map(() => 1)); altered(); } }, "Add row");
  const widen = html("button", { type: "button", onclick: () => { matrix.forEach((row) => row.push(0)); altered(); } }, "Add column");
  draw();
  return {
    put, presets: MATRICES, file: "matrix.txt",
    lay: put,
    request: () => ({ matrix }),
    asText: () => matrix.map((row) => row.join(" ")).join("\n"),
    asFile: () => matrix.map((row) => row.join(" ")).join("\n"),
    inAddress: () => matrix.map((row) => row.join(",")).join(";"),
    fromAddress: (given) => given.replaceAll(";", "\n"),
    show: () => {},
    buttons: () => [grow, html("button", { type: "button", onclick: () => { if (matrix.length > 1) { matrix.pop(); altered(); } } }, "Remove row"),
      widen, html("button", { type: "button", onclick: () => { if (matrix[0].length > 1) { matrix.forEach((row) => row.pop()); altered(); } } }, "Remove column")],
  };
}

// The cube's vertices: a square with level lines for two variables, else all values side by side, the largest first.
function drawCorners(box, { form, corners }, found) {
  const parts = [], label = (t, at) => { const n = svg("text", at); n.textContent = t; parts.push(n); };
  const most = Math.max(1, corners[0][1]);
  const titled = (shape, text) => { const title = svg("title"); title.textContent = text; shape.append(title); return shape; };
  if (form.length === 2) {
    const x = (a) => 150 + 300 * a, y = (b) => 350 - 300 * b, [[a, b], [, c]] = form;
    parts.push(svg("clipPath", { id: "lv-square" }, svg("rect", { x: x(0), y: y(1), width: 300, height: 300 })));
    parts.push(svg("rect", { x: x(0), y: y(1), width: 300, height: 300, fill: "none", stroke: "var(--ink)" }));
    for (let k = 1; k <= 12; k++) {
      const points = Array.from({ length: 181 }, (_, t) => {
        const u = Math.cos((t * Math.PI) / 360), v = Math.sin((t * Math.PI) / 360), q = a * u * u + 2 * b * u * v + c * v * v;
        const r = Math.min(9, Math.sqrt((most * k) / 12 / Math.max(q, 1e-9)));
        return `${x(r * u)},${y(r * v)}`;
      });
      parts.push(svg("polyline", { points: points.join(" "), fill: "none", stroke: "var(--on)", opacity: 0.25 + 0.06 * k, "stroke-width": 1.5, "clip-path": "url(#lv-square)" }));
    }
    for (const [bits, value] of corners) {
      const [s, t] = [...bits].map(Number), best = bits === found;
      parts.push(titled(svg("circle", { cx: x(s), cy: y(t), r: best ? 13 : 8, fill: best ? "var(--cut)" : "var(--bg)", stroke: "var(--ink)", "stroke-width": 2, class: best ? "corner best" : "corner" }), `s = (${s}, ${t}): ${value}`));
      label(`(${s}, ${t}): ${value}`, { x: x(s) + (s ? 22 : -22), y: y(t) + 5, "text-anchor": s ? "start" : "end", "font-weight": best ? 700 : 400 });
    }
    box.setAttribute("viewBox", "0 0 600 400");
  } else {
    const wide = 560 / corners.length, named = corners.length <= 16;
    corners.forEach(([bits, value], k) => {
      const high = (200 * value) / most, best = bits === found;
      parts.push(titled(svg("rect", { x: 20 + k * wide + wide * 0.08, y: 232 - high, width: wide * 0.84, height: high + 2, fill: best ? "var(--cut)" : "var(--on)", opacity: best ? 1 : 0.55, class: best ? "corner best" : "corner" }), `s = ${bits}: ${value}`));
      const middle = 20 + (k + 0.5) * wide;
      if (named) {
        label(String(value), { x: middle, y: 226 - high, "text-anchor": "middle", class: "small" });
        label(bits, corners.length <= 8 ? { x: middle, y: 252, "text-anchor": "middle" } : { transform: `translate(${middle + 4} 242) rotate(90)`, class: "small" });
      } else if (best) label(`s = ${bits}: ${value}`, { x: middle, y: 20, "text-anchor": k < corners.length / 2 ? "start" : "end", "font-weight": 700 });
    });
    box.setAttribute("viewBox", `0 0 600 ${named ? (corners.length <= 8 ? 264 : 300) : 244}`);
  }
  box.replaceChildren(...parts);
}
