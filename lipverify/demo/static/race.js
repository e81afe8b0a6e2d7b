// The last step of the lesson: a live race of the methods, and where its lines lead.
const RACERS = { enumeration: ["var(--bad)", "every region"], "branch-and-bound": ["var(--on)", "branch and bound"], lipsdp: ["var(--cut)", "LipSDP (an estimate)"], autolip: ["var(--off)", "AutoLip (an estimate)"] };
const YEAR = 365.25 * 86400;
const TICKS = [[1e-3, "1 ms"], [1, "1 second"], [3600, "1 hour"], [YEAR, "1 year"], [1e3 * YEAR, "1000 years"], [1e6 * YEAR, "10⁶ years"], [13.8e9 * YEAR, "the universe"]];
const MOST = 100;
const NARROW = matchMedia("(max-width: 600px)").matches;
const [WIDE, TALL, LEFT] = NARROW ? [600, 620, 190] : [900, 420, 130];

function render({ model, el }) {
  const root = html("div", { class: "lv race" });
  // A fixed text of our own: the only place where markup is parsed.
  root.innerHTML = `
  <section aria-label="The race"><h2>The race, on this machine</h2>
    <div class="row here-only" role="group" aria-label="What to race on"></div>
    <p class="soft" data-testid="race-what"></p>
    <svg class="racing" data-figure="race" viewBox="0 0 ${WIDE} ${TALL}" role="img" aria-label="Seconds against vertices, on a logarithmic axis" data-testid="race"></svg>
    <p data-testid="race-told" aria-live="polite"></p>
    <p data-testid="race-moral"></p>
    <p class="soft">Dots are measured, one problem each; ✕ was not finished in time. A line goes through the last dots; what it says of larger graphs is a guess about this family on this machine, and no theorem.
      The theorem is that no method at all can be fast on every graph, unless P = NP.</p>
    <div class="row tools"></div>
  </section>`;
  el.append(root);
  explain(root);
  const $ = (query) => root.querySelector(query), say = (id, text) => { $(`[data-testid="${id}"]`).textContent = text; };
  let version = Date.now() % 1e9, started = false, family = null;
  const ask = (request) => {
    version += 1;
    model.set("request", { version, ...request });
    model.save_changes();
  };
  const start = (name) => { started = true; family = name; ask({ family: name }); choose(); halt.disabled = false; say("race-what", "warming up …"); say("race-told", ""); say("race-moral", ""); };
  const choice = (name, text) => html("button", { type: "button", "data-name": name, "data-testid": `race-${name}`, "aria-pressed": "false", onclick: () => start(name) }, text);
  const halt = html("button", { type: "button", "data-testid": "race-stop", onclick: () => { ask({ stop: true }); halt.disabled = true; say("race-what", "stopped"); } }, "Stop");
  halt.disabled = true;
  const choices = [choice("cuts", "Random cuts: branch and bound wins"), choice("sets", "Independent sets: it does not")];
  const choose = () => { for (const button of choices) button.setAttribute("aria-pressed", button.dataset.name === family); };
  $(".row").append(...choices, halt);
  $(".tools").append(exportable(root, "race"));

  function draw(s) {
    const parts = [], label = (t, at) => { const n = svg("text", at); n.textContent = t; parts.push(n); };
    const low = -3, high = Math.log10(13.8e9 * YEAR) + 0.6, right = WIDE - 25, x = (n) => LEFT + (n / MOST) * (right - LEFT), y = (log) => TALL - 45 - ((Math.max(low, log) - low) / (high - low)) * (TALL - 70);
    for (const [seconds, text] of TICKS) {
      const at = y(Math.log10(seconds));
      parts.push(svg("line", { x1: LEFT, x2: right, y1: at, y2: at, stroke: "var(--line)" }));
      label(text, { x: LEFT - 8, y: at + 5, "text-anchor": "end" });
    }
    for (const n of NARROW ? [0, 20, 40, 100] : [0, 20, 40, 60, 80, 100]) label(n === MOST ? "100 vertices" : String(n), { x: n === MOST ? right : x(n), y: TALL - 18, "text-anchor": n === MOST ? "end" : "middle" });
    let row = 0;
    const spacing = NARROW ? 32 : 23;
    for (const runner of s?.runners ?? []) {
      const [colour, name] = RACERS[runner.name];
      if (runner.line) {
        const [a, b] = runner.line, from = runner.points.at(-1)[0], to = Math.min(runner.reach, (high - a) / b);
        parts.push(svg("line", { x1: x(runner.points[0][0]), y1: y(a + b * runner.points[0][0]), x2: x(from), y2: y(a + b * from), stroke: colour, "stroke-width": 2.5 }));
        parts.push(svg("line", { x1: x(from), y1: y(a + b * from), x2: x(to), y2: y(a + b * to), stroke: colour, "stroke-width": 2.5, "stroke-dasharray": "7 6", class: "guess" }));
      }
      for (const [n, seconds] of runner.points) parts.push(svg("circle", { cx: x(n), cy: y(Math.log10(Math.max(1e-3, seconds))), r: 4.5, fill: colour, class: "measured", "data-runner": runner.name }));
      if (runner.left) label("✕", { x: x(runner.left), y: y(Math.log10(s.cap)) + 5, "text-anchor": "middle", style: `fill:${colour};font-weight:700` });
      parts.push(svg("circle", { cx: LEFT + 18, cy: 44 + spacing * row, r: 6, fill: colour }));
      label(`${NARROW ? name.replace(" (an estimate)", "") : name}${runner.factor ? `: × ${runner.factor.toPrecision(3)}${NARROW ? "" : " per vertex"}` : ""}`, { x: LEFT + 32, y: 50 + spacing * row });
      row += 1;
    }
    $("svg").replaceChildren(...parts);
  }
  model.on("change:state", () => {
    const s = model.get("state");
    if (!s || s.version !== version) return;
    if (s.error) return say("race-what", s.error);
    const racing = s.phase !== "done";
    halt.disabled = !racing;
    say("race-what", `${s.what[0].toUpperCase()}${s.what.slice(1)}; ${racing ? `${s.phase} …` : "done."} Each exact method races until a problem takes it more than ${s.cap} seconds.`);
    const told = s.runners.filter((r) => r.told.length).map((r) => `${RACERS[r.name][1]}: ${r.told.map(([n, text]) => `${text} for ${n} vertices`).join(", ")}`);
    say("race-told", told.length ? `If the lines go on – ${told.join("; ")}.` : "");
    say("race-moral", racing ? "" : s.moral);
    draw(s);
  });
  const follow = (tab, step) => {
    root.hidden = tab !== "cuts" || !["explosion", "all"].includes(step);
    if (!root.hidden && step === "explosion" && !started) start("cuts");
  };
  let tab = openTab(), step = address().get("step");
  addEventListener("lipverify-tab", (event) => { tab = event.detail; follow(tab, step); });
  addEventListener("lipverify-step", (event) => { step = event.detail; follow(tab, step); });
  draw(null);
  choose();
  queueMicrotask(() => follow(tab, step));
}

export default { render };
