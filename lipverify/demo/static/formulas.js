// A formula that a visitor clicks together: a row a clause, a column a variable, each cell absent, plain or negated.
const FORMULAS = {
  "three clauses": () => ({ names: ["a", "b", "c"], clauses: [[1, 2], [-1, 3], [-2, -3]] }),
  "all signs on two": () => ({ names: ["a", "b"], clauses: [[1, 2], [-1, 2], [1, -2], [-1, -2]] }),
  "3-SAT, 4 variables": () => ({ names: ["x1", "x2", "x3", "x4"], clauses: [[1, 2, 3], [-1, -2, 4], [1, -3, -4], [-2, 3, -4], [2, -3, 4], [-1, 2, -4], [-1, -3, 4]] }),
  "3 pigeons, 2 holes": () => ({
    names: ["1a", "1b", "2a", "2b", "3a", "3b"],
    clauses: [[1, 2], [3, 4], [5, 6], [-1, -3], [-1, -5], [-3, -5], [-2, -4], [-2, -6], [-4, -6]],
  }),
  random: (chance) => {
    const names = ["x1", "x2", "x3", "x4"];
    const clauses = Array.from({ length: 14 }, () => {
      const places = names.map((_, k) => [chance(), k + 1]).sort((a, b) => a[0] - b[0]).slice(0, 3).map(([, k]) => k).sort();
      return places.map((k) => (chance() < 0.5 ? k : -k));
    });
    return { names, clauses };
  },
};

function formulaEditor({ box, changed }) {
  let { names, clauses } = FORMULAS["three clauses"]();
  let told = {}; // what is known of it: {assignment, true}
  const sign = (c, k) => (clauses[c].includes(k) ? 1 : clauses[c].includes(-k) ? -1 : 0);
  const setSign = (c, k, s) => {
    const clause = clauses[c].filter((x) => Math.abs(x) !== k);
    if (s) clause.push(s * k);
    clauses[c] = clause.sort((a, b) => Math.abs(a) - Math.abs(b));
    altered();
  };
  const put = (formula) => {
    names = [...formula.names];
    clauses = formula.clauses.map((c) => [...c]);
    altered();
  };
  const altered = () => { told = {}; draw(); changed(); };
  const fresh = () => { let k = names.length + 1; while (names.includes(`x${k}`)) k += 1; return `x${k}`; };
  const dropVariable = (k) => {
    names.splice(k - 1, 1);
    clauses = clauses.map((c) => c.filter((x) => Math.abs(x) !== k).map((x) => (Math.abs(x) > k ? x - Math.sign(x) : x)));
    altered();
  };
  const literal = (x) => (x < 0 ? "¬" : "") + names[Math.abs(x) - 1];

  const cell = (c, k) => {
    const s = sign(c, k), name = names[k - 1], truth = told.true?.[c]?.some((x) => Math.abs(x) === k);
    const words = `clause ${c + 1}, ${name}: ${s > 0 ? "plain" : s < 0 ? "negated" : "absent"}${truth ? ", true" : ""}`;
    return html("td", {}, html("button", { type: "button", class: `cell ${s > 0 ? "pos" : s < 0 ? "neg" : ""}${truth ? " true" : ""}`, "data-c": c, "data-k": k,
      "data-testid": `cell-${c + 1}-${k}`, "aria-label": words, title: words, onclick: () => setSign(c, k, s === 0 ? 1 : s === 1 ? -1 : 0) },
      s === 0 ? "·" : names.length > 6 ? (s < 0 ? "¬" : "+") : (s < 0 ? "¬" : "") + short(name, 6)));
  };
  function draw() {
    const at = box.getRootNode().activeElement?.dataset;
    const head = names.map((name, k) => {
      const value = told.assignment?.[k];
      return html("th", { scope: "col" }, html("span", { class: "name", title: name }, short(name, 6)),
        html("span", { class: value === undefined ? "truth" : value ? "truth yes" : "truth no", "data-testid": `truth-${k + 1}` }, value === undefined ? "?" : value ? "true" : "false"),
        html("button", { type: "button", class: "drop", "aria-label": `remove variable ${name}`, onclick: () => dropVariable(k + 1) }, "×"));
    });
    const rows = clauses.map((_, c) => html("tr", { class: told.true?.[c]?.length ? "lit" : "" }, html("th", { scope: "row" }, String(c + 1)),
      ...names.map((_, k) => cell(c, k + 1)),
      html("td", { class: "by" }, told.true?.[c]?.length ? names.length > 6 ? "✓" : `✓ ${told.true[c].map(literal).map((t) => short(t, 7)).join(", ")}` : clauses[c].length ? "" : "empty: never true"),
      html("td", {}, html("button", { type: "button", class: "drop", "aria-label": `remove clause ${c + 1}`, onclick: () => { clauses.splice(c, 1); altered(); } }, "×"))));
    box.replaceChildren(html("table", { class: names.length > 6 ? "clauses tight" : "clauses", "data-testid": "clauses" }, html("thead", {}, html("tr", {}, html("td", {}), ...head, html("td", {}), html("td", {}))), html("tbody", {}, ...rows)));
    if (at?.k !== undefined && at.c !== undefined) focus(Number(at.c), Number(at.k));
  }
  const focus = (c, k) => box.querySelector(`.cell[data-c='${c}'][data-k='${k}']`)?.focus();
  box.addEventListener("keydown", (event) => {
    const { c, k } = event.target.dataset, step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const s = { "+": 1, "-": -1, Delete: 0, Backspace: 0 }[event.key];
    if (k === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (step) focus(Number(c) + step[0], Number(k) + step[1]);
    else if (s !== undefined) setSign(Number(c), Number(k), s);
    else return;
    event.preventDefault();
  });

  const seen = () => [...new Set(clauses.flat().map(Math.abs))];
  const text = (or, not, end) => {
    const all = clauses.map((c) => c.map((x) => (x < 0 ? not : "") + names[Math.abs(x) - 1]).join(or) || "()");
    const inOrder = seen().length === names.length && seen().every((k, place) => k === place + 1);
    return [...(inOrder ? [] : [`variables: ${names.join(" ")}`]), ...all].join(end);
  };
  draw();
  return {
    put, presets: FORMULAS, file: "formula.cnf",
    lay: put,
    request: () => ({ names, clauses }),
    asText: () => text(" or ", "not ", "\n"),
    inAddress: () => text(",", "-", ";"),
    fromAddress: (given) => given,
    asFile: () => [...names.map((name, k) => `c ${k + 1} ${name}`), `p cnf ${names.length} ${clauses.length}`, ...clauses.map((c) => [...c, 0].join(" "))].join("\n"),
    show: (solution) => { told = solution; draw(); },
    buttons: () => [
      html("button", { type: "button", "data-testid": "add-variable", onclick: () => { names.push(fresh()); altered(); } }, "Add variable"),
      html("button", { type: "button", "data-testid": "add-clause", onclick: () => { clauses.push([]); altered(); } }, "Add clause"),
    ],
  };
}
