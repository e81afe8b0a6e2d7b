// The first tab: a graph one can draw, and its network's constant.
function markup(el) {
  const root = html("div", { class: "lv" });
  // A fixed text of our own: the only place where markup is parsed.
  root.innerHTML = `
  <h1>NP-hardness you can touch</h1>
  <p>Draw a graph. It becomes a neural network whose steepest slope – its
    <abbr tabindex="0" title="The Lipschitz constant: the largest factor by which the network can stretch a distance between two inputs.">Lipschitz constant</abbr>
    – is the graph’s <abbr tabindex="0" title="Paint every vertex blue or yellow. The edges between different colours are cut. The maximum cut is the largest number of cut edges that any painting reaches.">maximum cut</abbr>:
    <math><msubsup><mi>L</mi><mn>2</mn><mn>2</mn></msubsup><mo>=</mo><mi>maxcut</mi><mo stretchy="false">(</mo><mi>G</mi><mo stretchy="false">)</mo></math>.
    Whoever computes the one computes the other, and nobody knows a way that is always fast.</p>
  <div class="row" role="group" aria-label="Examples"><span class="soft">Examples:</span><span class="presets row"></span></div>
  <div class="grid">
    <section aria-label="The graph"><h2>The graph</h2>
      <svg class="draw" viewBox="0 0 ${W} ${H}" tabindex="0" role="application" data-testid="draw" aria-label="The graph. Press A to add a vertex."></svg>
      <div class="row tools"></div>
      <p class="soft">Mouse or finger: click empty space to add a vertex; click one vertex, then another, to join or part them; drag to move.
        Keyboard: A adds, Tab goes from vertex to vertex, Enter picks one and then joins it with another, arrows move, Delete removes.</p>
      <details><summary>Type or paste a graph</summary>
        <label class="soft" for="lv-text">One edge a line, such as “1 2”; or graph6, or DIMACS.</label>
        <textarea id="lv-text" data-testid="text" spellcheck="false"></textarea><div class="row paste"></div></details>
    </section>
    <section aria-label="The answer" aria-live="polite"><h2>The exact constant</h2>
      <p class="error" role="alert" data-testid="error"></p>
      <p class="answer" data-testid="answer">–</p><p class="detail soft" data-testid="detail"></p>
      <h2>Every bound, as a multiple of the exact constant</h2>
      <svg class="bounds" viewBox="0 0 600 230" role="img" aria-label="Bounds on one axis" data-testid="bounds"></svg>
      <details><summary>Why is each where it is?</summary><table class="why"><tbody></tbody></table></details>
    </section>
    <section aria-label="The network"><h2>The network it becomes</h2>
      <p><math><mi>f</mi><mo stretchy="false">(</mo><mi>x</mi><mo stretchy="false">)</mo><mo>=</mo><munder><mo>∑</mo><mi>v</mi></munder><mi>relu</mi><mo stretchy="false">(</mo><munder><mo>∑</mo><mrow><mi>e</mi><mo>∋</mo><mi>v</mi></mrow></munder><mo>±</mo><msub><mi>x</mi><mi>e</mi></msub><mo stretchy="false">)</mo></math></p>
      <svg class="net" viewBox="0 0 600 360" role="img" aria-label="Inputs, neurons and weights" data-testid="net"></svg>
      <p class="soft">One input per edge, one <abbr tabindex="0" title="relu(a) = a if a is positive, else 0. A neuron is active where its input is positive.">ReLU neuron</abbr> per vertex, one output.
        Solid lines weigh +1, dashed ones −1. Active neurons are lit: they are one side of the cut. <span class="shape"></span></p>
    </section>
    <section aria-label="Enumeration"><h2>Enumeration at work</h2>
      <p>Every way of switching the neurons on and off that really happens is an
        <abbr tabindex="0" title="A part of the input space on which the same neurons are active. There, the network is linear.">activation region</abbr>.
        There are <math><munder><mo>∏</mo><mi>C</mi></munder><mo stretchy="false">(</mo><msup><mn>2</mn><mrow><mo>|</mo><mi>C</mi><mo>|</mo></mrow></msup><mo>−</mo><mn>2</mn><mo stretchy="false">)</mo></math> of them, over the connected components <i>C</i>;
        here: <b class="total" data-testid="total">–</b>.</p>
      <div class="row player"></div>
      <input type="range" min="0" max="0" value="0" class="slide" aria-label="Region" style="width:100%">
      <p data-testid="step" class="stepline">–</p><p class="soft best"></p>
    </section>
    <section aria-label="Cost"><h2>What exactness costs</h2>
      <svg class="cost" viewBox="0 0 600 260" role="img" aria-label="Time against vertices" data-testid="cost"></svg>
      <p class="soft">Measured here so far: ● branch and bound, ◆ visiting every region. The curve doubles with every vertex.</p>
    </section>
  </div>`;
  el.append(onTab("cuts", root));
  return root;
}

function render({ model, el }) {
  const root = markup(el);
  const $ = (query) => root.querySelector(query);
  let version = Date.now() % 1e9, walk = null, step = -1, timer = null, shown = null;
  const costs = [];

  // What is asked -----------------------------------------------------------------------------------
  const ask = (more) => {
    version += 1;
    stop();
    walk = null; step = -1; shown = null;
    model.set("request", { version, ...more });
    model.save_changes();
    $(".error").textContent = "";
    $(".answer").textContent = "…";
    $(".detail").textContent = "";
    showStep();
  };
  const changed = () => {
    ask(editor.graph());
    $("textarea").value = editor.asText();
    toAddress(inAddress());
  };
  const inAddress = () => ({ g: editor.inAddress() });

  // What is shown ------------------------------------------------------------------------------------
  const state = () => { const s = model.get("state"); return s && s.version === version ? s : null; };
  const active = () => {
    if (step >= 0 && walk) return [...walk.steps[step][0]].map((b) => b === "1");
    const side = shown?.exact?.side;
    return side ? editor.graph().labels.map((_, k) => side.includes(k)) : null;
  };
  const look = () => {
    const on = active();
    return {
      vertex: (k) => (on ? (on[k] ? ["on", ", on the blue side"] : ["", ", on the yellow side"]) : ["plain", ""]),
      edge: (u, v) => (on && on[u] !== on[v] ? "cut" : ""),
    };
  };
  const editor = graphEditor({ root, canvas: $("svg.draw"), start: PRESETS["5-cycle"](), changed, look, drawn: drawNetwork });

  function drawNetwork() {
    const on = active(), { labels, edges } = editor.graph();
    const net = $("svg.net"), n = labels.length, m = edges.length;
    const inY = (k) => 180 + (k - (m - 1) / 2) * Math.min(26, 330 / Math.max(m, 1));
    const hidY = (k) => 180 + (k - (n - 1) / 2) * Math.min(38, 330 / Math.max(n, 1));
    const parts = [];
    edges.forEach((e, k) => e.forEach((v, end) => {
      const lit = on && on[v];
      parts.push(svg("line", { x1: 90, y1: inY(k), x2: 330, y2: hidY(v), stroke: lit ? "var(--on)" : "var(--dim)",
        "stroke-width": lit ? 1.8 : 0.8, "stroke-dasharray": end ? "5 4" : "none", opacity: lit || !on ? 0.9 : 0.45 }));
    }));
    labels.forEach((_, k) => parts.push(svg("line", { x1: 330, y1: hidY(k), x2: 520, y2: 180, stroke: on && on[k] ? "var(--on)" : "var(--dim)", "stroke-width": on && on[k] ? 2 : 0.8 })));
    const small = Math.min(7, 150 / Math.max(m, 1));
    edges.forEach(([u, v], k) => {
      const used = on && on[u] !== on[v];
      parts.push(svg("circle", { cx: 90, cy: inY(k), r: small, fill: used ? "var(--cut)" : "var(--bg)", stroke: "var(--ink)" }));
      if (m <= 16) { const t = svg("text", { x: 76, y: inY(k) + 4, "text-anchor": "end", class: "small" }); t.textContent = `${short(labels[u], 5)}–${short(labels[v], 5)}`; parts.push(t); }
    });
    const big = Math.min(13, 150 / Math.max(n, 1));
    labels.forEach((label, k) => {
      parts.push(svg("circle", { cx: 330, cy: hidY(k), r: big, class: "neuron" + (on && on[k] ? " lit" : ""), fill: on && on[k] ? "var(--on)" : "var(--bg)", stroke: "var(--ink)", "stroke-width": 1.5 }));
      if (n <= 14) { const t = svg("text", { x: 350, y: hidY(k) - 6, class: "small" }); t.textContent = short(label, 5); parts.push(t); }
    });
    parts.push(svg("circle", { cx: 520, cy: 180, r: 12, fill: "var(--bg)", stroke: "var(--ink)", "stroke-width": 1.5 }));
    [["edges", 90], ["vertices", 330], ["f(x)", 520]].forEach(([t, x]) => { const n_ = svg("text", { x, y: 14, "text-anchor": "middle", class: "small" }); n_.textContent = t; parts.push(n_); });
    net.replaceChildren(...parts);
  }

  function showAnswer(s) {
    $(".shape").textContent = `Its shape: ${s.network}.`;
    $(".total").textContent = s.regions;
    const x = s.exact;
    if (!x) { $(".answer").textContent = "…"; return; }
    $(".answer").textContent = x.done ? `L₂ = ${x.text};  maximum cut ${x.low}` : `L₂ ${x.text};  maximum cut ${x.low} … ${x.high}`;
    $(".detail").textContent = x.done
      ? `Proved by branch and bound (${x.nodes} nodes) in ${x.seconds.toFixed(2)} s: ${x.rigor}. Green edges are cut.`
      : `Still searching: ${x.nodes} nodes, ${x.seconds.toFixed(1)} s. The interval is proved; it only gets narrower. Any edit stops the search.`;
  }

  const showBounds = (s) =>
    drawBounds({ box: $("svg.bounds"), why: $(".why tbody"), bounds: s.bounds, base: s.exact?.lower || 0, exact: s.exact?.done });

  function showCost() {
    const box = $("svg.cost"), parts = [], label = (t, at) => { const n = svg("text", at); n.textContent = t; parts.push(n); };
    const x = (n) => 50 + (n / 40) * 530, y = (s) => 225 - ((Math.log10(Math.min(1e4, Math.max(1e-3, s))) + 3) / 7) * 205;
    [[1e-3, "1 ms"], [0.1, "0.1 s"], [10, "10 s"], [1e3, "17 min"]].forEach(([s, t]) => {
      parts.push(svg("line", { x1: 50, x2: 580, y1: y(s), y2: y(s), stroke: "var(--line)" }));
      label(t, { x: 46, y: y(s) + 4, "text-anchor": "end", class: "small" });
    });
    [0, 10, 20, 30, 40].forEach((n) => label(n === 40 ? "40 vertices" : String(n), { x: Math.min(x(n), 552), y: 245, "text-anchor": "middle", class: "small" }));
    const full = costs.filter((c) => c.kind === "walk").at(-1);
    const per = full ? full.seconds / 2 ** full.n : 2e-5;
    const curve = Array.from({ length: 79 }, (_, k) => 1 + k / 2).filter((n) => per * 2 ** n < 1e4 && per * 2 ** n > 1e-3);
    parts.push(svg("polyline", { points: curve.map((n) => `${x(n)},${y(per * 2 ** n)}`).join(" "), fill: "none", stroke: "var(--bad)", "stroke-width": 2 }));
    const end = curve.at(-1);
    if (end) label("2ⁿ", { x: x(end) + 6, y: y(per * 2 ** end) + 12 });
    costs.forEach((c) => parts.push(c.kind === "walk"
      ? svg("rect", { x: -5, y: -5, width: 10, height: 10, fill: "var(--bad)", transform: `translate(${x(c.n)} ${y(c.seconds)}) rotate(45)` })
      : svg("circle", { cx: x(c.n), cy: y(c.seconds), r: 5, fill: c.done ? "var(--on)" : "none", stroke: "var(--on)", class: "cost-point" })));
    box.replaceChildren(...parts);
  }

  // The walk -----------------------------------------------------------------------------------------
  const stop = () => { clearInterval(timer); timer = null; if (play) play.textContent = "▶ Play"; };
  function showStep() {
    const known = walk?.steps ?? [];
    const slide = $(".slide");
    slide.max = Math.max(0, known.length - 1); slide.value = Math.max(0, step);
    for (const b of [back, play, forward, slide]) b.disabled = !known.length;
    if (step < 0 || !known.length) {
      $(".stepline").textContent = known.length ? `${known.length} regions are ready${walk.complete ? "" : ` (the first of ${walk.total})`}. Press Play or Step.` : "waiting for the regions …";
      $(".best").textContent = "";
    } else {
      const [bits, square] = known[step];
      const crossing = editor.graph().edges.filter(([u, v]) => bits[u] !== bits[v]).length;
      const most = Math.max(...known.slice(0, step + 1).map((s) => Number(s[1])));
      $(".stepline").textContent = `Region ${step + 1} of ${walk.total}: pattern ${bits}, Jacobian norm = √${square} = ${Math.sqrt(Number(square)).toFixed(3)}, edges cut: ${crossing}`;
      $(".best").textContent = `Best so far: √${most}.`;
    }
    editor.draw();
  }
  const go = (k) => { const n = walk?.steps?.length ?? 0; if (n) { step = Math.min(n - 1, Math.max(0, k)); showStep(); } };
  const back = html("button", { type: "button", onclick: () => { stop(); go(step - 1); } }, "◀ Back");
  const forward = html("button", { type: "button", "data-testid": "forward", onclick: () => { stop(); go(step + 1); } }, "Step ▶");
  const play = html("button", { type: "button", "data-testid": "play", onclick: () => {
    if (timer) return stop();
    if (step >= (walk?.steps?.length ?? 0) - 1) step = -1;
    play.textContent = "❚❚ Pause";
    timer = setInterval(() => { go(step + 1); if (step >= walk.steps.length - 1) stop(); }, Math.max(15, Math.min(350, 12000 / walk.steps.length)));
  } }, "▶ Play");
  const leave = html("button", { type: "button", onclick: () => { stop(); step = -1; showStep(); } }, "Show the maximum cut");
  $(".player").append(back, play, forward, leave);
  $(".slide").addEventListener("input", (event) => { stop(); go(Number(event.target.value)); });

  // What Python says ---------------------------------------------------------------------------------
  model.on("change:state", () => {
    const s = state();
    if (!s) return;
    if (s.error) { $(".error").textContent = s.error; $(".answer").textContent = "–"; $("svg.bounds").replaceChildren(); return; }
    if (s.drawing) return editor.lay(s.drawing);
    shown = s;
    showAnswer(s); showBounds(s);
    if (s.exact?.done && !costs.some((c) => c.version === version && c.kind === "search")) costs.push({ kind: "search", version, n: editor.graph().labels.length, seconds: s.exact.seconds, done: true });
    showCost(); editor.draw();
  });
  model.on("change:walk", () => {
    const w = model.get("walk");
    if (!w || w.version !== version) return;
    walk = w;
    if (w.complete) costs.push({ kind: "walk", version, n: editor.graph().labels.length, seconds: w.seconds });
    showCost(); showStep();
  });

  // Buttons ------------------------------------------------------------------------------------------
  for (const [name, make] of Object.entries(PRESETS)) $(".presets").append(html("button", { type: "button", onclick: () => editor.put(make()) }, name));
  const copied = html("span", { class: "soft", role: "status" });
  $(".tools").append(
    ...editor.buttons(),
    html("button", { type: "button", onclick: async () => { try { await navigator.clipboard.writeText(addressWith(inAddress()).href); copied.textContent = "copied"; } catch { copied.textContent = "the link is in the address bar"; } } }, "Copy link"),
    html("button", { type: "button", "data-testid": "download", onclick: () => {
      const a = html("a", { href: URL.createObjectURL(new Blob([editor.asText() + "\n"], { type: "text/plain" })), download: "graph.txt" });
      a.click(); URL.revokeObjectURL(a.href);
    } }, "Download"), copied);
  $(".paste").append(html("button", { type: "button", "data-testid": "use", onclick: () => ask({ text: $("textarea").value.slice(0, 6_000_000) }) }, "Use this graph"));

  showCost();
  const given = address().get("g");
  if (given) { ask({ text: fromAddress(given) }); editor.draw(); showStep(); } else { changed(); showStep(); }
  return () => stop();
}

export default { render };
