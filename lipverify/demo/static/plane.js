// The picture of the plane: polygons that Python computed exactly, drawn for any window.
const SIDE = 600, MARGIN = 2;
const SCALE = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"]; // viridis: ordered in lightness, for every kind of eye
const DASHES = ["none", "9 4", "2 4"];

const colour = (t) => {
  const at = Math.min(1, Math.max(0, t)) * (SCALE.length - 1), k = Math.min(SCALE.length - 2, Math.floor(at));
  const part = (hex, i) => parseInt(hex.slice(1 + 2 * i, 3 + 2 * i), 16);
  return `rgb(${[0, 1, 2].map((i) => Math.round(part(SCALE[k], i) + (at - k) * (part(SCALE[k + 1], i) - part(SCALE[k], i)))).join(" ")})`;
};

// The part of a polygon with inside(p) ≥ 0. A corner is [x, y, layer, neuron]: whose line the side that starts there lies on.
const clipHalf = (corners, inside) => corners.flatMap((p, k) => {
  const q = corners[(k + 1) % corners.length], here = inside(p), there = inside(q), kept = here >= 0 ? [p] : [];
  if ((here >= 0) !== (there >= 0)) {
    const t = here / (here - there);
    kept.push([p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1]), ...(here >= 0 ? [-1, 0] : p.slice(2))]);
  }
  return kept;
});
const clipSquare = (corners) =>
  [(p) => p[0] + MARGIN, (p) => p[1] + MARGIN, (p) => SIDE + MARGIN - p[0], (p) => SIDE + MARGIN - p[1]].reduce(clipHalf, corners);

const TANGENTS = 180; // of the polygon that stands for a circle on the screen
const clipDisc = (corners, [x, y], radius) => Array.from({ length: TANGENTS }, (_, k) => (2 * Math.PI * k) / TANGENTS)
  .reduce((left, a) => (left.length ? clipHalf(left, (p) => radius - (p[0] - x) * Math.cos(a) - (p[1] - y) * Math.sin(a)) : left), corners);

const centre = (corners) => { // of its area; a polygon too thin for that gets the mean of its corners
  let area = 0, x = 0, y = 0;
  corners.forEach((p, k) => {
    const q = corners[(k + 1) % corners.length], w = (p[0] - corners[0][0]) * (q[1] - corners[0][1]) - (q[0] - corners[0][0]) * (p[1] - corners[0][1]);
    area += w; x += w * (p[0] + q[0] + corners[0][0]); y += w * (p[1] + q[1] + corners[0][1]);
  });
  if (Math.abs(area) > 1e-6) return [x / (3 * area), y / (3 * area)];
  return [0, 1].map((i) => corners.reduce((sum, p) => sum + p[i], 0) / corners.length);
};
const holds = (corners, [x, y]) => {
  const turns = corners.map((p, k) => { const q = corners[(k + 1) % corners.length]; return (q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0]); });
  return turns.every((t) => t >= 0) || turns.every((t) => t <= 0);
};
const STAR = Array.from({ length: 10 }, (_, k) => { const r = k % 2 ? 5 : 12, a = (Math.PI * k) / 5 - Math.PI / 2; return `${(r * Math.cos(a)).toFixed(2)},${(r * Math.sin(a)).toFixed(2)}`; }).join(" ");

const STARRED = matchMedia("(max-width: 600px)").matches ? 1.7 : 1; // a telephone shows the same picture at half the size
const ASIDE = 34; // how far a star that would hide its region stands beside it, both ways

// The star of a steepest region: inside it, or beside a region that is smaller than the star, with a line to it.
function starOf(corners) {
  const [x, y] = centre(corners), size = (i) => Math.max(...corners.map((p) => p[i])) - Math.min(...corners.map((p) => p[i]));
  if (Math.min(size(0), size(1)) >= 24 * STARRED) return [starAt(x, y)];
  const room = ASIDE * STARRED, at = [x + (x + 1.5 * room > SIDE ? -room : room), y + (y < 1.5 * room ? room : -room)];
  const line = (kind) => svg("line", { x1: x, y1: y, x2: at[0], y2: at[1], class: kind });
  return [line("leader casing"), line("leader"), starAt(...at)];
}
const starAt = (x, y) => svg("polygon", { points: STAR, class: "star", transform: `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${STARRED})` });

// canvas: an svg element. chosen(k, spoken) is told which region is looked at, null for none.
function makePlane(canvas, chosen) {
  let picture = null, view = null, shown = [], current = null, pinned = null, crossed = null;
  const fingers = new Map();
  const least = 1e-5, most = 30;
  const unit = () => SIDE / 2 / view[2];
  const toScreen = ([x, y, ...rest]) => [SIDE / 2 + (x - view[0]) * unit(), SIDE / 2 - (y - view[1]) * unit(), ...rest];
  const toPlane = ([x, y]) => [view[0] + (x - SIDE / 2) / unit(), view[1] - (y - SIDE / 2) / unit()];
  const where = (event) => { const box = canvas.getBoundingClientRect(); return [((event.clientX - box.left) * SIDE) / box.width, ((event.clientY - box.top) * SIDE) / box.height]; };
  const shade = (r) => {
    const low = picture.regions.at(-1).norm, high = picture.regions[0].norm;
    return colour(high > low ? (r.norm - low) / (high - low) : 0.6);
  };

  function draw() {
    if (!picture) return;
    const inDisc = (corners) => (picture.ball ? clipDisc(corners, toScreen(picture.ball), picture.ball[2] * unit()) : corners);
    shown = picture.regions.map((r) => { const corners = clipSquare(inDisc(r.sides.map(toScreen))); return corners.length > 2 ? corners : null; });
    const points = (corners) => corners.map((p) => `${p[0].toFixed(2)},${p[1].toFixed(2)}`).join(" ");
    const fills = [], marks = [], lines = ["", "", ""];
    picture.regions.forEach((r, k) => {
      const corners = shown[k];
      if (!corners) return;
      fills.push(svg("polygon", { points: points(corners), fill: shade(r), "data-k": k, class: "region" }));
      if (r.top) {
        fills.push(svg("polygon", { points: points(corners), class: "top" }));
        marks.push(...starOf(corners));
      }
      corners.forEach((p, i) => { // a line belongs to both its sides; the active one draws it
        if (p[2] < 0 || r.pattern[p[2]][p[3]] !== "1") return;
        const q = corners[(i + 1) % corners.length];
        lines[p[2]] += `M${p[0].toFixed(2)} ${p[1].toFixed(2)}L${q[0].toFixed(2)} ${q[1].toFixed(2)}`;
      });
    });
    const strokes = lines.flatMap((d, k) => (d ? [svg("path", { d, class: "under" }), svg("path", { d, class: "kink", "stroke-dasharray": DASHES[k], "stroke-width": 2.4 - 0.5 * k })] : []));
    const frame = [];
    if (picture.box) {
      const [x0, x1, y0, y1] = picture.box, [left, top] = toScreen([x0, y1]), [right, bottom] = toScreen([x1, y0]);
      frame.push(svg("rect", { x: left, y: top, width: right - left, height: bottom - top, class: "box" }));
    }
    if (picture.ball) {
      const [cx, cy] = toScreen(picture.ball);
      frame.push(svg("circle", { cx, cy, r: picture.ball[2] * unit(), class: "box" }));
    }
    if (crossed) {
      const [x, y] = toScreen(crossed), cross = (kind) => svg("path", { d: `M${x - 9} ${y - 9}l18 18m0 -18l-18 18`, class: kind });
      marks.push(cross("cross casing"), cross("cross"));
    }
    canvas.replaceChildren(svg("defs", {}, hatch()), ...fills, ...strokes, ...frame, ...ticks(), ...marks, svg("polygon", { class: "current under" }), svg("polygon", { class: "current" }));
    outline();
  }
  const hatch = () => svg("pattern", { id: "lv-hatch", width: 9, height: 9, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svg("rect", { width: 2, height: 9, fill: "#000", opacity: 0.22 }));
  function ticks() {
    const step = [1, 2, 5, 10].map((m) => m * 10 ** Math.floor(Math.log10(view[2] / 2))).find((s) => view[2] / s <= 2.6), parts = [];
    const name = (v) => String(Number(v.toPrecision(6)));
    for (const [axis, from] of [[0, view[0]], [1, view[1]]]) {
      for (let v = Math.ceil((from - view[2]) / step) * step; v <= from + view[2]; v += step) {
        const near = Math.abs(v) < step / 1e6 ? 0 : v, [x, y] = toScreen([near, near]);
        if ((axis ? y : x) < 30 || (axis ? y : x) > SIDE - 40) continue; // room for the axes' names
        const label = svg("text", axis ? { x: 14, y: y + 5, class: "tick" } : { x, y: SIDE - 9, class: "tick", "text-anchor": "middle" });
        label.textContent = name(near);
        parts.push(axis ? svg("line", { x1: 0, x2: 9, y1: y, y2: y, class: "mark" }) : svg("line", { x1: x, x2: x, y1: SIDE, y2: SIDE - 7, class: "mark" }), label);
      }
    }
    const corner = (text, at) => { const t = svg("text", { ...at, class: "tick" }); t.textContent = text; return t; };
    return [...parts, corner("x₁", { x: SIDE - 22, y: SIDE - 9 }), corner("x₂", { x: 12, y: 20 })];
  }
  function outline() {
    for (const p of canvas.querySelectorAll(".current")) p.setAttribute("points", current !== null && shown[current] ? shown[current].map((c) => `${c[0]},${c[1]}`).join(" ") : "");
  }
  const look = (k, spoken = false) => { current = k; outline(); chosen(k, spoken); };
  const pin = (k, spoken = true) => { pinned = k; look(k, spoken); };

  // The window ---------------------------------------------------------------------------------------
  const go = (to) => {
    const whole = picture.whole, half = Math.min(most * whole[2], Math.max(least * picture.window[2], to[2]));
    view = [0, 1].map((i) => Math.min(whole[i] + most * whole[2], Math.max(whole[i] - most * whole[2], to[i]))).concat(half);
    draw();
  };
  const zoom = (factor, at = [SIDE / 2, SIDE / 2]) => { const [x, y] = toPlane(at); go([x + (view[0] - x) * factor, y + (view[1] - y) * factor, view[2] * factor]); };
  const pan = (dx, dy) => go([view[0] + dx * view[2], view[1] + dy * view[2], view[2]]);
  const fit = (all = false) => go(all ? picture.whole : picture.window);

  // One step from region to region: along a ray from the middle of this one.
  const walk = ([dx, dy]) => {
    const from = current !== null && shown[current] ? centre(shown[current]) : [SIDE / 2, SIDE / 2];
    for (let t = 1; t < 2 * SIDE; t += t < 8 ? 0.5 : 2) {
      const at = [from[0] + t * dx, from[1] + t * dy];
      if (Math.min(...at) < 0 || Math.max(...at) > SIDE) return;
      if (current !== null && shown[current] && holds(shown[current], at)) continue;
      const k = shown.findIndex((corners) => corners && holds(corners, at));
      if (k >= 0) return pin(k);
    }
  };
  const inOrder = (k) => {
    pin(Math.min(picture.regions.length - 1, Math.max(0, k)));
    if (!shown[current] && picture.regions[current].sides.length) { // out of sight: bring it in
      const [x, y] = centre(picture.regions[current].sides);
      go([x, y, view[2]]);
    }
  };

  canvas.addEventListener("keydown", (event) => {
    if (!picture || event.ctrlKey || event.metaKey || event.altKey) return;
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way && event.shiftKey) pan(way[0] / 4, -way[1] / 4);
    else if (way) walk(way);
    else if (event.key === "Home") inOrder(0);
    else if (event.key === "End") inOrder(picture.regions.length - 1);
    else if (event.key === "PageDown") inOrder((current ?? -1) + 1);
    else if (event.key === "PageUp") inOrder((current ?? 1) - 1);
    else if (event.key === "+" || event.key === "=") zoom(1 / 1.5);
    else if (event.key === "-") zoom(1.5);
    else if (event.key === "0") fit();
    else if (event.key === "Escape") pin(null);
    else return;
    event.preventDefault();
  });
  const under = (event) => { const k = event.target.closest?.(".region")?.dataset.k; return k === undefined ? null : Number(k); };
  canvas.addEventListener("pointerdown", (event) => { if (picture) fingers.set(event.pointerId, { at: where(event), from: where(event), moved: false, k: under(event) }); });
  canvas.addEventListener("pointermove", (event) => {
    if (!picture) return;
    const finger = fingers.get(event.pointerId), at = where(event);
    if (!finger) { if (event.pointerType === "mouse") look(under(event) ?? pinned); return; }
    if (!finger.moved && Math.hypot(at[0] - finger.from[0], at[1] - finger.from[1]) < 8) return;
    if (!finger.moved) canvas.setPointerCapture(event.pointerId);
    finger.moved = true;
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) zoom(Math.hypot(finger.at[0] - other.at[0], finger.at[1] - other.at[1]) / Math.max(1, Math.hypot(at[0] - other.at[0], at[1] - other.at[1])), other.at);
    else go([view[0] - (at[0] - finger.at[0]) / unit(), view[1] + (at[1] - finger.at[1]) / unit(), view[2]]);
    finger.at = at;
  });
  canvas.addEventListener("pointerup", (event) => {
    const finger = fingers.get(event.pointerId);
    fingers.delete(event.pointerId);
    if (finger && !finger.moved && finger.k !== null) pin(finger.k);
  });
  canvas.addEventListener("pointercancel", (event) => fingers.delete(event.pointerId));
  canvas.addEventListener("pointerleave", () => { if (picture && !fingers.size) look(pinned); });
  canvas.addEventListener("wheel", (event) => {
    if (!picture || !(event.ctrlKey || canvas.matches(":focus"))) return; // else the page scrolls
    event.preventDefault();
    zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), where(event));
  }, { passive: false });

  return {
    show(next) {
      const same = picture && view && JSON.stringify([picture.window, picture.whole]) === JSON.stringify([next.window, next.whole]);
      picture = next; pinned = null; current = null; crossed = null;
      if (!same) view = [...next.window];
      draw();
    },
    cross(at) { crossed = at; draw(); }, // a point where a pattern holds that is no region's
    shade, pin: inOrder, zoom, fit, pan,
  };
}
