/* The words of the person who is open, by part, without the buttons for answers. */
const page = document.getElementById("page").cloneNode(true);
page.querySelectorAll(".answer").forEach((box) => box.remove());
const plain = (node) => node.textContent.replace(/\s+/g, " ").trim();
const every = (node, selector) => [...node.querySelectorAll(selector)];
const cells = (selector) => every(page, selector).map((row) => [...row.children].map(plain));
const foot = page.querySelector("p.foot");
const told = (start) => {
  const found = [];
  for (let next = start; next && !["H3", "DETAILS", "SUMMARY", "TABLE"].includes(next.tagName); next = next.nextElementSibling) {
    if (next.tagName === "UL") found.push(...[...next.children].map(plain));
    else if (next.tagName === "P" && !next.matches(".unsent, .foot")) found.push(plain(next));
  }
  return found;
};
const sections = {};
for (const head of every(page, "h3, .rest > details:not(.sources) > summary")) sections[plain(head)] = told(head.nextElementSibling);
const unsent = page.querySelector("p.unsent");
const conditions = every(page, "ol.checklist > li").map((entry) => ({
  name: plain(entry.querySelector("summary b")),
  support: plain(entry.querySelector("summary .badge")),
  first: plain(entry.querySelector("summary .first")),
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
return {
  heading: plain(page.querySelector("h2")),
  badges: every(page, "p.told .badge").map(plain),
  why: every(page, "ul.why > li").map(plain),
  person: every(page, "p.who > span").map(plain),
  lines: cells("table.lines tbody tr").map((row) => row.filter((_, place) => place !== 4)),
  outside: every(page, "p.outside").map(plain),
  grading: every(page, "details > p.fine:not(.key)").map(plain).filter((text) => /^(Lines under|Grades of)/.test(text)),
  unsent: unsent ? plain(unsent) : "",
  results: cells("table.results tbody tr").map((row) => row.filter((_, place) => place !== 4)),
  bars: every(page, "svg.bar").map((bar) => bar.getAttribute("aria-label")).sort(),
  guards: every(page, '[data-rule^="guard:"]').map(plain),
  triggers: every(page, '[data-rule^="trigger:"]').map(plain),
  cutoffs: every(page, '[data-rule^="cutoff:"]').map(plain),
  groups,
  conditions,
  sections,
  sources: every(page, "details.sources li").map(plain),
  foot: plain(foot || page),
};
