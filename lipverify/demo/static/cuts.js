// The first tab: a graph one can draw, its network's constant, and a lesson of six steps about them.
const STEP = "lipverify-step";
const LESSON = {
  graph: ["Draw a graph", "Click to draw, or pick an example; this one will do. It is about to become a neural network.", "guess its cut"],
  guess: ["Guess its cut", "Paint every vertex blue or yellow by clicking it. An edge between two colours is cut. Cut as many as you can, then check.", "the network it becomes"],
  network: ["Its network", "One input per edge, one neuron per vertex. Point at an edge, or reach it with Tab: its input lights up, and its entry of the gradient, and its 1 in the sum.", "one region, one cut"],
  regions: ["One region, one cut", "Where the same neurons are active the network is linear: a region. Each region is a painting of the graph, and its slope squared is the number of edges cut. Play them all.", "the bounds"],
  bounds: ["The bounds", "Visiting every region is hopeless for large graphs, so one estimates. Cheap bounds are too large, and a greedy one may even be too small.", "the explosion"],
  explosion: ["The explosion", "So how long does the exact answer take? Measured now, on this machine, graph after graph.", ""],
  all: ["Everything", "", ""],
};
const stepNow = () => { const given = address().get("step"); return Object.hasOwn(LESSON, given) ? given : "graph"; };
const toStep = (name) => { toAddress({ step: name }); dispatchEvent(new CustomEvent(STEP, { detail: name })); };

function markup(el) {
  const root = html("div", { class: "lv cuts" });
  // A fixed text of our own: the only place where markup is parsed.
  root.innerHTML = `
  <h1>NP-hardness you can touch</h1>
  <p class="intro" data-steps="graph all">Draw a graph. It becomes a neural network whose steepest slope – its
    <button type="button" class="word" data-meaning="The Lipschitz constant: the largest factor by which the network can stretch a distance between two inputs.">Lipschitz constant</button>
    – is the graph’s <button type="button" class="word" data-meaning="Paint every vertex blue or yellow. The edges between different colours are cut. The maximum cut is the largest number of cut edges that any painting reaches.">maximum cut</button>:
    <math><msubsup><mi>L</mi><mn>2</mn><mn>2</mn></msubsup><mo>=</mo><mi>maxcut</mi><mo stretchy="false">(</mo><mi>G</mi><mo stretchy="false">)</mo></math>.
    Whoever computes the one computes the other, and nobody knows a way that is always fast.</p>
  <nav class="steps" aria-label="Steps of the lesson"></nav>
  <div class="story" data-steps="graph guess network regions bounds explosion"><p data-testid="story" aria-live="polite"></p><div class="row here-only turns"></div></div>
  <div class="row" role="group" aria-label="Examples" data-steps="graph all"><span class="soft">Examples:</span><span class="presets row"></span></div>
  <div class="grid">
    <section aria-label="The graph" data-steps="graph guess network regions bounds all"><h2>The graph</h2>
      <svg class="draw" data-figure="graph" viewBox="0 0 ${W} ${H}" tabindex="0" role="application" data-testid="draw" aria-label="The graph. Press A to add a vertex."></svg>
      <div class="row tools" data-steps="graph all"></div>
      <p class="soft here-only" data-steps="graph all">Mouse or finger: click empty space to add a vertex; click one vertex, then another, to join or part them; drag to move.
        Keyboard: A adds, Tab goes from vertex to vertex, Enter picks one and then joins it with another, arrows move, Delete removes, Ctrl+Z undoes.</p>
      <details class="here-only" data-steps="graph all"><summary>Type or paste a graph</summary>
        <label class="soft" for="lv-text">One edge a line, such as “1 2”; or graph6, or DIMACS.</label>
        <textarea id="lv-text" data-testid="text" spellcheck="false"></textarea><div class="row paste"></div></details>
      <p class="error" role="alert" data-testid="error"></p>
    </section>
    <section aria-label="Your guess" data-steps="guess"><h2>Your guess</h2>
      <p class="answer" data-testid="guess" aria-live="polite">–</p>
      <div class="row here-only"><button type="button" data-testid="check" class="main">Check my guess</button><button type="button" data-testid="reveal">Show a maximum cut</button></div>
      <p data-testid="verdict" aria-live="polite"></p>
    </section>
    <section aria-label="The answer" aria-live="polite" data-steps="bounds all"><h2>The exact constant</h2>
      <p class="answer" data-testid="answer">–</p><p class="detail soft" data-testid="detail"></p>
      <h2>Every bound, as a multiple of the exact constant</h2>
      <svg class="bounds" data-figure="bounds" viewBox="0 0 600 230" role="img" aria-label="Bounds on one axis" data-testid="bounds"></svg>
      <details><summary>Why is each where it is?</summary><div class="scroll"><table class="why"><tbody></tbody></table></div></details>
    </section>
    <section aria-label="The network" data-steps="network all"><h2>The network it becomes</h2>
      <p class="formula"><math><mi>f</mi><mo stretchy="false">(</mo><mi>x</mi><mo stretchy="false">)</mo><mo>=</mo><munder><mo>∑</mo><mi>v</mi></munder><mi>relu</mi><mo stretchy="false">(</mo><munder><mo>∑</mo><mrow><mi>e</mi><mo>∋</mo><mi>v</mi></mrow></munder><mo>±</mo><msub><mi>x</mi><mi>e</mi></msub><mo stretchy="false">)</mo></math></p>
      <svg class="net" data-figure="network" viewBox="0 0 600 360" role="img" aria-label="Inputs, neurons and weights" data-testid="net"></svg>
      <p class="soft">One input per edge, one <button type="button" class="word" data-meaning="relu(a) = a if a is positive, else 0. A neuron is active where its input is positive.">ReLU neuron</button> per vertex, one output.
        Solid lines weigh +1, dashed ones −1. Active neurons are lit: they are one side of the cut. <span class="shape"></span></p>
    </section>
    <section aria-label="Enumeration" data-steps="regions all"><h2>Enumeration at work</h2>
      <p>Every way of switching the neurons on and off that really happens is an
        <button type="button" class="word" data-meaning="A part of the input space on which the same neurons are active. There, the network is linear.">activation region</button>.
        There are <math><munder><mo>∏</mo><mi>C</mi></munder><mo stretchy="false">(</mo><msup><mn>2</mn><mrow><mo>|</mo><mi>C</mi><mo>|</mo></mrow></msup><mo>−</mo><mn>2</mn><mo stretchy="false">)</mo></math> of them, over the connected components <i>C</i>;
        here: <b class="total" data-testid="total">–</b>.</p>
      <div class="row player"></div>
      <input type="range" min="0" max="0" value="0" class="slide" aria-label="Region" style="width:100%">
      <p data-testid="step" class="stepline">–</p><p class="soft best"></p>
    </section>
    <section class="whole" aria-label="Why the square is the cut" data-steps="network regions all"><h2>Why <math><msup><mi>L</mi><mn>2</mn></msup></math> is the cut</h2>
      <p>An edge adds 1 to <math><msup><mrow><mo>‖</mo><mo>∇</mo><mi>f</mi><mo>‖</mo></mrow><mn>2</mn></msup></math> exactly when its two ends differ:
        its input reaches one neuron with +1, the other with −1. Both active: 1 − 1 = 0; none: 0; one: ±1.</p>
      <div class="entries" role="group" aria-label="The gradient, edge by edge" data-testid="entries"></div>
      <p class="sumline" data-testid="sum"></p><p class="soft" data-testid="pointed" aria-live="polite"></p>
    </section>
    <section aria-label="Cost" data-steps="all"><h2>What exactness costs</h2>
      <svg class="cost" data-figure="cost" viewBox="0 0 600 260" role="img" aria-label="Time against vertices" data-testid="cost"></svg>
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
  let lesson = stepNow(), guess = [], tried = false, hot = null; // the lesson's step, the painting, whether it was checked, the edge pointed at
  const costs = [];

  // What is asked -----------------------------------------------------------------------------------
  const ask = (more) => {
    version += 1;
    guess = []; tried = false; hot = null;
    stop();
    walk = null; step = -1; shown = null;
    model.set("request", { version, ...more });
    model.save_changes();
    $(".error").textContent = "";
    $('[data-testid="answer"]').textContent = "…";
    $(".detail").textContent = "";
    showStep();
  };
  const changed = () => {
    ask(editor.graph());
    $("textarea").value = editor.asText();
    toAddress(inAddress());
  };
  const inAddress = () => ({ g: editor.inAddress(), at: editor.placesInAddress() });

  // What is shown ------------------------------------------------------------------------------------
  const state = () => { const s = model.get("state"); return s && s.version === version ? s : null; };
  const active = () => {
    if (lesson === "graph") return null; // its cut is still to be guessed
    if (lesson === "guess") return editor.graph().labels.map((_, k) => Boolean(guess[k]));
    if (step >= 0 && walk) return [...walk.steps[step][0]].map((b) => b === "1");
    const side = shown?.exact?.side;
    return side ? editor.graph().labels.map((_, k) => side.includes(k)) : null;
  };
  const look = () => {
    const on = active();
    return {
      vertex: (k) => (on ? (on[k] ? ["on", ", on the blue side"] : ["", ", on the yellow side"]) : ["plain", ""]),
      edge: (u, v) => (on && on[u] !== on[v] ? "cut" : ""),
      words: (u, v) => (on ? (on[u] !== on[v] ? ", cut: adds 1" : ", not cut: adds 0") : ""),
    };
  };
  const pointed = (e) => { if (e !== hot) { hot = e; light(); } };
  const clicked = (k) => {
    if (lesson !== "guess") return false;
    guess[k] = !guess[k]; tried = false;
    showGuess();
    return true;
  };
  const editor = graphEditor({ root, canvas: $("svg.draw"), start: EXAMPLES.lesson(), changed, look, pointed, clicked,
    moved: () => toAddress(inAddress()), locked: () => !["graph", "all"].includes(lesson), drawn: () => { drawNetwork(); drawSum(); light(); } });

  // The edge pointed at: in the drawing, at its input, in the gradient, in the sum.
  function light() {
    const { labels, edges } = editor.graph(), on = active();
    editor.point(hot);
    for (const part of root.querySelectorAll("[data-edge]")) part.classList.toggle("pointed", Number(part.dataset.edge) === hot);
    const [u, v] = edges[hot] ?? [];
    $('[data-testid="pointed"]').textContent = u === undefined || !on ? "" :
      `Edge ${labels[u]} – ${labels[v]}: its ends ${on[u] !== on[v] ? "differ" : "agree"}, ∂f/∂x = ${Number(on[u])} − ${Number(on[v])} = ${signed(on[u] - on[v])}; its square adds ${Number(on[u] !== on[v])}.`;
  }
  const signed = (x) => (x < 0 ? `−${-x}` : String(x));
  function drawSum() {
    const { labels, edges } = editor.graph(), on = active(), few = edges.length <= FOCUSABLE;
    const entry = ([u, v], k) => {
      const value = on ? on[u] - on[v] : null, told = on ? ` adds ${value * value}` : "";
      return html("button", { type: "button", class: `cellof${value ? " one" : ""}`, "data-edge": k,
        onpointerenter: () => pointed(k), onpointerleave: () => pointed(null), onfocus: () => pointed(k), onblur: () => pointed(null) },
      html("span", { class: "soft" }, `${short(labels[u], 5)}–${short(labels[v], 5)}`), html("b", {}, on ? signed(value) : "?"), html("span", { class: "spoken" }, told));
    };
    const atEntry = root.getRootNode().activeElement?.dataset?.edge;
    $(".entries").replaceChildren(...(few ? edges.map(entry) : [html("span", { class: "soft" }, `${edges.length} entries, one per edge.`)]));
    if (atEntry !== undefined) $(`.entries [data-edge="${atEntry}"]`)?.focus();
    const cut = on ? edges.filter(([u, v]) => on[u] !== on[v]).length : 0;
    const terms = edges.flatMap(([u, v], k) => [k ? " + " : "", html("span", { class: on && on[u] !== on[v] ? "term one" : "term", "data-edge": k }, on && on[u] !== on[v] ? "1" : "0")]);
    $('[data-testid="sum"]').replaceChildren("‖∇f‖² = ", ...(on ? (few ? [...terms, ` = ${cut}`] : [String(cut)]) : ["…"]), on ? `: ${count(cut, "edge")} cut` : "");
  }
  function showGuess() {
    const { labels, edges } = editor.graph(), cut = edges.filter(([u, v]) => Boolean(guess[u]) !== Boolean(guess[v])).length, x = shown?.exact;
    $('[data-testid="guess"]').textContent = `${cut} of ${count(edges.length, "edge")} cut`;
    const most = Number(x?.low);
    $('[data-testid="verdict"]').textContent = !tried ? "" : !x?.done ? "Still computing the maximum …"
      : cut === most ? `Yes: ${cut} is the maximum cut, and the network’s constant is L₂ = √${most}.`
      : `${most - cut} short: some painting cuts ${most}. You looked at one of 2${superscript(labels.length - 1)} paintings.`;
  }
  const superscript = (n) => [...String(n)].map((d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]).join("");
  $('[data-testid="check"]').addEventListener("click", () => { tried = true; showGuess(); });
  $('[data-testid="reveal"]').addEventListener("click", () => {
    const side = shown?.exact?.side;
    if (side) guess = editor.graph().labels.map((_, k) => side.includes(k));
    tried = true;
    showGuess(); editor.draw();
  });

  // The lesson -----------------------------------------------------------------------------------------
  const names = Object.keys(LESSON);
  for (const name of names) $(".steps").append(html("a", { href: addressWith({ step: name }).search, "data-name": name, "data-testid": `step-${name}`,
    onclick: (event) => { if (!event.ctrlKey && !event.metaKey && !event.shiftKey) { event.preventDefault(); toStep(name); } } },
    html("span", name === "all" ? { class: "star", "aria-hidden": "true" } : {}, name === "all" ? "∗" : String(names.indexOf(name) + 1)), html("span", { class: "name" }, ` ${LESSON[name][0]}`)));
  function showLesson() {
    for (const part of root.querySelectorAll("[data-steps]")) part.classList.toggle("aside", !part.dataset.steps.split(" ").includes(lesson));
    for (const link of $(".steps").children) {
      if (link.dataset.name === lesson) link.setAttribute("aria-current", "step"); else link.removeAttribute("aria-current");
      link.href = addressWith({ step: link.dataset.name }).search;
    }
    root.dataset.lesson = lesson;
    const [, text, next] = LESSON[lesson], at = names.indexOf(lesson);
    $('[data-testid="story"]').textContent = text;
    $(".turns").replaceChildren(
      ...(at > 0 ? [html("button", { type: "button", "data-testid": "previous", onclick: () => toStep(names[at - 1]) }, "Back")] : []),
      ...(next ? [html("button", { type: "button", class: "main", "data-testid": "next", onclick: () => { toStep(names[at + 1]); $('[data-testid="next"]')?.focus(); } }, `Next: ${next}`)] : []));
    showGuess(); editor.draw();
  }
  addEventListener(STEP, (event) => { stop(); if (event.detail !== "all" && event.detail !== "regions") step = -1; lesson = event.detail; showLesson(); showStep(); });

  function drawNetwork() {
    const on = active(), { labels, edges } = editor.graph();
    const net = $("svg.net"), n = labels.length, m = edges.length;
    const inY = (k) => 180 + (k - (m - 1) / 2) * Math.min(26, 330 / Math.max(m, 1));
    const hidY = (k) => 180 + (k - (n - 1) / 2) * Math.min(38, 330 / Math.max(n, 1));
    const parts = [];
    edges.forEach((e, k) => e.forEach((v, end) => {
      const lit = on && on[v];
      parts.push(svg("line", { "data-edge": k, x1: 90, y1: inY(k), x2: 330, y2: hidY(v), stroke: lit ? "var(--on)" : "var(--dim)",
        "stroke-width": lit ? 1.8 : 0.8, "stroke-dasharray": end ? "5 4" : "none", opacity: lit || !on ? 0.9 : 0.45 }));
    }));
    labels.forEach((_, k) => parts.push(svg("line", { x1: 330, y1: hidY(k), x2: 520, y2: 180, stroke: on && on[k] ? "var(--on)" : "var(--dim)", "stroke-width": on && on[k] ? 2 : 0.8 })));
    const small = Math.min(7, 150 / Math.max(m, 1));
    edges.forEach(([u, v], k) => {
      const used = on && on[u] !== on[v];
      parts.push(svg("circle", { "data-edge": k, class: "input", cx: 90, cy: inY(k), r: small, fill: used ? "var(--cut)" : "var(--bg)", stroke: "var(--ink)" }));
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
    if (!x) { $('[data-testid="answer"]').textContent = "…"; return; }
    $('[data-testid="answer"]').textContent = x.done ? `L₂ = ${x.text};  maximum cut ${x.low}` : `L₂ ${x.text};  maximum cut ${x.low} … ${x.high}`;
    $(".detail").textContent = x.done
      ? `Proved by branch and bound (${count(x.nodes, "node")}) in ${x.seconds.toFixed(2)} s: ${x.rigor}. Green edges are cut.`
      : `Still searching: ${count(x.nodes, "node")}, ${x.seconds.toFixed(1)} s. The interval is proved; it only gets narrower. Any edit stops the search.`;
  }

  const showBounds = (s) =>
    drawBounds({ box: $("svg.bounds"), why: $(".why tbody"), bounds: s.bounds, base: s.exact?.lower || 0, exact: s.exact?.done });

  function showCost() {
    const box = $("svg.cost"), parts = [], label = (t, at) => { const n = svg("text", at); n.textContent = t; parts.push(n); };
    const x = (n) => 76 + (n / 40) * 500, y = (s) => 225 - ((Math.log10(Math.min(1e4, Math.max(1e-3, s))) + 3) / 7) * 205;
    [[1e-3, "1 ms"], [0.1, "0.1 s"], [10, "10 s"], [1e3, "17 min"]].forEach(([s, t]) => {
      parts.push(svg("line", { x1: 76, x2: 580, y1: y(s), y2: y(s), stroke: "var(--line)" }));
      label(t, { x: 70, y: y(s) + 4, "text-anchor": "end", class: "small" });
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
      $(".stepline").textContent = known.length ? `${count(known.length, "region")} ${known.length === 1 ? "is" : "are"} ready${walk.complete ? "" : ` (the first of ${walk.total})`}. Press Play or Step.` : "waiting for the regions …";
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
    if (s.error) { $(".error").textContent = s.error; $('[data-testid="answer"]').textContent = "–"; $("svg.bounds").replaceChildren(); return; }
    if (s.drawing) { const at = waiting; waiting = null; return editor.lay(s.drawing, at); }
    shown = s;
    showAnswer(s); showBounds(s); showGuess();
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
  for (const [name, make] of Object.entries({ "three pentagons": EXAMPLES.lesson, ...PRESETS })) $(".presets").append(html("button", { type: "button", onclick: () => editor.put(make()) }, name));
  const copied = html("span", { class: "soft", role: "status" });
  $(".tools").append(
    ...editor.buttons(),
    html("button", { type: "button", onclick: async () => { try { await navigator.clipboard.writeText(addressWith(inAddress()).href); copied.textContent = "copied"; } catch { copied.textContent = "the link is in the address bar"; } } }, "Copy link"),
    html("button", { type: "button", "data-testid": "download", onclick: () => save(editor.asText() + "\n", "graph.txt", "text/plain") }, "Download"), exportable(root, "cuts"), copied);
  $(".paste").append(html("button", { type: "button", "data-testid": "use", onclick: () => ask({ text: $("textarea").value.slice(0, 6_000_000) }) }, "Use this graph"));

  showCost();
  const given = address().get("g");
  let waiting = address().get("at"); // places for the graph that the address names
  if (given) ask({ text: fromAddress(given) }); else changed();
  showLesson(); showStep();
  return () => stop();
}

export default { render };
