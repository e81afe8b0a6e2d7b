// What every tab uses. Everything a visitor can name reaches the document as text, never as markup.
const NS = "http://www.w3.org/2000/svg";

const made = (node, attributes, children) => {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
};
const svg = (tag, attributes = {}, ...children) => made(document.createElementNS(NS, tag), attributes, children);
const html = (tag, attributes = {}, ...children) => made(document.createElement(tag), attributes, children);
const word = (text, meaning) => html("button", { type: "button", class: "word", "data-meaning": meaning }, text);
const short = (text, n = 14) => (text.length > n ? text.slice(0, n - 1) + "…" : text);
const count = (k, noun) => `${k} ${noun}${k === 1 ? "" : "s"}`;
const RIGOR_COLOURS = { PROVED: "#009e73", ROUNDED: "#0a84d0", NUMERICAL: "#cc79a7", HEURISTIC: "#d55e00" };

// The address of the page holds its state: ?tab=… and what each tab adds.
const LONGEST_LINK = 5500; // characters; the server takes 6000
const address = () => new URL(location.href).searchParams;
const addressWith = (changes) => {
  const url = new URL(location.href);
  for (const [key, value] of Object.entries(changes)) {
    if (value) url.searchParams.set(key, value); else url.searchParams.delete(key);
  }
  const others = [...url.searchParams.keys()].filter((key) => !(key in changes) && !["tab", "step"].includes(key));
  while (url.search.length > LONGEST_LINK && others.length) url.searchParams.delete(others.pop()); // another tab's
  for (const key of Object.keys(changes)) if (url.search.length > LONGEST_LINK) url.searchParams.delete(key);
  return url;
};
const toAddress = (changes) => {
  try { history.replaceState(history.state, "", addressWith(changes)); } catch { /* a sandboxed frame has no address of its own */ }
};

// The tabs are widgets of their own; the bar says which is open. `first` is called when a tab is seen the first time.
const TAB = "lipverify-tab";
const openTab = () => address().get("tab") ?? "cuts";
const onTab = (name, root, first = () => {}) => {
  let seen = false;
  const follow = (open) => {
    root.hidden = open !== name;
    if (!root.hidden && !seen) { seen = true; first(); }
  };
  addEventListener(TAB, (event) => follow(event.detail));
  queueMicrotask(() => follow(openTab())); // after the caller has put the tab together
  explain(root);
  return root;
};

// Definitions: words that say what they mean when one points at them, reaches them with Tab, or taps them.
function explain(root) {
  const tip = html("div", { class: "tip", role: "tooltip", id: `lv-tip-${Math.random().toString(36).slice(2)}`, "data-testid": "tip" });
  tip.hidden = true;
  let at = null, kept = false;
  const hide = () => { tip.hidden = true; at?.removeAttribute("aria-describedby"); at = null; kept = false; };
  const show = (target) => {
    if (at !== target) hide();
    at = target;
    tip.textContent = target.dataset.meaning;
    target.setAttribute("aria-describedby", tip.id);
    root.append(tip);
    tip.hidden = false;
    const outer = root.getBoundingClientRect(), box = target.getBoundingClientRect();
    const left = Math.max(6, Math.min(box.left - outer.left, outer.width - tip.offsetWidth - 6));
    tip.style.left = `${left}px`;
    tip.style.top = `${box.bottom - outer.top + 6}px`;
  };
  const defined = (event) => event.target.closest?.("[data-meaning]");
  root.addEventListener("pointerover", (event) => { const target = defined(event); if (target && event.pointerType === "mouse") show(target); });
  root.addEventListener("pointerout", (event) => { if (at && !kept && event.pointerType === "mouse" && defined(event) === at && root.getRootNode().activeElement !== at) hide(); });
  root.addEventListener("focusin", (event) => { const target = defined(event); if (target) show(target); else if (at) hide(); });
  root.addEventListener("focusout", (event) => { if (at && defined(event) === at) hide(); });
  root.addEventListener("click", (event) => { const target = defined(event); if (target) { show(target); kept = true; } else if (at) hide(); });
  root.addEventListener("keydown", (event) => { if (event.key === "Escape" && at) { hide(); event.stopPropagation(); } }, true);
}
