/* The words of the person who is open, by part, without the buttons for answers. */
const page = document.getElementById("page").cloneNode(true);
page.querySelectorAll(".answer").forEach((box) => box.remove());
const plain = (node) => node.textContent.replace(/\s+/g, " ").trim();
const every = (node, selector) => [...node.querySelectorAll(selector)];
const cells = (selector) => every(page, selector).map((row) => [...row.children].map(plain));
const foot = page.querySelector("section.person > p.fine:last-child");
const why = page.querySelector("p.told + p");
const sections = {};
for (const head of every(page, "h3")) {
  const told = [];
  for (let next = head.nextElementSibling; next && next.tagName !== "H3" && next.tagName !== "DETAILS"; next = next.nextElementSibling) {
    if (next.tagName === "UL") told.push(...[...next.children].map(plain));
    else if (next.tagName === "P" && next !== foot) told.push(plain(next));
  }
  sections[plain(head)] = told;
}
const conditions = every(page, "ol.checklist > li").map((entry) => ({
  name: plain(entry.querySelector("summary b")),
  support: plain(entry.querySelector("summary .badge")),
  counts: plain(entry.querySelector("summary .fine")),
  summary: plain(entry.querySelector("p")),
  terms: every(entry, "dl > dt").map((term) => {
    const told = term.nextElementSibling;
    const items = every(told, "li").map(plain);
    return [plain(term), items.length ? items : [plain(told)]];
  }),
}));
const groups = every(page, "ol.checklist").map((list) => {
  const folded = list.closest("details.folded");
  return {
    heading: plain(folded ? folded.querySelector("summary") : list.previousElementSibling),
    start: list.start,
    folded: folded !== null && !folded.open,
    names: every(list, "summary b").map(plain),
  };
});
const first = page.querySelector("p.told-first");
return {
  first: first ? plain(first) : "",
  heading: plain(page.querySelector("h2")),
  badges: every(page, "p.told .badge").map(plain),
  why: why ? plain(why) : "",
  person: cells("table.facts tbody tr"),
  lines: cells("table.lines tbody tr"),
  results: cells("table.results tbody tr").map((row) => row.filter((_, place) => place !== 4)),
  bars: every(page, "svg.bar").map((bar) => bar.getAttribute("aria-label")),
  guards: every(page, '[data-rule^="guard:"]').map(plain),
  triggers: every(page, '[data-rule^="trigger:"]').map(plain),
  cutoffs: every(page, '[data-rule^="cutoff:"]').map(plain),
  groups,
  conditions,
  sections,
  sources: every(page, "details.sources li").map(plain),
  foot: plain(foot || page),
};
