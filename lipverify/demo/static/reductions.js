// The third tab: other hard problems as networks. Each problem has an editor; the rest of the tab is shared.
const PAREN = (inner) => `<mo stretchy="false">(</mo>${inner}<mo stretchy="false">)</mo>`;
const ABS = (inner) => `<mo stretchy="false" form="prefix" lspace="0.1em" rspace="0">|</mo>${inner}<mo stretchy="false" form="postfix" lspace="0" rspace="0.1em">|</mo>`;
const SUM = (under) => `<munder><mo>∑</mo>${under}</munder>`;
const PROBLEMS = {
  satisfiability: {
    key: "f", name: "Satisfiability", what: "satisfiable", proof: "proofs/satisfiability.md",
    about: `Variables are true or false; every clause (a row) needs a true literal. The network’s slope is zero everywhere, unless some input near a corner of the cube {−1, 1}ⁿ satisfies every clause: there it climbs.`,
    formula: [
      `<mi>f</mi><mo>=</mo><mi>relu</mi>${PAREN(`<mfrac><mn>1</mn><mn>2</mn></mfrac><mo>−</mo>${SUM("<mi>i</mi>")}${ABS(`${ABS("<msub><mi>x</mi><mi>i</mi></msub>")}<mo>−</mo><mn>1</mn>`)}<mo>−</mo>${SUM("<mi>C</mi>")}<msub><mi>e</mi><mi>C</mi></msub>`)}`,
      `<msub><mi>e</mi><mi>C</mi></msub><mo>=</mo><mi>relu</mi>${PAREN(`<mn>1</mn><mo>−</mo>${ABS("<mi>C</mi>")}<mo>−</mo>${SUM("<mrow><mi>ℓ</mi><mo>∈</mo><mi>C</mi></mrow>")}<mi>ℓ</mi>${PAREN("<mi>x</mi>")}`)}`,
    ],
    threshold: `<b>Yes</b> (satisfiable): <math><msub><mi>L</mi><mn>2</mn></msub><mo>=</mo><msqrt><mi>n</mi></msqrt></math>. <b>No</b>: <math><msub><mi>L</mi><mn>2</mn></msub><mo>=</mo><mn>0</mn></math>. Nothing in between: no finite factor can be promised in polynomial time.`,
    size: "n inputs, hidden layers of 2n, 2n + m and 1 neurons for n variables and m clauses: polynomial.",
    how: "Computed by gradient ascent, which finds satisfying points quickly, then by enumeration of all regions, the fastest proof when there is none. Up to 10 variables and 40 clauses; proofs that nothing satisfies take seconds up to 4 variables, a minute or two for 6.",
    hint: "Click a cell: absent, plain, negated. Keyboard: arrows move, + − and Delete set.",
    text: "A clause a line, such as “a or not b” ( () is the empty clause); or DIMACS.",
    captions: ["x", "x⁺, x⁻", "distance to ±1,\nfalse clauses", "f > 0 ?", "f"],
  },
  "independent-set": {
    key: "set", name: "Independent set", what: "size", proof: "proofs/independent_set.md",
    about: `Choose as many vertices as possible, no two of them neighbours. Each vertex of the graph gets a signal that its neighbours drown; raising t moves every signal that survives, so the slope counts an independent set.`,
    formula: [
      `<mi>f</mi>${PAREN("<mi>x</mi><mo>,</mo><mi>t</mi>")}<mo>=</mo>${SUM("<mi>v</mi>")}<mi>relu</mi>${PAREN("<msub><mi>z</mi><mi>v</mi></msub>")}<mo>−</mo><mi>relu</mi>${PAREN("<msub><mi>z</mi><mi>v</mi></msub><mo>−</mo><msup><mi>t</mi><mo>+</mo></msup>")}`,
      `<msub><mi>z</mi><mi>v</mi></msub><mo>=</mo><mi>δ</mi>${PAREN(`<msub><mi>x</mi><mi>v</mi></msub><mo>−</mo>${SUM("<mrow><mi>u</mi><mo>∼</mo><mi>v</mi></mrow>")}<msubsup><mi>x</mi><mi>u</mi><mo>+</mo></msubsup>`)}`,
    ],
    threshold: `<math><msub><mi>L</mi><mn>1</mn></msub><mo>=</mo><mi>α</mi>${PAREN("<mi>G</mi>")}</math>: there is an independent set of k vertices (<b>yes</b>) if <math><msub><mi>L</mi><mn>1</mn></msub><mo>≥</mo><mi>k</mi></math>, and none (<b>no</b>) if <math><msub><mi>L</mi><mn>1</mn></msub><mo>&lt;</mo><mi>k</mi></math>.`,
    size: "n + 1 inputs, hidden layers of 2n + 1 and 2n neurons for n vertices: polynomial.",
    how: "Computed by enumeration of all regions, from 7 vertices on after five seconds of branch and bound, which is faster on stars. Up to 10 vertices: 6 take about a second, 8 several, 10 up to two minutes.",
    hint: "Mouse or finger: click empty space to add a vertex; click one vertex, then another, to join or part them; drag to move. Keyboard: A adds, Tab goes from vertex to vertex, Enter picks one and then joins it with another, arrows move, Delete removes.",
    text: "One edge a line, such as “1 2”; or graph6, or DIMACS.",
    captions: ["x, t", "x⁺, x⁻, t⁺", "z, z − t", "f"],
  },
  quadratic: {
    key: "A", name: "Quadratic over the cube", what: "maximum", proof: "proofs/convex_quadratic.md",
    about: `Each variable s is 0 or 1; which choice makes sᵀQs = ‖Aᵀs‖² largest? A neuron is on or off, and the gradient adds up the rows of A whose neurons are on: this is the chain by which Scaman and Virmaux first proved that the constant is NP-hard.`,
    formula: [
      `<mi>f</mi>${PAREN("<mi>x</mi><mo>,</mo><mi>y</mi>")}<mo>=</mo>${SUM("<mi>i</mi>")}<mi>relu</mi>${PAREN(`<msub><mrow>${PAREN("<mi>A</mi><mi>x</mi><mo>+</mo><mi>ε</mi><mi>y</mi>")}</mrow><mi>i</mi></msub>`)}`,
      `<msup><mi>ε</mi><mn>2</mn></msup><mi>n</mi><mo>≤</mo><mfrac><mn>1</mn><mn>2</mn></mfrac>`,
    ],
    threshold: `<math><mo stretchy="false">⌊</mo><msubsup><mi>L</mi><mn>2</mn><mn>2</mn></msubsup><mo stretchy="false">⌋</mo><mo>=</mo><mi>max</mi><mspace width="0.3em"/><msup><mi>s</mi><mi>T</mi></msup><mi>Q</mi><mi>s</mi></math>: some s reaches k (<b>yes</b>) if <math><msubsup><mi>L</mi><mn>2</mn><mn>2</mn></msubsup><mo>≥</mo><mi>k</mi></math>, and none does (<b>no</b>) if <math><msubsup><mi>L</mi><mn>2</mn><mn>2</mn></msubsup><mo>&lt;</mo><mi>k</mi></math>.`,
    size: "n + l inputs and one hidden layer of n neurons for A of n rows and l columns: polynomial.",
    how: "Computed by branch and bound, which needs a fraction of a second here. Up to 8 rows and columns of integers. Q = AAᵀ is positive semidefinite whatever you write.",
    hint: "Type integers; each row of A belongs to one variable s.",
    text: "A row a line, such as “3 0”.",
    captions: ["x, y", "one per row of A", "f"],
  },
};

const randomFrom = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

const SETS = {
  triangle: PRESETS.triangle,
  "5-cycle": PRESETS["5-cycle"],
  star: () => ({ places: [[W / 2, H / 2], ...circle(6)], edges: [1, 2, 3, 4, 5, 6].map((k) => [0, k]) }),
  path: () => ({ places: [0, 1, 2, 3, 4, 5].map((k) => [60 + 96 * k, k % 2 ? 150 : 270]), edges: [0, 1, 2, 3, 4].map((k) => [k, k + 1]) }),
  Petersen: PRESETS.Petersen,
  random: (chance) => ({ places: circle(7, 170), edges: Array.from({ length: 7 }, (_, u) => Array.from({ length: u }, (_, v) => [v, u])).flat().filter(() => chance() < 0.45) }),
};

function setEditor({ root, box, changed, moved }) {
  const canvas = svg("svg", { class: "draw", "data-figure": "graph", viewBox: `0 0 ${W} ${H}`, tabindex: "0", role: "application", "data-testid": "set-draw", "aria-label": "The graph. Press A to add a vertex." });
  box.append(canvas);
  let chosen = null;
  const look = () => ({
    vertex: (k) => (chosen ? (chosen.includes(k) ? ["chosen", ", chosen"] : ["plain", ", not chosen"]) : ["plain", ""]),
    edge: () => "",
  });
  const editor = graphEditor({ root, canvas, start: PRESETS["5-cycle"](), changed: () => { chosen = null; changed(); }, moved, look });
  editor.draw();
  return { ...editor, presets: SETS, file: "graph.txt", request: editor.graph, asFile: editor.asText, fromAddress,
    show: (solution) => { chosen = solution.set ?? null; editor.draw(); } };
}

function markup(root) {
  // A fixed text of our own: the only place where markup is parsed.
  root.innerHTML = `
  <h1>The same constant, other hard problems</h1>
  <p>Cuts are no exception. Each of these problems becomes a small network whose Lipschitz constant L answers it; so computing L is as hard as each of them.</p>
  <div class="row choice" role="radiogroup" aria-label="The problem"></div>
  <p class="about"></p>
  <div class="facts"><p class="formula"></p><p class="threshold"></p><p class="soft size"></p></div>
  <div class="grid">
    <section aria-label="The problem"><h2 class="title"></h2>
      <div class="row presets" role="group" aria-label="Examples"></div>
      <div class="editors"></div>
      <div class="row tools"></div>
      <p class="soft hint"></p>
      <details><summary>Type or paste it</summary>
        <label class="soft text" for="lv-reduction"></label>
        <textarea id="lv-reduction" data-testid="reduction-text" spellcheck="false"></textarea><div class="row paste"></div></details>
    </section>
    <section aria-label="The answer" aria-live="polite"><h2>The answer, read off the exact constant</h2>
      <p class="error" role="alert" data-testid="reduction-error"></p>
      <p class="answer" data-testid="reduction-answer">–</p><p class="detail soft" data-testid="reduction-detail"></p>
      <svg class="interval" data-figure="interval" viewBox="0 0 600 94" role="img" aria-label="What is proved of L" data-testid="interval"></svg>
      <h2>Every bound, as a multiple of the exact constant</h2>
      <svg class="bounds" data-figure="bounds" viewBox="0 0 600 200" role="img" aria-label="Bounds on one axis" data-testid="reduction-bounds"></svg>
      <p class="soft infinite"></p>
      <details><summary>Why is each where it is?</summary><table class="why"><tbody></tbody></table></details>
    </section>
    <section aria-label="The network"><h2>The network it becomes</h2>
      <svg class="layers" data-figure="layers" viewBox="0 0 600 400" role="img" aria-label="Layers and weights" data-testid="layers"></svg>
      <p class="soft">The number of neurons stands below each layer. Solid lines have positive weight, dashed ones negative. Lit neurons are active where the network is steepest so far.</p>
    </section>
    <section class="more" aria-label="The cube"><h2>The cube’s vertices and their values</h2>
      <svg class="corners" data-figure="corners" viewBox="0 0 600 400" role="img" aria-label="All vertices and their values" data-testid="corners"></svg>
      <p class="soft">Every value is computed directly, for comparison; the green vertex is the one that the network’s witness decodes to.</p>
      <table class="form" data-testid="form"></table>
    </section>
    <section class="size" aria-label="How it is computed"><h2>How it is computed</h2><p class="how"></p><p class="soft proof"></p></section>
  </div>`;
}

// The tab is put together when it is seen the first time.
function render({ model, el }) {
  const root = html("div", { class: "lv" });
  el.append(onTab("reductions", root, () => open(model, root)));
}

function open(model, root) {
  markup(root);
  const $ = (query) => root.querySelector(query);
  let version = Date.now() % 1e9, problem = "satisfiability", picture = null;
  const boxes = {}, editors = {};
  const changed = (name) => () => name === problem && edited();
  let waiting = address().get("places"); // for the graph that the address names
  for (const name of Object.keys(PROBLEMS)) {
    boxes[name] = html("div", { class: `scroll ${name}` });
    $(".editors").append(boxes[name]);
  }
  editors.satisfiability = formulaEditor({ box: boxes.satisfiability, changed: changed("satisfiability") });
  editors["independent-set"] = setEditor({ root, box: boxes["independent-set"], changed: changed("independent-set"), moved: () => toAddress(inAddress()) });
  editors.quadratic = matrixEditor({ box: boxes.quadratic, changed: changed("quadratic") });
  const exporting = exportable(root, "reductions");

  // What is asked -------------------------------------------------------------------------------------
  const ask = (more) => {
    version += 1;
    picture = null;
    model.set("request", { version, problem, ...more });
    model.save_changes();
    $(".error").textContent = "";
    $(".answer").textContent = "…";
    for (const part of [".detail", ".infinite"]) $(part).textContent = "";
    for (const part of ["svg.interval", "svg.bounds", "svg.layers", "svg.corners", ".form", ".why tbody"]) $(part).replaceChildren();
  };
  const inAddress = () => ({ tab: "reductions", problem, [PROBLEMS[problem].key]: editors[problem].inAddress(), places: editors[problem].placesInAddress?.() });
  const edited = () => {
    ask(editors[problem].request());
    $("textarea").value = editors[problem].asText();
    toAddress(inAddress());
  };
  const paste = (text) => ask({ text });

  // Which problem -------------------------------------------------------------------------------------
  const names = Object.keys(PROBLEMS);
  names.forEach((name, k) => $(".choice").append(html("button", { type: "button", role: "radio", "data-testid": `problem-${name}`, "data-name": name,
    onclick: () => { choose(name); edited(); },
    onkeydown: (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = $(".choice").children[(k + step + names.length) % names.length];
      next.focus();
      next.click();
    } }, PROBLEMS[name].name)));
  function choose(name) {
    problem = name;
    const about = PROBLEMS[name], editor = editors[name];
    for (const button of $(".choice").children) {
      button.setAttribute("aria-checked", button.dataset.name === name);
      button.tabIndex = button.dataset.name === name ? 0 : -1;
    }
    for (const other of names) boxes[other].hidden = other !== name;
    root.dataset.problem = name;
    $(".more").hidden = name !== "quadratic";
    $(".title").textContent = { satisfiability: "The formula", "independent-set": "The graph", quadratic: "The matrix A" }[name];
    // Fixed texts of our own.
    $(".formula").innerHTML = about.formula.map((part) => `<math display="block">${part}</math>`).join("");
    $(".threshold").innerHTML = about.threshold;
    for (const part of ["about", "hint", "text", "how"]) $(`.${part}`).textContent = about[part];
    $("p.size").textContent = `Its size: ${about.size}`;
    $(".proof").textContent = `Why the constant answers the problem is proved in ${about.proof} of lipverify’s source.`;
    const seed = html("input", { type: "number", min: "0", max: "999999", value: "1", "aria-label": "Seed of the random example", class: "seed" });
    const examples = Object.entries(editor.presets).map(([title, make]) => html("button", { type: "button",
      onclick: () => { editor.put(make(randomFrom(Number(seed.value) || 0))); if (title.startsWith("random")) seed.value = (Number(seed.value) || 0) + 1; } }, title));
    $(".presets").replaceChildren(html("span", { class: "soft" }, "Examples:"), ...examples.slice(0, -1), html("span", { class: "row seeded" }, ...examples.slice(-1), html("label", { class: "soft" }, "seed ", seed)));
    const copied = html("span", { class: "soft", role: "status" });
    $(".tools").replaceChildren(...editor.buttons(),
      html("button", { type: "button", onclick: async () => { try { await navigator.clipboard.writeText(addressWith(inAddress()).href); copied.textContent = "copied"; } catch { copied.textContent = "the link is in the address bar"; } } }, "Copy link"),
      html("button", { type: "button", "data-testid": "reduction-download", onclick: () => save(editor.asFile() + "\n", editor.file, "text/plain") }, "Download"), exporting, copied);
  }
  $(".paste").append(html("button", { type: "button", "data-testid": "reduction-use", onclick: () => paste($("textarea").value.slice(0, 6_000_000)) }, "Use this"));

  // What Python says ----------------------------------------------------------------------------------
  const answer = {
    satisfiability: (x, s) => x.low === "1" ? `L₂ = ${x.text}: satisfiable` : x.text === null ? `L₂ = 0 or √${picture.variables}: ${s.phase === "done" ? "undecided" : "still open"}` : "L₂ = 0: unsatisfiable",
    "independent-set": (x) => x.text === null ? `L₁ between ${x.low} and ${x.high}` : `L₁ = ${x.text}: ${x.text === "1" ? "one vertex is the most" : `${x.text} vertices are the most`}`,
    quadratic: (x) => x.text === null ? `the maximum is between ${x.low} and ${x.high}` : `L₂² = ${x.text}: the maximum is ${x.low}`,
  };
  const decoded = {
    satisfiability: (t, x) => t.assignment ? "The witness is a satisfying assignment, checked clause by clause; so L₂ is not 0, and by the theorem it is √n." : x.low === "0" && x.text !== null ? `Each of the ${2 ** picture.variables} assignments makes some clause false.` : "",
    "independent-set": (t) => t.set ? `The witness is a set of ${t.set.length}, checked edge by edge; it is green.` : "",
    quadratic: (t) => t.corner ? `The witness is the vertex s = (${[...t.corner].join(", ")}), worth ${t.value}.` : "",
  };
  function showInterval(s) {
    const x = s.exact, common = { lower: x.lower, upper: x.upper, settled: x.text !== null, value: x.value };
    if (problem === "satisfiability") {
      const n = picture.variables, root = Math.sqrt(n);
      return drawInterval($("svg.interval"), { ...common, most: 1.6 * root, marks: [[0, "0"], [root, `√${n}`, true]],
        zones: [[0, root, `L < √${n}: unsatisfiable`, "var(--bad)"], [root, 1.6 * root, `L ≥ √${n}: satisfiable`, "var(--cut)"]] });
    }
    if (problem === "independent-set") {
      const n = editors[problem].graph().labels.length;
      const upper = x.high === "?" ? null : Number(x.high); // L is an integer
      return drawInterval($("svg.interval"), { ...common, upper, most: n, marks: Array.from({ length: n + 1 }, (_, k) => [k, String(k)]) });
    }
    const roots = [...new Set(picture.corners.map(([, value]) => value))];
    drawInterval($("svg.interval"), { ...common, most: 1.25 * Math.sqrt(roots[0] + 0.5), marks: roots.slice(0, 80).map((v, k) => [Math.sqrt(v), k === 0 ? `√${v}` : v === 0 ? "0" : ""]) });
  }
  model.on("change:picture", () => {
    const given = model.get("picture");
    if (given?.version === version) picture = given;
  });
  model.on("change:state", () => {
    const s = model.get("state");
    if (!s || s.version !== version) return;
    if (s.error) { $(".error").textContent = s.error; $(".answer").textContent = "–"; return; }
    if (s.drawing) { const at = waiting; waiting = null; return editors[problem].lay(s.drawing, at); }
    if (!picture) return;
    const x = s.exact;
    $(".answer").textContent = answer[problem](x, s);
    $(".detail").textContent = [x.how, decoded[problem](s.solution, x)].filter(Boolean).join(" ");
    editors[problem].show(s.solution);
    showInterval(s);
    drawBounds({ box: $("svg.bounds"), why: $(".why tbody"), bounds: s.bounds, base: x.text === null ? x.lower : x.value, exact: x.text !== null });
    $(".infinite").textContent = x.value === 0 ? "The constant is 0, so every positive bound is infinitely many times too large." : "";
    drawLayers($("svg.layers"), picture, s.pattern, PROBLEMS[problem].captions);
    if (problem === "quadratic") {
      drawCorners($("svg.corners"), picture, s.solution.corner);
      $(".form").replaceChildren(html("caption", {}, "Q = AAᵀ"), html("tbody", {}, ...picture.form.map((row) => html("tr", {}, ...row.map((v) => html("td", { class: "num" }, String(v)))))));
    }
  });

  const wanted = address().get("problem");
  choose(Object.hasOwn(PROBLEMS, wanted) ? wanted : "satisfiability");
  const given = address().get(PROBLEMS[problem].key);
  if (given) paste(editors[problem].fromAddress(given));
  else edited();
}

export default { render };
