// What one can take away: every figure as SVG or PNG, and the open tab as one HTML file that needs nothing else.
const save = (content, name, type) => {
  const a = html("a", { href: URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type })), download: name });
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 1000);
};

// A figure on its own: what style sheets say becomes part of it.
const LOOKS = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap", "stroke-linejoin",
  "opacity", "font-family", "font-size", "font-weight", "text-anchor", "dominant-baseline", "paint-order", "display"];
function standalone(figure) {
  const copy = figure.cloneNode(true), [, , width, height] = figure.getAttribute("viewBox").split(" ").map(Number);
  const from = [figure, ...figure.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((node, k) => {
    const looks = getComputedStyle(node);
    if (k) to[k].setAttribute("style", LOOKS.map((name) => `${name}:${looks.getPropertyValue(name)}`).join(";"));
    for (const name of ["class", "tabindex", "role", "data-k", "data-e", "data-testid", "data-figure", "data-edge", "aria-pressed", "aria-label", ...(k ? LOOKS : [])]) to[k].removeAttribute(name);
  });
  made(copy, { xmlns: NS, width, height, role: "img" }, []);
  copy.prepend(svg("rect", { x: figure.viewBox.baseVal.x, y: figure.viewBox.baseVal.y, width, height, fill: getComputedStyle(figure).backgroundColor }));
  return { text: new XMLSerializer().serializeToString(copy), width, height };
}
async function asPng(figure, scale = 2) {
  const { text, width, height } = standalone(figure), image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = html("canvas", { width: width * scale, height: height * scale });
  canvas.getContext("2d").drawImage(image, 0, 0, width * scale, height * scale);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

// The tab without what only works here: no buttons, no scripts, nothing that is loaded.
function asPage(root, title) {
  const sheets = [...root.getRootNode().styleSheets ?? [], ...(root.getRootNode().adoptedStyleSheets ?? []), ...document.styleSheets];
  const rules = sheets.flatMap((sheet) => { try { return [...sheet.cssRules]; } catch { return []; } }).map((rule) => rule.cssText);
  const own = [...new Set(rules.filter((rule) => /\.lv\b/.test(rule) && !/url\((?!#)|url\(["'](?!#)/.test(rule)))];
  const copy = root.cloneNode(true);
  const live = [...root.querySelectorAll("*")], dead = [...copy.querySelectorAll("*")];
  live.forEach((node, k) => { if (getComputedStyle(node).display === "none") dead[k].dataset.gone = ""; });
  for (const part of copy.querySelectorAll("[data-gone], button:not(.word):not(.cellof), input, select, textarea, label, .tip, .tools, .player, .presets, .export, .here-only, .steps, [aria-label=Examples]")) part.remove();
  for (const part of copy.querySelectorAll("button.word")) part.replaceWith(html("abbr", { title: part.dataset.meaning }, part.textContent));
  for (const part of copy.querySelectorAll("button.cellof")) part.replaceWith(html("span", { class: part.className }, ...part.childNodes));
  for (const part of copy.querySelectorAll("details")) part.open = true;
  for (const part of copy.querySelectorAll("*")) for (const name of part.getAttributeNames()) if (/^(tabindex|aria-live|data-)/.test(name) || (name === "role" && part.getAttribute(name) !== "img")) part.removeAttribute(name);
  copy.hidden = false;
  const page = html("html", { lang: "en" }, html("head", {}, html("meta", { charset: "utf-8" }), html("meta", { name: "viewport", content: "width=device-width" }),
    html("title", {}, title), html("style", {}, ":root { color-scheme: light dark } body { margin: 0 }\n" + own.join("\n"))),
  html("body", {}, copy, html("p", { style: "max-width:1280px;margin:8px auto;padding:0 12px;font:14px system-ui,sans-serif;color:#767676" }, `Saved from lipverify on ${new Date().toISOString().slice(0, 10)}.`)));
  return `<!doctype html>\n${page.outerHTML}`;
}

// Small buttons below each figure, and one for the whole tab.
function exportable(root, name) {
  for (const figure of root.querySelectorAll("svg[data-figure]")) {
    const file = `${name}-${figure.dataset.figure}`, label = figure.dataset.figure;
    const box = html("div", { class: "row export" },
      html("button", { type: "button", class: "tiny", "aria-label": `Save ${label} as SVG`, onclick: () => save(standalone(figure).text, `${file}.svg`, "image/svg+xml") }, "SVG"),
      html("button", { type: "button", class: "tiny", "aria-label": `Save ${label} as PNG`, onclick: async () => save(await asPng(figure), `${file}.png`) }, "PNG"));
    figure.after(box);
  }
  return html("button", { type: "button", class: "export", "data-testid": `save-${name}`, onclick: () => save(asPage(root, `lipverify: ${name}`), `lipverify-${name}.html`, "text/html") }, "Save this page as HTML");
}
