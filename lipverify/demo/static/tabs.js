// The bar of tabs.
const TABS = [["cuts", "Cuts"], ["regions", "Regions"], ["reductions", "Other hard problems"], ["inputs", "Few inputs"]];

function render({ el }) {
  const bar = html("div", { class: "lv tabs", role: "tablist", "aria-label": "Parts of this page" });
  const choose = (name, focus = false) => {
    for (const button of bar.children) {
      const here = button.dataset.tab === name;
      button.setAttribute("aria-selected", here);
      button.tabIndex = here ? 0 : -1;
      if (here && focus) button.focus();
    }
    toAddress({ tab: name });
    dispatchEvent(new CustomEvent(TAB, { detail: name }));
  };
  TABS.forEach(([name, text], k) => bar.append(html("button", { type: "button", role: "tab", "data-tab": name, "data-testid": `tab-${name}`,
    onclick: () => choose(name),
    onkeydown: (event) => {
      const to = { ArrowRight: k + 1, ArrowLeft: k - 1, Home: 0, End: TABS.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      choose(TABS[(to + TABS.length) % TABS.length][0], true);
    } }, text)));
  el.append(bar);
  const wanted = openTab();
  choose(TABS.some(([name]) => name === wanted) ? wanted : "cuts");
}

export default { render };
