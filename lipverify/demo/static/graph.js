// A graph that a visitor draws with mouse, finger or keyboard.
const W = 600, H = 420, R = matchMedia("(max-width: 600px)").matches ? 25 : 17; // a finger is wider than a mouse
const PAST = 100; // drawings that can be undone
const FOCUSABLE = 40; // edges up to which Tab stops at each

const circle = (n, radius = 160, turn = -Math.PI / 2) =>
  Array.from({ length: n }, (_, k) => [
    W / 2 + radius * Math.cos(turn + (2 * Math.PI * k) / n),
    H / 2 + radius * Math.sin(turn + (2 * Math.PI * k) / n),
  ]);
const ring = (n) => Array.from({ length: n }, (_, k) => [k, (k + 1) % n]);
const random = (n, p) => {
  const edges = [];
  for (let u = 0; u < n; u++) for (let v = u + 1; v < n; v++) if (Math.random() < p) edges.push([u, v]);
  return edges.length ? edges : ring(n);
};
const PRESETS = {
  triangle: () => ({ places: circle(3, 130), edges: ring(3) }),
  "5-cycle": () => ({ places: circle(5), edges: ring(5) }),
  Petersen: () => ({
    places: [...circle(5, 180), ...circle(5, 90)],
    edges: [...ring(5), ...[0, 1, 2, 3, 4].map((k) => [k, k + 5]), ...[0, 1, 2, 3, 4].map((k) => [5 + k, 5 + ((k + 2) % 5)])],
  }),
  "K₃,₃": () => ({
    places: [0, 1, 2, 3, 4, 5].map((k) => [k < 3 ? 200 : 400, 90 + 120 * (k % 3)]),
    edges: [0, 1, 2].flatMap((u) => [3, 4, 5].map((v) => [u, v])),
  }),
  "random, 12": () => ({ places: circle(12, 180), edges: random(12, 0.5) }),
  "random, 30": () => ({ places: circle(30, 190), edges: random(30, 0.3) }),
};

const EXAMPLES = {
  // Three pentagons in a row: every bound misses, and greedy SeqLip falls short of the truth in this order of the vertices.
  lesson: () => ({
    places: [[105, 125], [560, 210], [240, 100], [240, 320], [485, 115], [205, 210], [105, 295], [385, 100], [385, 320], [485, 305]],
    edges: [[0, 2], [0, 6], [1, 4], [1, 9], [2, 5], [2, 7], [3, 5], [3, 6], [3, 8], [4, 7], [7, 8], [8, 9]],
  }),
};

// Draws on `canvas`, an <svg> of W × H. `changed` is called when vertices or edges are others, `moved` when only places are,
// `drawn` after every drawing; `look` gives a drawing's colours: {vertex(k) → [class, words], edge(u, v) → class}.
// `pointed(e)` is told which edge is pointed at or focused (null: none); `clicked(k)` may take a click on a vertex for
// itself; while `locked()` nothing can be drawn.
function graphEditor({ root, canvas, start, changed, moved = () => {}, drawn = () => {}, look, pointed = () => {}, clicked = () => false, locked = () => false }) {
  let labels = start.labels ?? start.places.map((_, k) => String(k + 1));
  let { places, edges } = start;
  let picked = null, drag = null;
  const past = [];
  const copyOf = () => ({ labels: [...labels], places: places.map((p) => [...p]), edges: edges.map((e) => [...e]) });
  const keep = (was = copyOf()) => { past.push(was); if (past.length > PAST) past.shift(); back.disabled = false; };
  const altered = () => { changed(); draw(); };
  const undo = () => {
    const was = past.pop();
    if (!was) return;
    ({ labels, places, edges } = was);
    picked = null;
    back.disabled = !past.length;
    altered();
  };
  const back = html("button", { type: "button", onclick: undo, "data-testid": "undo" }, "Undo");
  back.disabled = true;

  const inside = ([x, y]) => [Math.min(W - R, Math.max(R, x)), Math.min(H - R, Math.max(R, y))];
  // The nearest place where a vertex hides no other; null where there is none nearby.
  const free = (p, self = -1) => {
    const clear = (q) => places.every((other, k) => k === self || Math.hypot(q[0] - other[0], q[1] - other[1]) >= 2 * R + 2);
    if (clear(p)) return p;
    for (let r = 8; r <= 8 * R; r += 8) {
      const around = Array.from({ length: 24 }, (_, k) => inside([p[0] + r * Math.cos((k * Math.PI) / 12), p[1] + r * Math.sin((k * Math.PI) / 12)]));
      const found = around.find(clear);
      if (found) return found;
    }
    return null;
  };
  const add = (x, y) => {
    keep();
    let name = labels.length + 1;
    while (labels.includes(String(name))) name += 1;
    labels.push(String(name)); places.push(free(inside([x, y])) ?? [x, y]);
    altered();
    canvas.querySelectorAll(".v")[labels.length - 1].focus();
  };
  const addSomewhere = () => {
    const room = (p) => Math.min(Infinity, ...places.map((q) => Math.hypot(p[0] - q[0], p[1] - q[1])));
    const spots = circle(16, 150).concat(circle(8, 80), [[W / 2, H / 2]]);
    add(...spots.reduce((a, b) => (room(b) > room(a) + 1 ? b : a)));
  };
  const remove = (k) => {
    keep();
    labels.splice(k, 1); places.splice(k, 1);
    edges = edges.filter((e) => !e.includes(k)).map((e) => e.map((v) => (v > k ? v - 1 : v)));
    picked = null;
    altered();
    canvas.focus();
  };
  const toggle = (u, v) => {
    keep();
    const at = edges.findIndex((e) => e.includes(u) && e.includes(v));
    if (at >= 0) edges.splice(at, 1); else edges.push([u, v]);
    picked = null;
    altered();
  };
  const pick = (k) => {
    if (clicked(k)) return draw();
    if (picked === null) picked = k;
    else if (picked === k) picked = null;
    else return toggle(picked, k);
    draw();
  };
  const put = (graph) => {
    keep();
    places = graph.places.map((p) => [...p]); edges = graph.edges.map((e) => [...e]);
    labels = graph.labels ?? places.map((_, k) => String(k + 1));
    picked = null;
    altered();
  };
  const where = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * W) / box.width, ((event.clientY - box.top) * H) / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    const vertex = event.target.closest(".v");
    drag = { k: vertex ? Number(vertex.dataset.k) : null, hit: event.target.dataset.e, from: where(event), moved: false, was: copyOf() };
    if (vertex) canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag || drag.k === null) return;
    const [x, y] = where(event);
    if (!drag.moved && Math.hypot(x - drag.from[0], y - drag.from[1]) < 6) return;
    drag.moved = true;
    places[drag.k] = inside([x, y]);
    draw();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const was = drag;
    drag = null;
    if (was.moved) {
      places[was.k] = free(places[was.k], was.k) ?? was.was.places[was.k]; // dropped on a vertex: beside it
      keep(was.was);
      moved();
      return draw();
    }
    if (was.k !== null) return pick(was.k);
    if (locked()) return;
    if (was.hit !== undefined) return toggle(...edges[Number(was.hit)]);
    add(...inside(where(event)));
  });
  canvas.addEventListener("pointercancel", () => { drag = null; });
  const edgeAt = (event) => (event.target.dataset?.e === undefined ? null : Number(event.target.dataset.e));
  canvas.addEventListener("pointerover", (event) => { if (!drag) pointed(edgeAt(event)); });
  canvas.addEventListener("pointerleave", () => pointed(null));
  canvas.addEventListener("focusin", (event) => pointed(edgeAt(event)));
  canvas.addEventListener("keydown", (event) => {
    const vertex = event.target.closest(".v"), e = edgeAt(event);
    const k = vertex ? Number(vertex.dataset.k) : null;
    const arrows = { ArrowLeft: [-15, 0], ArrowRight: [15, 0], ArrowUp: [0, -15], ArrowDown: [0, 15] };
    if ((event.ctrlKey || event.metaKey) && event.key === "z") { event.preventDefault(); return undo(); }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (locked() && !["Enter", " ", ...Object.keys(arrows)].includes(event.key)) return;
    if (event.key === "a" || event.key === "A") addSomewhere();
    else if (event.key === "Escape") { picked = null; draw(); }
    else if (e !== null && (event.key === "Delete" || event.key === "Backspace")) { toggle(...edges[e]); canvas.focus(); }
    else if (k === null) return;
    else if (event.key === "Enter" || event.key === " ") pick(k);
    else if (event.key === "Delete" || event.key === "Backspace") remove(k);
    else if (arrows[event.key]) {
      keep();
      const to = inside([places[k][0] + arrows[event.key][0], places[k][1] + arrows[event.key][1]]);
      places[k] = free(to, k) ?? places[k];
      moved();
      draw();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  const focused = () => root.getRootNode().activeElement?.dataset ?? {};

  function draw() {
    const colours = look(), { k: atVertex, e: atEdge } = focused();
    const lines = edges.map(([u, v], k) => svg("line", { x1: places[u][0], y1: places[u][1], x2: places[v][0], y2: places[v][1], class: `e ${colours.edge(u, v)}` }));
    const grips = edges.map(([u, v], k) => svg("line", { x1: places[u][0], y1: places[u][1], x2: places[v][0], y2: places[v][1], class: "hit", "data-e": k,
      ...(edges.length <= FOCUSABLE ? { tabindex: "0", role: "img", "aria-label": `edge ${labels[u]} – ${labels[v]}${colours.words?.(u, v) ?? ""}` } : {}) }));
    const size = labels.length > 20 ? R - 5 : R;
    const dots = labels.map((label, k) => {
      const [kind, words] = colours.vertex(k);
      const vertex = svg("g", { class: `v ${kind}${picked === k ? " picked" : ""}`, tabindex: "0", role: "button", "data-k": k, "aria-label": `vertex ${label}${words}`, "aria-pressed": picked === k });
      const name = svg("text", { x: places[k][0], y: places[k][1] });
      name.textContent = short(label, 4);
      const title = svg("title");
      title.textContent = label;
      vertex.append(title, svg("circle", { cx: places[k][0], cy: places[k][1], r: size }), name);
      return vertex;
    });
    canvas.replaceChildren(...lines, ...grips, ...dots);
    if (atVertex !== undefined) canvas.querySelectorAll(".v")[atVertex]?.focus();
    if (atEdge !== undefined) canvas.querySelectorAll(".hit")[atEdge]?.focus();
    drawn();
  }
  // Which edge is pointed at: only its class changes, nothing is drawn anew.
  const point = (e) => canvas.querySelectorAll(".e").forEach((line, k) => line.classList.toggle("pointed", k === e));

  const asText = () =>
    [...labels.filter((_, k) => !edges.some((e) => e.includes(k))), ...edges.map(([u, v]) => `${labels[u]} ${labels[v]}`)].join("\n");
  // Places in the order in which the words of the text come, which is the order of whoever reads it.
  const inOrder = () => [...new Set(asText().split(/\s/))].map((name) => places[labels.indexOf(name)].map((x) => Math.round(x)).join("."));
  const laid = (n, at) => {
    const given = (at ?? "").split("_").map((p) => p.split(".").map(Number)).map(([x, y]) => inside([x, y]));
    return given.length === n && given.every((p) => p.every(Number.isFinite)) ? given : circle(n, 185);
  };
  return {
    draw, put, asText, undo, point,
    graph: () => ({ labels, edges }),
    inAddress: () => asText().replaceAll("\n", ",").replaceAll(" ", "-"),
    placesInAddress: () => (labels.length ? inOrder().join("_") : ""),
    lay: (graph, at) => put({ ...graph, places: laid(graph.labels.length, at) }),
    buttons: () => [
      html("button", { type: "button", onclick: addSomewhere }, "Add vertex"),
      html("button", { type: "button", onclick: () => picked !== null && remove(picked) }, "Delete picked"),
      back,
      html("button", { type: "button", onclick: () => put({ places: [], edges: [] }) }, "Clear"),
    ],
  };
}

const fromAddress = (given) => given.replaceAll(",", "\n").replaceAll("-", " ");
