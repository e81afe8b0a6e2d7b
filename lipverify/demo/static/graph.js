// A graph that a visitor draws with mouse, finger or keyboard.
const W = 600, H = 420, R = matchMedia("(max-width: 600px)").matches ? 25 : 17; // a finger is wider than a mouse

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

// Draws on `canvas`, an <svg> of W × H. `changed` is called when vertices or edges are others, `drawn` after every drawing;
// `look` gives a drawing's colours: {vertex(k) → [class, words], edge(u, v) → class}.
function graphEditor({ root, canvas, start, changed, drawn = () => {}, look }) {
  let labels = start.places.map((_, k) => String(k + 1));
  let { places, edges } = start;
  let picked = null, drag = null;
  const altered = () => { changed(); draw(); };

  const add = (x, y) => {
    let name = labels.length + 1;
    while (labels.includes(String(name))) name += 1;
    labels.push(String(name)); places.push([x, y]);
    altered();
    canvas.querySelectorAll(".v")[labels.length - 1].focus();
  };
  const addSomewhere = () => {
    const free = (p) => Math.min(Infinity, ...places.map((q) => Math.hypot(p[0] - q[0], p[1] - q[1])));
    const spots = circle(16, 150).concat(circle(8, 80), [[W / 2, H / 2]]);
    add(...spots.reduce((a, b) => (free(b) > free(a) + 1 ? b : a)));
  };
  const remove = (k) => {
    labels.splice(k, 1); places.splice(k, 1);
    edges = edges.filter((e) => !e.includes(k)).map((e) => e.map((v) => (v > k ? v - 1 : v)));
    picked = null;
    altered();
    canvas.focus();
  };
  const toggle = (u, v) => {
    const at = edges.findIndex((e) => e.includes(u) && e.includes(v));
    if (at >= 0) edges.splice(at, 1); else edges.push([u, v]);
    picked = null;
    altered();
  };
  const pick = (k) => {
    if (picked === null) picked = k;
    else if (picked === k) picked = null;
    else return toggle(picked, k);
    draw();
  };
  const put = (graph) => {
    places = graph.places.map((p) => [...p]); edges = graph.edges.map((e) => [...e]);
    labels = graph.labels ?? places.map((_, k) => String(k + 1));
    picked = null;
    altered();
  };
  const where = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * W) / box.width, ((event.clientY - box.top) * H) / box.height];
  };
  const inside = ([x, y]) => [Math.min(W - R, Math.max(R, x)), Math.min(H - R, Math.max(R, y))];
  canvas.addEventListener("pointerdown", (event) => {
    const vertex = event.target.closest(".v");
    drag = { k: vertex ? Number(vertex.dataset.k) : null, hit: event.target.dataset.e, from: where(event), moved: false };
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
    if (was.moved) return;
    if (was.k !== null) return pick(was.k);
    if (was.hit !== undefined) return toggle(...edges[Number(was.hit)]);
    add(...inside(where(event)));
  });
  canvas.addEventListener("pointercancel", () => { drag = null; });
  canvas.addEventListener("keydown", (event) => {
    const vertex = event.target.closest(".v");
    const k = vertex ? Number(vertex.dataset.k) : null;
    const arrows = { ArrowLeft: [-15, 0], ArrowRight: [15, 0], ArrowUp: [0, -15], ArrowDown: [0, 15] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "a" || event.key === "A") addSomewhere();
    else if (event.key === "Escape") { picked = null; draw(); }
    else if (k === null) return;
    else if (event.key === "Enter" || event.key === " ") pick(k);
    else if (event.key === "Delete" || event.key === "Backspace") remove(k);
    else if (arrows[event.key]) {
      places[k] = inside([places[k][0] + arrows[event.key][0], places[k][1] + arrows[event.key][1]]);
      draw();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  const focused = () => root.getRootNode().activeElement?.dataset?.k;

  function draw() {
    const colours = look(), keep = focused();
    const lines = edges.flatMap(([u, v], k) => {
      const ends = { x1: places[u][0], y1: places[u][1], x2: places[v][0], y2: places[v][1] };
      return [svg("line", { ...ends, class: `e ${colours.edge(u, v)}` }), svg("line", { ...ends, class: "hit", "data-e": k })];
    });
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
    canvas.replaceChildren(...lines, ...dots);
    if (keep !== undefined) canvas.querySelectorAll(".v")[keep]?.focus();
    drawn();
  }

  const asText = () =>
    [...labels.filter((_, k) => !edges.some((e) => e.includes(k))), ...edges.map(([u, v]) => `${labels[u]} ${labels[v]}`)].join("\n");
  return {
    draw, put, asText,
    graph: () => ({ labels, edges }),
    inAddress: () => asText().replaceAll("\n", ",").replaceAll(" ", "-"),
    lay: (graph) => put({ ...graph, places: circle(graph.labels.length, 185) }),
    buttons: () => [
      html("button", { type: "button", onclick: addSomewhere }, "Add vertex"),
      html("button", { type: "button", onclick: () => picked !== null && remove(picked) }, "Delete picked"),
      html("button", { type: "button", onclick: () => put({ places: [[W / 2, H / 2]], edges: [] }) }, "Clear"),
    ],
  };
}

const fromAddress = (given) => given.replaceAll(",", "\n").replaceAll("-", " ");
