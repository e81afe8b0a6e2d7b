// The tables that hold a network: per layer rows of numbers as typed, the bias last; and the slopes of its neurons.
const MOST_LAYERS = 3, MOST_NEURONS = 12, MOST_OUTPUTS = 3;
const RELU = ["0", "1"];
const sub = (n) => String(n).replace(/\d/g, (d) => "₀₁₂₃₄₅₆₇₈₉"[d]);
const plainRelu = (slopes) => slopes.every((layer) => layer.every(([low, high]) => low === RELU[0] && high === RELU[1]));

// In an address: numbers joined by commas, rows by semicolons, layers by underscores; slopes other than ReLU's behind colons.
const encode = ({ layers, slopes }) => layers.map((layer, k) => layer.map((row, i) => {
  const pair = slopes[k]?.[i];
  return row.join(",") + (pair && !plainRelu([[pair]]) ? `:${pair.join(":")}` : "");
}).join(";")).join("_");
const decode = (text) => {
  const layers = text.split("_").map((layer) => layer.split(";"));
  return {
    layers: layers.map((layer) => layer.map((row) => row.split(":")[0].split(","))),
    slopes: layers.slice(0, -1).map((layer) => layer.map((row) => (row.includes(":") ? row.split(":").slice(1) : [...RELU]))),
  };
};

// home: where the tables go. changed(net) is called after every edit.
function makeTable(home, changed) {
  let net = { layers: [], slopes: [] }, withSlopes = false;
  const copy = (value) => JSON.parse(JSON.stringify(value));
  const hidden = () => net.layers.length - 1;
  const isOutput = (k) => k === hidden();
  const edited = () => { draw(); changed(copy(net)); };

  const addRow = (k) => {
    const layer = net.layers[k], n = layer.length, width = layer[0].length - 1;
    layer.push([...Array.from({ length: width }, (_, j) => String(j % 2 === n % 2 ? 1 : -1)), "0"]);
    if (!isOutput(k)) {
      net.slopes[k].push([...RELU]);
      for (const row of net.layers[k + 1]) row.splice(row.length - 1, 0, "1");
    }
    edited();
  };
  const removeRow = (k, i) => {
    net.layers[k].splice(i, 1);
    if (!isOutput(k)) {
      net.slopes[k].splice(i, 1);
      for (const row of net.layers[k + 1]) row.splice(i, 1);
    }
    edited();
  };
  const addLayer = () => { // behind ReLUs it changes nothing until it is edited
    const width = net.layers.at(-1)[0].length - 1;
    const same = Array.from({ length: width }, (_, i) => [...Array.from({ length: width }, (_, j) => (i === j ? "1" : "0")), "0"]);
    net.layers.splice(hidden(), 0, same);
    net.slopes.push(same.map(() => [...RELU]));
    edited();
  };
  const removeLayer = () => { // the output keeps what it can of its weights
    const width = net.layers.at(-2)[0].length - 1;
    net.layers.splice(hidden() - 1, 1);
    net.slopes.pop();
    net.layers[hidden()] = net.layers[hidden()].map((row) => [...Array.from({ length: width }, (_, j) => row.slice(0, -1)[j] ?? "1"), row.at(-1)]);
    edited();
  };

  const cell = (wide, value, name, key, put) => html("input", { type: "text", value, "aria-label": name, "data-key": key, autocomplete: "off", spellcheck: "false", size: wide,
    oninput: (event) => { put(event.target.value); changed(copy(net)); } });

  function draw() {
    const focus = home.getRootNode().activeElement?.dataset?.key;
    const slopes = withSlopes || !plainRelu(net.slopes);
    home.replaceChildren(...net.layers.map((layer, k) => {
      const from = k === 0 ? (j) => `x${sub(j + 1)}` : (j) => `h${sub(j + 1)}`;
      const name = isOutput(k) ? "Output" : `Hidden layer ${k + 1}`, one = isOutput(k) ? "output" : "neuron";
      const width = layer[0].length - 1, most = isOutput(k) ? MOST_OUTPUTS : MOST_NEURONS, wide = Math.min(9, Math.max(3, ...layer.flat().map((text) => text.length)));
      const head = html("tr", {}, html("th", {}), ...Array.from({ length: width }, (_, j) => html("th", { scope: "col" }, from(j))), html("th", { scope: "col" }, "bias"),
        ...(slopes && !isOutput(k) ? [html("th", { scope: "col" }, "slope < 0"), html("th", { scope: "col" }, "slope > 0")] : []), html("th", {}));
      const rows = layer.map((row, i) => html("tr", {}, html("th", { scope: "row" }, isOutput(k) ? `f${sub(i + 1)}` : `h${sub(i + 1)}`),
        ...row.map((value, j) => html("td", {}, cell(wide, value, `${name}, ${one} ${i + 1}, ${j < width ? `weight of ${from(j)}` : "bias"}`, `w${k}.${i}.${j}`, (text) => { row[j] = text; }))),
        ...(slopes && !isOutput(k) ? net.slopes[k][i].map((value, j) => html("td", {}, cell(wide, value, `${name}, neuron ${i + 1}, slope ${j ? "right" : "left"} of 0`, `s${k}.${i}.${j}`, (text) => { net.slopes[k][i][j] = text; }))) : []),
        html("td", {}, html("button", { type: "button", class: "small", "aria-label": `Remove ${one} ${i + 1} of ${name.toLowerCase()}`, ...(layer.length === 1 ? { disabled: "" } : {}), onclick: () => removeRow(k, i) }, "✕"))));
      return html("div", { class: "layer" }, html("h3", {}, name, html("button", { type: "button", class: "small", "aria-label": `Add ${isOutput(k) ? "an" : "a"} ${one} to ${name.toLowerCase()}`, ...(layer.length >= most ? { disabled: "" } : {}), onclick: () => addRow(k) }, `+ ${one}`)),
        html("div", { class: "scroll" }, html("table", {}, html("tbody", {}, head, ...rows))));
    }));
    if (focus) home.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus();
  }

  return {
    put(next) { net = copy({ layers: next.layers, slopes: next.slopes ?? [] }); draw(); },
    get: () => copy(net),
    addLayer: () => hidden() < MOST_LAYERS && addLayer(),
    removeLayer: () => hidden() > 0 && removeLayer(),
    showSlopes(on) { withSlopes = on; draw(); },
    // rounded: cells that hold no float64, with the float that is meant
    mark(rounded) {
      for (const input of home.querySelectorAll("input")) {
        const near = rounded[input.dataset.key];
        input.classList.toggle("near", near !== undefined);
        input.title = near === undefined ? "" : `no float64; the network has ${near}`;
      }
    },
  };
}
