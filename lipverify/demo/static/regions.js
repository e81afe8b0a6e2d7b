// The second tab: a network with two inputs, its regions, and its constant.
const LARGEST = 1 << 20; // bytes of a file
const LONGEST = 3000; // characters of a network in a link
const FIELDS = { box: ["b0", "b1", "b2", "b3"], ball: ["d0", "d1", "d2"] }; // the ball's centre, then its radius
const P_NAMES = { 1: "1", 2: "2", inf: "∞" };

function regionsMarkup(el, first) {
  const root = html("div", { class: "lv regions" });
  // A fixed text of our own: the only place where markup is parsed.
  root.innerHTML = `
  <h1>The regions of a small network</h1>
  <p>Switch every neuron of a ReLU network on or off: where that
    <button type="button" class="word" data-meaning="One bit per neuron: 1 where its input is positive (active), 0 where it is not.">pattern</button> really happens, the network is linear, <math><mi>f</mi><mo stretchy="false">(</mo><mi>x</mi><mo stretchy="false">)</mo><mo>=</mo><mi>J</mi><mi>x</mi><mo>+</mo><mi>c</mi></math>.
    That part of the plane is an <button type="button" class="word" data-meaning="The set of inputs on which the same neurons are active. Here: a convex polygon, perhaps unbounded.">activation region</button>, and the norm of its
    <button type="button" class="word" data-meaning="The matrix J of slopes: one row per output, one column per input.">Jacobian</button> says how steep the network is there.
    The <button type="button" class="word" data-meaning="The largest factor by which the network can stretch a distance between two inputs.">Lipschitz constant</button> is the steepest region’s:
    <math><msub><mi>L</mi><mi>p</mi></msub><mo>=</mo><munder><mi>max</mi><mi>R</mi></munder><msub><mrow><mo>‖</mo><msub><mi>J</mi><mi>R</mi></msub><mo>‖</mo></mrow><mi>p</mi></msub></math>,
    over the <button type="button" class="word" data-meaning="Regions that have an area. A pattern that holds only on a line or at a point is no region: the network need not have that slope anywhere.">full-dimensional</button> regions <math><mi>R</mi></math>.</p>
  <div class="row" role="group" aria-label="Examples"><span class="soft">Examples:</span><span class="presets row"></span></div>
  <p class="soft why" data-testid="r-why"></p>
  <div class="grid three">
    <section aria-label="The answer"><h2>The constant</h2>
      <p class="error" role="alert" data-testid="r-error"></p>
      <div class="row question"></div>
      <p class="answer" data-testid="r-answer" aria-live="polite">–</p><p class="soft" data-testid="r-detail"></p>
      <p class="warn" data-testid="r-incomplete"></p>
      <p class="warn" data-testid="r-closed"></p>
      <div class="scroll"><table class="upper" data-testid="r-bounds"><tbody></tbody></table></div>
    </section>
    <section class="plain" aria-label="The plane"><h2>The plane, exactly</h2>
      <svg class="plane" data-figure="regions" viewBox="0 0 ${SIDE} ${SIDE}" tabindex="0" role="application" data-testid="plane" aria-label="The regions. Arrow keys go to the neighbour, Home to the steepest region, Page Down to the next less steep one; plus and minus zoom."></svg>
      <div class="legend" data-testid="legend"></div>
      <div class="lines"></div>
      <div class="row view"></div>
      <p class="soft">Point at a region, or tap it, to see its slopes.</p><details><summary class="soft">Moving about</summary><p class="soft">The arrow keys walk from region to region, Home goes to the steepest, Page Down on to the next. Drag or Shift+arrows move; +, −, two fingers or the wheel (after a click, or with Ctrl) zoom; 0 fits.</p></details>
    </section>
    <section class="one" aria-label="One region"><h2 data-testid="r-which">One region</h2><p class="soft spoken" aria-live="polite" data-testid="r-spoken"></p><dl class="facts" data-testid="r-facts"></dl></section>
    <section class="wide" aria-label="The network"><h2>The network <span class="soft shape"></span></h2>
      <div class="row build"></div>
      <div class="layers"></div>
      <p class="soft">Write decimals or fractions like 1/3. Weights are <button type="button" class="word" data-meaning="Binary numbers of 53 digits. 0.5 and 3 are among them; 0.1 and 1/3 are not.">float64</button>: a number that is none is replaced by the nearest one, and everything here is exact for that one.
        <span data-testid="r-rounded"></span> Up to ${MOST_LAYERS} hidden layers of ${MOST_NEURONS} neurons, and ${MOST_OUTPUTS} outputs.</p>
      <div class="row random"></div>
      <div class="row files"></div>
    </section>
    <section class="wide" aria-label="All regions"><details data-testid="r-list"><summary>All regions in a table, the steepest first</summary><div class="longlist" tabindex="0" role="region" aria-label="All regions"><table><tbody></tbody></table></div></details></section>
  </div>`;
  el.append(onTab("regions", root, first));
  return root;
}

function render({ model, el }) {
  const root = regionsMarkup(el, () => begin());
  const $ = (query) => root.querySelector(query), say = (id, text) => { $(`[data-testid="${id}"]`).textContent = text; };
  const examples = model.get("examples") ?? [];
  let version = Date.now() % 1e9, foreign = false, timer = null, last = null;
  const past = [], list = $('[data-testid="r-list"]');
  const plane = makePlane($(".plane"), showRegion);
  const table = makeTable($(".layers"), () => { named(""); $(".why").textContent = ""; soon(); });

  // What is asked -----------------------------------------------------------------------------------
  const question = () => {
    const p = $("input[name=lv-p]:checked").value, where = $("input[name=lv-where]:checked").value;
    const fields = (kind) => (where === kind ? FIELDS[kind].map((key) => $(`.limit[data-key=${key}]`).value) : null);
    return { p, box: fields("box"), ball: fields("ball") };
  };
  const ask = (source) => {
    clearTimeout(timer);
    version += 1;
    foreign = !source.layers;
    model.set("request", { version, ...question(), ...source });
    model.save_changes();
    say("r-error", ""); say("r-answer", "…"); say("r-detail", ""); say("r-closed", ""); say("r-incomplete", "");
    $(".upper tbody").replaceChildren();
    $(".plane").classList.add("stale");
    save.disabled = true;
  };
  const settle = () => { // what was there before can be undone
    const now = table.get();
    if (last && JSON.stringify(last) !== JSON.stringify(now)) past.push(last);
    last = now;
    undo.disabled = !past.length;
  };
  const askTable = () => { settle(); ask(last); remember(); };
  const soon = () => { clearTimeout(timer); timer = setTimeout(askTable, 250); };
  const remember = () => {
    const text = encode(table.get()), { p, box, ball } = question();
    say("r-link", text.length > LONGEST ? "too long for a link: download it" : "");
    toAddress({ r: text.length > LONGEST ? "" : text, rp: p, rb: box ? box.join(",") : "", rd: ball ? ball.join(",") : "" });
  };
  const put = (net) => { table.put(net); askTable(); };

  // What Python says ---------------------------------------------------------------------------------
  const LP = () => `L${{ 1: "₁", 2: "₂", inf: "_∞" }[question().p]}`;
  model.on("change:state", () => {
    const s = model.get("state");
    if (!s || s.version !== version) return;
    if (s.error) { say("r-error", s.error); say("r-answer", "–"); return; }
    if (foreign) {
      foreign = false;
      table.put(s.table);
      settle(); remember();
    }
    table.mark(s.rounded);
    const near = Object.keys(s.rounded).length;
    say("r-rounded", near ? `${near === 1 ? "One number is" : `${near} numbers are`} none here, and underlined.` : "");
    for (const input of root.querySelectorAll(".limit")) {
      const value = s.rounded[input.dataset.key];
      input.classList.toggle("near", value !== undefined);
      input.title = value === undefined ? "" : `no float64; ${value} is taken`;
    }
    $(".shape").textContent = `2 → ${s.table.layers.map((layer) => layer.length).join(" → ")}`;
    const picture = model.get("picture"), tops = picture?.version === version ? picture.tops : 0;
    const x = s.exact, n = (k, noun) => `${k} ${noun}${k === 1 ? "" : "s"}`;
    if (!x) {
      say("r-answer", "…");
      say("r-detail", `${n(s.count, "region")} so far`);
    } else {
      say("r-answer", `${LP()} = ${x.text}`);
      const same = x.agrees === null ? "" : x.agrees ? " The steepest of the polygons drawn here, computed another way, has just this norm." : " BUT the polygons drawn here say otherwise: please report this.";
      say("r-detail", x.done ? `${x.rigor.toLowerCase()}: ${x.meaning}. ${n(x.regions, "region")}${question().box ? " in the box" : question().ball ? " in the ball" : ""}${tops && s.complete ? `, of which ${tops === 1 ? "one is steepest (★)" : `${tops} are steepest (★)`}` : ""}.${same}` : `not settled within the time that the page allows; ${n(x.regions ?? 0, "region")} so far`);
    }
    say("r-incomplete", !s.complete && s.phase !== "regions" ? `Incomplete picture: there are more than ${s.limit} regions, and the page draws the first ${s.limit} that it finds. Blank parts hold the others.` : "");
    if (s.subject) $('[data-testid="r-detail"]').append(` (${s.subject})`);
    $(".upper tbody").replaceChildren(...(s.bounds.length ? [html("tr", {}, ...["bound", "", "÷ exact", ""].map((t) => html("th", {}, t)))] : []), ...s.bounds.map((b) => html("tr", {},
      html("td", {}, word(b.name, b.why)), html("td", { class: "num" }, `≤ ${b.text}`), html("td", { class: "num" }, b.ratio === null ? "" : b.ratio.toFixed(4)), html("td", {}, word(b.rigor.toLowerCase(), b.meaning)))));
    showClosed(s.closed);
  });
  function showClosed(c) {
    if (c?.at) plane.cross(c.at);
    if (!c) return say("r-closed", "");
    const some = c.extra === 1 ? "One more pattern satisfies" : `${c.extra} more patterns satisfy`;
    say("r-closed", c.skipped ? `Not all patterns that hold on boundaries only were looked at: ${c.skipped}.`
      : !c.extra ? ""
      : c.wrong ? `The trap: full-dimensional, not closed. ${some} all inequalities if “= 0” counts, but only on a line or at a point. Accepting them would give ${c.text}${c.ratio ? `, ${c.ratio.toFixed(3)} times too much` : " instead of 0"}: pattern ${c.pattern.join(" ")} at ${c.point}, marked ✕.`
      : `${some} all inequalities if “= 0” counts, but only on a line or at a point. Here that would change nothing: none is steeper.`);
    $('[data-testid="r-closed"]').classList.toggle("warn", Boolean(c.wrong || c.skipped));
    $('[data-testid="r-closed"]').classList.toggle("soft", !(c.wrong || c.skipped));
  }
  model.on("change:picture", () => {
    const picture = model.get("picture");
    if (!picture || picture.version !== version) return;
    $(".plane").classList.remove("stale");
    plane.show(picture);
    showLegend(picture); showRegion(null); showList(picture);
  });
  model.on("change:file", () => { save.disabled = model.get("file")?.version !== version; });

  const regionsNow = () => { const picture = model.get("picture"); return picture?.version === version ? picture : null; }; // null: a newer one is under way
  const bits = (pattern) => (pattern.length ? pattern.map((layer) => html("span", { class: "bits" }, layer)) : ["– (no neuron)"]);
  const fact = (name, meaning, ...value) => [html("dt", {}, meaning ? word(name, meaning) : name), html("dd", {}, ...value)];
  function showRegion(k, spoken = false) {
    const picture = regionsNow();
    if (!picture) return;
    const r = picture.regions[k ?? 0], equals = picture.regions.filter((other) => other.text === r.text && other.norm === r.norm).length;
    say("r-which", k === null ? (picture.tops > 1 ? `One of the ${picture.tops} steepest regions` : "The steepest region") : `Region ${k + 1} of ${picture.count}${r.top ? " ★ steepest" : ""}`);
    say("r-spoken", spoken ? `Pattern ${r.pattern.join(" ")}, norm ${r.text}${r.top ? ", the steepest" : ""}, ${/^\d/.test(r.area) ? `area ${r.area}` : r.area}.` : "");
    const matrix = (rows) => html("table", { class: "matrix" }, html("tbody", {}, ...rows.map((row) => html("tr", {}, ...row.map((v) => html("td", {}, v))))));
    $(".facts").replaceChildren(
      ...fact("norm", "", html("span", { class: "swatch", style: `background:${plane.shade(r)}` }), `‖J‖${{ 1: "₁", 2: "₂", inf: "_∞" }[question().p]} = ${r.text}`, html("span", { class: "soft" }, equals > 1 ? ` (${equals} regions alike)` : "")),
      ...fact("pattern", "One group per hidden layer, one bit per neuron: 1 is active.", ...bits(r.pattern)),
      ...fact("J", "The Jacobian: f(x) = Jx + c on this region.", matrix(r.jacobian)),
      ...fact("c", "", r.offset.join(", ")),
      ...fact("area", "", r.area),
      ...(r.corners.length ? fact("corners", "", r.corners.join("  ")) : []));
  }
  function showLegend(picture) {
    const values = new Map();
    for (const r of picture.regions) { const at = values.get(r.text) ?? { r, n: 0 }; at.n += 1; values.set(r.text, at); }
    const p = { 1: "₁", 2: "₂", inf: "_∞" }[question().p];
    if (values.size <= 6) {
      $(".legend").replaceChildren(html("span", { class: "soft" }, `‖J‖${p}: `), ...[...values.values()].map(({ r, n }) => html("span", { style: "margin-right:14px;white-space:nowrap" }, html("span", { class: "swatch", style: `background:${plane.shade(r)}` }), `${r.top ? "★ " : ""}${r.text.split(" = ").at(-1)}`, html("span", { class: "soft" }, ` ×${n}`))));
    } else {
      const low = picture.regions.at(-1).norm, high = picture.regions[0].norm;
      $(".legend").replaceChildren(html("div", { class: "bar", style: `background:linear-gradient(to right,${SCALE.join(",")})` }),
        html("div", { class: "ends" }, ...[0, 0.25, 0.5, 0.75, 1].map((t) => html("span", {}, `${t === 0 ? `‖J‖${p} = ` : ""}${Number((low + t * (high - low)).toPrecision(4))}${t === 1 ? " ★" : ""}`))));
    }
    const layers = picture.regions[0].pattern.length;
    $(".lines").replaceChildren(...Array.from({ length: layers }, (_, k) => html("span", {}, svg("svg", { viewBox: "0 0 44 14", "aria-hidden": "true" }, svg("line", { x1: 2, x2: 42, y1: 7, y2: 7, stroke: "#fff", "stroke-width": 2.6 - 0.5 * k, "stroke-dasharray": DASHES[k] })), `neurons of layer ${k + 1} switch`)),
      ...(layers ? [html("span", {}, "★ and hatching: steepest")] : []));
  }
  function showList(picture) {
    if (!list.open) return;
    $(".longlist tbody").replaceChildren(html("tr", {}, ...["#", "norm", "pattern", "area"].map((t) => html("th", { scope: "col" }, t))), ...picture.regions.map((r, k) => {
      const here = () => plane.pin(k);
      return html("tr", { tabindex: "0", onclick: here, onkeydown: (event) => { if (event.key === "Enter") here(); } }, html("td", { class: "num" }, `${k + 1}${r.top ? " ★" : ""}`), html("td", {}, r.text), html("td", {}, ...bits(r.pattern)), html("td", {}, r.area));
    }));
  }
  list.addEventListener("toggle", () => { const picture = regionsNow(); if (picture) showList(picture); });

  // Buttons ------------------------------------------------------------------------------------------
  const button = (text, act, more = {}) => html("button", { type: "button", onclick: act, ...more }, text);
  const named = (name) => { for (const b of $(".presets").children) b.setAttribute("aria-pressed", b.textContent === name); };
  for (const { name, why } of examples) $(".presets").append(button(name, () => { ask({ example: name }); named(name); $(".why").textContent = why; }, { "aria-pressed": "false", title: why }));
  const choice = (group, value, text, on) => html("label", { class: "choice" }, html("input", { type: "radio", name: group, value, ...(on ? { checked: "" } : {}), onchange: () => { follow(); askTable(); } }), text);
  const limit = (key, value, name) => html("input", { type: "text", class: "limit", value, size: "5", "data-key": key, "aria-label": name, oninput: () => soon() });
  $(".question").append(
    html("fieldset", {}, html("legend", {}, "p ="), ...Object.entries(P_NAMES).sort((a, b) => (a[0] < b[0] ? -1 : 1)).map(([value, text]) => choice("lv-p", value, text, value === "2"))),
    html("fieldset", {}, html("legend", {}, "over"), choice("lv-where", "all", "the whole plane", true), choice("lv-where", "box", "a box", false), choice("lv-where", "ball", "a ball", false)),
    html("div", { class: "limits box", hidden: "" }, html("span", {}, limit("b0", "-1", "smallest x₁"), " ≤ x₁ ≤ ", limit("b1", "1", "largest x₁")), html("span", {}, limit("b2", "-1", "smallest x₂"), " ≤ x₂ ≤ ", limit("b3", "1", "largest x₂"))),
    html("div", { class: "limits ball", hidden: "" }, html("span", {}, "within ", limit("d2", "1", "radius"), " of "), html("span", {}, "(", limit("d0", "0", "centre x₁"), ", ", limit("d1", "0", "centre x₂"), "), in ℓ₂")));
  const follow = () => { for (const kind of ["box", "ball"]) $(`.limits.${kind}`).hidden = !$(`input[name=lv-where][value=${kind}]`).checked; };
  $(".view").append(button("+", () => plane.zoom(1 / 1.5), { "aria-label": "Zoom in" }), button("−", () => plane.zoom(1.5), { "aria-label": "Zoom out" }), button("Fit", () => plane.fit(), { "data-testid": "r-fit" }), button("Fit all", () => plane.fit(true)),
    button("←", () => plane.pan(-0.5, 0), { "aria-label": "Move left" }), button("→", () => plane.pan(0.5, 0), { "aria-label": "Move right" }), button("↑", () => plane.pan(0, 0.5), { "aria-label": "Move up" }), button("↓", () => plane.pan(0, -0.5), { "aria-label": "Move down" }), button("★", () => plane.pin(0), { "aria-label": "Go to the steepest region" }));
  const undo = button("Undo", () => { last = past.pop(); put(last); }, { "data-testid": "r-undo", disabled: "" });
  $(".build").append(button("Add layer", () => table.addLayer()), button("Remove last hidden layer", () => table.removeLayer()), undo,
    html("label", { class: "choice" }, html("input", { type: "checkbox", onchange: (event) => table.showSlopes(event.target.checked) }), "slopes other than ReLU’s"));
  const widths = html("input", { type: "text", value: "6, 6", size: "8", "aria-label": "Neurons of the hidden layers" }), seed = html("input", { type: "number", value: "1", min: "0", max: "999999999", style: "width:7em", "aria-label": "Seed", "data-testid": "r-seed" });
  const randomly = () => { const hidden = widths.value.trim() ? widths.value.split(/[\s,;]+/).filter(Boolean).map(Number) : []; ask({ random: { hidden, outputs: 1, seed: Number(seed.value) } }); named(""); $(".why").textContent = `Random weights in eighths, hidden layers ${widths.value || "none"}, seed ${seed.value}: the same seed gives the same network.`; };
  $(".random").append(html("label", { class: "choice" }, "Random network, hidden layers", widths), html("label", { class: "choice" }, "seed", seed), button("Draw", randomly, { "data-testid": "r-random" }), button("Next seed", () => { seed.value = String(Number(seed.value) + 1); randomly(); }));

  const open = html("input", { type: "file", accept: ".json,.npz,.onnx,.pt,.pth", "data-testid": "r-open", onchange: async () => {
    const file = open.files[0];
    open.value = "";
    if (!file) return;
    if (file.size > LARGEST) { say("r-error", `${short(file.name, 60)} holds ${file.size} bytes; the page reads up to ${LARGEST}. The library has no such limit.`); return; }
    const bytes = new Uint8Array(await file.arrayBuffer());
    let text = "";
    for (let k = 0; k < bytes.length; k += 8192) text += String.fromCharCode(...bytes.subarray(k, k + 8192));
    ask({ file: { name: file.name, data: btoa(text) } });
    named(""); $(".why").textContent = `From the file ${file.name}.`;
  } });
  const save = button("Download as .json", () => {
    const a = html("a", { href: URL.createObjectURL(new Blob([model.get("file").text], { type: "application/json" })), download: "network.json" });
    a.click(); URL.revokeObjectURL(a.href);
  }, { "data-testid": "r-download", disabled: "" });
  const copied = html("span", { class: "soft", role: "status", "data-testid": "r-link" });
  $(".files").append(html("label", { class: "choice" }, "Open a file (.json, .npz, .onnx, .pt; up to 1 MiB):", open), save,
    button("Copy link", async () => { remember(); if (copied.textContent) return; try { await navigator.clipboard.writeText(location.href); copied.textContent = "copied"; } catch { copied.textContent = "the link is in the address bar"; } }), exportable(root, "regions"), copied);

  function begin() {
    const asked = address(), p = asked.get("rp");
    if (p in P_NAMES) $(`input[name=lv-p][value="${p}"]`).checked = true;
    for (const [kind, text] of [["box", asked.get("rb")], ["ball", asked.get("rd")]]) {
      if (!text) continue;
      $(`input[name=lv-where][value=${kind}]`).checked = true;
      follow();
      text.split(",").slice(0, FIELDS[kind].length).forEach((value, k) => { $(`.limit[data-key=${FIELDS[kind][k]}]`).value = value; });
    }
    if (asked.get("r")) {
      const net = decode(asked.get("r"));
      if (net.layers.length > MOST_LAYERS + 1 || net.layers.some((layer) => layer.length > MOST_NEURONS || layer.some((row) => row.length > MOST_NEURONS + 1))) return ask(net); // Python has a word on it
      return put(net);
    }
    if (examples.length) $(".presets").children[0].click();
  }
  return () => clearTimeout(timer);
}

export default { render };
