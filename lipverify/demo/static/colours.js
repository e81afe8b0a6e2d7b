// The fourth tab: few inputs do not help. Vertices with colours, the network with one input per colour, its regions.
const HUES = ["var(--on)", "var(--off)", "var(--cut)"], HUE_NAMES = ["blue", "yellow", "green"];
const MOST_VERTICES = 4;
const SAMPLES = {
  "two colours, a clique": { sizes: [3, 3], edges: [[[0, 0], [1, 1]], [[0, 2], [1, 2]]] },
  "two colours, none": { sizes: [2, 3], edges: [] },
  "three colours, a clique": { sizes: [2, 1, 2], edges: [[[0, 0], [1, 0]], [[1, 0], [2, 1]], [[0, 0], [2, 1]], [[0, 1], [2, 0]]] },
  "three colours, none": { sizes: [2, 1, 2], edges: [[[0, 0], [1, 0]], [[1, 0], [2, 1]], [[0, 1], [2, 1]]] },
};

function render({ model, el }) {
  const root = html("div", { class: "lv colours" });
  el.append(onTab("inputs", root, () => openColours(model, root)));
}

function openColours(model, root) {
  // A fixed text of our own: the only place where markup is parsed.
  root.innerHTML = `
  <h1>Few inputs do not help</h1>
  <p>With few inputs a network has few regions, so is its constant easy? No: choose one vertex of each colour, any two of them joined –
    a <button type="button" class="word" data-meaning="Vertices of which any two are joined. Here: one vertex of each colour.">clique</button>. That is a hard problem too, and it becomes a network with <b>one input per colour</b>:
    each input picks a vertex of its colour, and the slope is largest, L<sub>∞</sub> = <span data-testid="c-threshold">–</span> here, exactly where all picks fit together.</p>
  <div class="row" role="group" aria-label="Examples"><span class="soft">Examples:</span><span class="presets row"></span></div>
  <div class="grid">
    <section aria-label="The graph"><h2>The graph and its colours</h2>
      <svg class="columns" data-figure="graph" viewBox="0 0 600 330" data-testid="c-draw"></svg>
      <div class="row tools"></div>
      <p class="soft here-only">Click one vertex, then one of another colour, to join or part them. Keyboard: Tab and Enter.</p>
      <p class="error" role="alert" data-testid="c-error"></p></section>
    <section aria-label="The answer"><h2>The exact constant</h2>
      <p class="answer" data-testid="c-answer" aria-live="polite">–</p><p class="soft" data-testid="c-detail"></p>
      <h2>What exactness costs, input by input</h2>
      <svg class="cost" data-figure="cost" viewBox="0 0 600 240" role="img" aria-label="Seconds against inputs" data-testid="c-cost"></svg>
      <p class="soft">Two vertices a colour, enumerated here and now. With n neurons and d inputs there are about n<sup>d</sup> regions: polynomial for each d, but d is in the exponent,
        and nobody gets it out of there: the problem is <button type="button" class="word" data-meaning="Believed to have no algorithm that takes f(d) · n^c steps, with a c that does not depend on d.">W[1]-hard</button> (Froese, Grillo, Hertrich &amp; Stargalla 2025).</p></section>
    <section class="whole" aria-label="The regions" data-testid="c-regions"><h2>Its regions: two inputs, a plane</h2>
      <p>Vertical strips pick a blue vertex, horizontal strips a yellow one, slanted strips an edge. Where three strips meet lies a clique’s cell (★): small, but it has an area.</p>
      <svg class="plane" data-figure="regions" viewBox="0 0 ${SIDE} ${SIDE}" tabindex="0" role="application" data-testid="c-plane" aria-label="The regions. Arrow keys go to the neighbour, Home to the steepest region; plus and minus zoom."></svg>
      <p class="soft" data-testid="c-which"></p></section>
  </div>`;
  const $ = (query) => root.querySelector(query), say = (id, text) => { $(`[data-testid="${id}"]`).textContent = text; };
  let version = Date.now() % 1e9, sizes = [], edges = [], picked = null, found = null;
  const same = (a, b) => a[0] === b[0] && a[1] === b[1];
  const which = (k) => {
    const picture = model.get("picture");
    if (picture?.version !== version) return;
    const r = picture.regions[k ?? 0];
    say("c-which", `${k === null ? "The steepest region" : `Region ${k + 1} of ${picture.count}`}: slope (${r.jacobian[0].join(", ")}), so ‖∇f‖₁ = ${r.text}.`);
  };
  const plane = makePlane($(".plane"), which);
  const ask = () => {
    version += 1;
    found = null;
    say("c-error", ""); say("c-answer", "…"); say("c-detail", ""); say("c-which", "");
    $('[data-testid="c-regions"]').hidden = sizes.length !== 2;
    toAddress({ c: `${sizes.join(".")}_${edges.map((e) => e.map((v) => v.join(".")).join("-")).join(",")}` });
    model.set("request", { version, sizes, edges });
    model.save_changes();
    draw();
  };
  const place = ([c, v]) => [sizes.length === 1 ? 300 : 90 + (c * 420) / (sizes.length - 1), 165 + (v - (sizes[c] - 1) / 2) * 76];
  const name = ([c, v]) => `${HUE_NAMES[c]} ${v + 1}`;
  const pick = (at) => {
    if (picked === null || picked[0] === at[0]) picked = picked && same(picked, at) ? null : at;
    else {
      const [a, b] = [picked, at].sort((x, y) => x[0] - y[0]), k = edges.findIndex((e) => same(e[0], a) && same(e[1], b));
      if (k >= 0) edges.splice(k, 1); else edges.push([a, b]);
      picked = null;
      return ask();
    }
    draw();
  };
  function draw() {
    const inClique = (v) => found?.some((w) => same(v, w)), keep = root.getRootNode().activeElement?.dataset?.at;
    const lines = edges.map(([a, b]) => { const [p, q] = [place(a), place(b)]; return svg("line", { x1: p[0], y1: p[1], x2: q[0], y2: q[1], class: `e${inClique(a) && inClique(b) ? " cut" : ""}` }); });
    const dots = sizes.flatMap((n, c) => Array.from({ length: n }, (_, v) => {
      const [x, y] = place([c, v]), text = svg("text", { x, y });
      text.textContent = String(v + 1);
      const dot = svg("g", { class: `v hue${picked && same(picked, [c, v]) ? " picked" : ""}`, tabindex: "0", role: "button", "data-at": `${c}.${v}`, "aria-label": `vertex ${name([c, v])}${inClique([c, v]) ? ", in the clique" : ""}`,
        onclick: () => pick([c, v]), onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pick([c, v]); } } },
      svg("circle", { cx: x, cy: y, r: inClique([c, v]) ? 24 : 19, style: `fill:${HUES[c]}` }), text);
      return dot;
    }));
    $(".columns").replaceChildren(...lines, ...dots);
    if (keep) $(`.columns [data-at="${keep}"]`)?.focus();
  }
  function showCost(cost) {
    const parts = [], label = (t, at) => { const n = svg("text", at); n.textContent = t; parts.push(n); };
    const x = (k) => 130 + (k - 1) * 120, y = (s) => 195 - ((Math.log10(Math.max(1e-3, s)) + 3) / 5) * 170;
    for (const [s, t] of [[1e-3, "1 ms"], [0.1, "0.1 s"], [10, "10 s"]]) { parts.push(svg("line", { x1: 90, x2: 580, y1: y(s), y2: y(s), stroke: "var(--line)" })); label(t, { x: 82, y: y(s) + 5, "text-anchor": "end" }); }
    for (const k of [1, 2, 3, 4]) label(`${k} input${k === 1 ? "" : "s"}`, { x: x(k), y: 225, "text-anchor": "middle" });
    for (const [k, regions, seconds, done] of cost) {
      parts.push(svg("circle", { cx: x(k), cy: y(seconds), r: 6, class: "measured", fill: done ? "var(--bad)" : "none", stroke: "var(--bad)", "stroke-width": 2 }));
      label(`${done ? "" : "> "}${count(regions, "region")}`, { x: x(k) + (k > 3 ? -12 : 12), y: y(seconds) + (k > 3 ? -10 : 5), "text-anchor": k > 3 ? "end" : "start", class: "small" });
    }
    $("svg.cost").replaceChildren(...parts);
  }
  model.on("change:picture", () => { const picture = model.get("picture"); if (picture?.version === version) { plane.show(picture); which(null); } });
  model.on("change:state", () => {
    const s = model.get("state");
    if (!s || s.version !== version) return;
    if (s.error) { say("c-error", s.error); say("c-answer", "–"); return; }
    say("c-threshold", s.threshold);
    const x = s.exact, shape = `${count(s.inputs, "input")}, ${count(s.neurons, "neuron")}`;
    say("c-answer", !x ? "…" : x.value === null ? `L_∞ ${x.text}` : x.value ? `L_∞ = ${s.threshold}: a clique` : `L_∞ = ${x.text} < ${s.threshold}: no clique`);
    say("c-detail", !x ? `${shape}.` : `${shape}; ${count(x.regions, "region")} in ${x.seconds.toFixed(2)} s.${x.clique ? ` The witness picks ${x.clique.map(name).join(", ")}; checked on the graph.` : ""}`);
    found = x?.clique ?? null;
    draw(); showCost(s.cost);
  });
  const put = (graph) => { sizes = [...graph.sizes]; edges = graph.edges.map((e) => e.map((v) => [...v])); picked = null; ask(); };
  const resize = (c, by) => {
    const n = sizes[c] + by;
    if (n < 1 || n > MOST_VERTICES) return;
    sizes[c] = n;
    edges = edges.filter((e) => e.every(([d, v]) => v < sizes[d]));
    picked = null;
    tools(); ask();
  };
  const tools = () => $(".tools").replaceChildren(...sizes.flatMap((_, c) => [
    html("button", { type: "button", onclick: () => resize(c, 1) }, `+ ${HUE_NAMES[c]}`), html("button", { type: "button", onclick: () => resize(c, -1) }, `− ${HUE_NAMES[c]}`)]), saver);
  const saver = exportable(root, "few-inputs");
  for (const [title, graph] of Object.entries(SAMPLES)) $(".presets").append(html("button", { type: "button", onclick: () => { put(graph); tools(); } }, title));
  const given = (address().get("c") ?? "").split("_"), numbers = (text) => text.split(".").map(Number);
  put(given.length === 2 ? { sizes: numbers(given[0]), edges: given[1] ? given[1].split(",").map((e) => e.split("-").map(numbers)) : [] } : SAMPLES["two colours, a clique"]);
  tools();
}

export default { render };
