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
const word = (text, meaning) => html("abbr", { title: meaning, tabindex: "0" }, text);
const short = (text, n = 14) => (text.length > n ? text.slice(0, n - 1) + "…" : text);
const RIGOR_COLOURS = { PROVED: "#009e73", ROUNDED: "#0a84d0", NUMERICAL: "#cc79a7", HEURISTIC: "#d55e00" };

// The address of the page holds its state: ?tab=… and what each tab adds.
const address = () => new URL(location.href).searchParams;
const addressWith = (changes) => {
  const url = new URL(location.href);
  for (const [key, value] of Object.entries(changes)) url.searchParams.set(key, value);
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
  return root;
};
