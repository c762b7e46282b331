"use strict";
/* The worklist's page: filters, pages, opens and records answers. Every fact on it was made
   before; nothing is requested from anywhere. Texts are set as text; the page of a person is
   HTML that was escaped where it was made. */
(async () => {
  const IN_A_PAGE = 50;
  const MOST_PRINTED = 1000;
  const SHORT_HISTORY = 4;
  const SHOWN_REASONS = 3; // there are three lines
  const $ = (id) => document.getElementById(id);

  async function unpacked(element) {
    const binary = atob(element.textContent.trim());
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  function made(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name.startsWith("data-") || name.startsWith("aria-") || name === "scope") element.setAttribute(name, value);
      else element[name] = value;
    }
    element.append(...children);
    return element;
  }

  const words = (code) => code.replaceAll("_", " ");
  // Names of files and columns are kept as they are for answers, and shown without what reorders a line.
  const plain = (text) => text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, "");
  const data = await unpacked($("data"));
  const people = [];

  // A piece of the list holds columns; the first is shown before the others are unpacked.
  async function take(element) {
    const columns = await unpacked(element);
    element.textContent = "";
    for (let at = 0; at < columns.row.length; at++) {
      const person = { place: people.length };
      for (const name in columns) person[name] = columns[name][at];
      person.key = (person.file ? person.file + ":" : "") + person.row;
      person.label = "row " + plain(person.key);
      person.low = data.lines.filter((line, i) => person.states[i] === "low");
      person.missing = [...new Set(person.reasons.map((reason) => reason.split(":")[0]))];
      people.push(person);
    }
  }

  await take(document.querySelector(".rows"));
  data.kept = data.kept.map(plain);
  const named = (kind, id) => data.names[kind][id] || words(id);
  const pieces = document.getElementsByClassName("piece");

  /* Filters ------------------------------------------------------------------------------ */

  function text(person) {
    person.text = person.text || [person.label, ...person.kept, person.person, person.collected, person.about,
      words(person.pattern), words(person.urgency), ...person.why.flat(), person.severity,
      ...person.conditions.map((id) => named("condition", id)), ...person.guards.map((id) => named("guard", id)),
      ...person.triggers.map((id) => named("trigger", id)), ...person.reasons].join("\n").toLowerCase();
    return person.text;
  }
  const facets = [
    { id: "urgency", of: (person) => [person.urgency], words, order: data.order.urgency },
    { id: "pattern", of: (person) => [person.pattern], words, order: data.order.pattern },
    { id: "line", of: (person) => person.low, words: (line) => line + " line low", order: data.lines },
    { id: "condition", of: (person) => person.conditions, words: (id) => named("condition", id) },
    { id: "guard", of: (person) => person.guards, words: (id) => named("guard", id) },
    { id: "missing", of: (person) => person.missing, words },
  ];
  let shown = people; // all of them, until the first filter
  let page = 0;

  function filter() {
    const search = $("search").value.trim().toLowerCase();
    for (const facet of facets) facet.chosen = $("by-" + facet.id).value;
    // One pass: a count that fits all but one filter counts for that filter alone.
    const counts = facets.map(() => new Map());
    shown = [];
    for (const person of people) {
      if (search && !text(person).includes(search)) continue;
      const against = facets.filter((facet) => facet.chosen && !facet.of(person).includes(facet.chosen));
      if (!against.length) shown.push(person);
      if (against.length > 1) continue;
      facets.forEach((facet, i) => {
        if (against.length && against[0] !== facet) return;
        counts[i].set("", (counts[i].get("") || 0) + 1);
        for (const value of facet.of(person)) counts[i].set(value, (counts[i].get(value) || 0) + 1);
      });
    }
    facets.forEach((facet, i) => {
      for (const option of $("by-" + facet.id).options) {
        const many = counts[i].get(option.value) || 0;
        option.textContent = (option.value ? facet.words(option.value) : "all") + " (" + many.toLocaleString("en") + ")";
      }
    });
    const on = facets.filter((facet) => facet.chosen).length;
    $("filters-on").textContent = on ? " (" + on + " on)" : "";
    page = 0;
    show();
  }

  function heads() {
    const names = ["count", "urgency", "pattern", ...data.lines.map((line) => line + " line"), "severity",
      "to consider", "checks", "answers"];
    $("heads").append(...names.map((name) => made("th", { scope: "col" }, name)));
    $("more-filters").open = matchMedia("(min-width:44rem)").matches;
  }

  function prepare() {
    for (const facet of facets) {
      const values = new Set();
      for (const person of people) for (const value of facet.of(person)) values.add(value);
      const order = facet.order ? facet.order.filter((value) => values.has(value))
        : [...values].sort((a, b) => facet.words(a).localeCompare(facet.words(b)));
      $("by-" + facet.id).append(...["", ...order].map((value) => made("option", { value })));
      $("by-" + facet.id).addEventListener("change", filter);
    }
    let waiting = 0;
    $("search").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 150); });
    $("filters").addEventListener("reset", () => setTimeout(filter));
    $("filters").addEventListener("submit", (event) => event.preventDefault());
    for (const id of ["filters", "pager", "answers"]) $(id).hidden = false;
  }

  /* The list ------------------------------------------------------------------------------ */

  function few(texts) {
    const more = texts.length > 2 ? "; and " + (texts.length - 2) + " more" : "";
    return texts.slice(0, 2).join("; ") + more;
  }

  // The value that made an urgency, and the first of the reasons that it is; the page of the count has them all.
  function whyOf(why) {
    const told = why.slice(0, SHOWN_REASONS).map(([values, reasons]) => made("span", { className: "fine why" },
      reasons.split("; ")[0], values ? made("span", { className: "made-by" }, " (" + values + ")") : ""));
    if (why.length > SHOWN_REASONS) told.push(made("span", { className: "fine why" }, "and " + (why.length - SHOWN_REASONS) + " more"));
    return told;
  }

  function listed(person) {
    const open = made("button", { type: "button", className: "open" }, person.label);
    open.dataset.place = person.place;
    const whose = person.kept.includes(person.person) ? "" : person.person; // a kept column may be the person's own
    const about = [...data.kept.map((name, i) => person.kept[i] && name + " " + person.kept[i]), whose,
      person.about, person.collected].filter(Boolean).join(", ");
    const lines = data.lines.map((line, i) => {
      const state = words(person.states[i]);
      const value = person.values[i] === state ? [] : [made("span", { className: "value" }, person.values[i]), " "];
      return made("td", { className: person.states[i], "data-name": line + " line" }, ...value, made("span", { className: "state" }, state));
    });
    const span = person.low_min === person.low_max ? "" : person.low_min + " to " + person.low_max + " lines low";
    const cells = [
      made("td", {}, open, made("span", { className: "fine" }, about)),
      made("td", { "data-name": "urgency" }, made("span", { className: "badge urgency-" + person.urgency }, words(person.urgency)),
        ...whyOf(person.why)),
      made("td", { "data-name": "pattern" }, made("b", {}, words(person.pattern)), made("span", { className: "fine" }, span)),
      ...lines,
      made("td", { "data-name": "severity" }, person.severity),
      made("td", { "data-name": "to consider" }, few(person.conditions.map((id) => named("condition", id)))),
      made("td", { "data-name": "checks" }, few([...person.guards.map((id) => named("guard", id)), ...(person.pattern === "none" ? person.triggers.map((id) => named("trigger", id)) : [])])),
      made("td", { "data-name": "answers", className: "answers" }, answeredText(person)),
    ];
    return made("tr", {}, ...cells);
  }

  function show(most = IN_A_PAGE) {
    const start = page * IN_A_PAGE;
    $("rows").replaceChildren(...shown.slice(start, start + most).map(listed));
    const pages = Math.max(1, Math.ceil(shown.length / IN_A_PAGE));
    $("list").hidden = false;
    $("count").textContent = shown.length.toLocaleString("en") + " of " + data.listed.toLocaleString("en") + " listed counts"
      + (most > IN_A_PAGE ? printed(most) : "");
    $("place").textContent = "page " + (page + 1).toLocaleString("en") + " of " + pages.toLocaleString("en");
    $("before").disabled = page === 0;
    $("after").disabled = page >= pages - 1;
  }

  // On paper the filters are not seen: the list says which ones are on.
  function printed(most) {
    const on = facets.filter((facet) => facet.chosen).map((facet) => facet.words(facet.chosen));
    const search = $("search").value.trim();
    if (search) on.push("“" + search + "”");
    return (on.length ? ", filtered by " + on.join(", ") : "")
      + (shown.length > most ? "; the first " + most.toLocaleString("en") + " are printed" : "");
  }

  function turn(to) {
    page = Math.min(Math.max(to, 0), Math.max(0, Math.ceil(shown.length / IN_A_PAGE) - 1));
    show();
  }

  const openers = () => [...document.querySelectorAll("#rows button.open")];

  function move(step) {
    const buttons = openers();
    const at = buttons.indexOf(document.activeElement);
    const to = at < 0 ? 0 : at + step;
    if (to >= buttons.length && page < Math.ceil(shown.length / IN_A_PAGE) - 1) {
      turn(page + 1);
      openers()[0].focus();
    } else if (to < 0 && page > 0) {
      turn(page - 1);
      openers().at(-1).focus();
    } else if (buttons.length) buttons[Math.min(Math.max(to, 0), buttons.length - 1)].focus();
  }

  /* One person ---------------------------------------------------------------------------- */

  let current = null;
  let steps = 0;
  const others = $("others"); // it moves into the page that is open
  const unpackedPieces = new Map();
  let shared = null;

  const ready = document.readyState === "loading"
    ? new Promise((done) => document.addEventListener("DOMContentLoaded", done)) : Promise.resolve();

  const inFull = (person) => person.place < data.inFull;

  async function pageOf(person) {
    await ready;
    const own = made("div");
    if (inFull(person)) own.innerHTML = await html(person.place);
    else own.append(await byFlags(person));
    return [...own.childNodes];
  }

  // A count that is not shown in full: its flags, and its cells as received.
  async function byFlags(person) {
    const number = Math.floor((person.place - data.inFull) / data.inCells);
    const columns = await unpacked(document.getElementsByClassName("cells")[number]);
    const at = (person.place - data.inFull) % data.inCells;
    const facts = (rows) => made("table", { className: "facts" }, made("tbody", {}, ...rows.map(([name, value]) =>
      made("tr", {}, made("th", { scope: "row" }, plain(name)), made("td", {}, plain(String(value)))))));
    const of = ([values, places]) => values[places[at]];
    const flags = Object.keys(columns).filter((name) => name !== "received" && of(columns[name]) !== null)
      .map((name) => [words(name), String(of(columns[name])).replaceAll(";", "; ")]);
    const cells = columns.received ? Object.entries(JSON.parse(columns.received[at]))
      .map(([name, value]) => [words(name), typeof value === "object" ? Object.values(value)[0] : value]) : [];
    const head = made("h2", {}, words(person.pattern));
    Object.assign(head.dataset, { rule: "pattern:pattern", flag: person.pattern, words: words(person.pattern) });
    const badge = made("span", { className: "badge urgency-" + person.urgency }, "urgency " + words(person.urgency));
    Object.assign(badge.dataset, { rule: "urgency:urgency", flag: person.urgency, words: "urgency " + words(person.urgency) });
    const why = made("ul", { className: "why" }, ...person.why.map(([values, reasons]) =>
      made("li", {}, values ? made("b", {}, values) : "", (values ? ": " : "") + reasons)));
    const told = data.explained
      ? "This count is shown by its flags. In full: cbc-screen explain " + plain(data.source) + " --row " + plain(person.key)
      : "The cells as received are not in this file, so limits, findings and sources cannot be shown. Scan with --received to see them.";
    const folded = made("details", {}, made("summary", {}, "All flags of this count (" + flags.length + ")"), facts(flags));
    return made("section", { className: "person" }, made("p", { className: "notice" }, data.notice), head,
      made("p", { className: "told" }, made("span", { className: "badge" }, "severity " + person.severity), " ", badge),
      why, made("p", {}, data.lines.map((line, i) => line + " line " + words(person.states[i])).join("; ")),
      ...toConsider((name) => String(columns[name] ? of(columns[name]) ?? "" : "").split(";").filter(Boolean)),
      made("p", { className: "fine" }, told), ...(cells.length ? [made("h3", {}, "Cells as received"), facts(cells)] : []),
      folded);
  }

  // As many conditions as are shown in front, and the next tests, of the flags of a count.
  function toConsider(flag) {
    const [conditions, groups, tests] = ["checklist", "checklist_groups", "next_tests"].map(flag);
    const front = Number(flag("checklist_shown")[0] || 0);
    const listed = conditions.slice(0, front).map((id, i) =>
      made("li", {}, made("b", {}, named("condition", id)), " ", made("span", { className: "fine" }, named("group", groups[i] || ""))));
    const more = conditions.length - listed.length;
    const rest = more ? [made("p", { className: "fine" }, "and " + more + " for which less speaks, among the flags")] : [];
    return [
      ...(listed.length ? [made("h3", {}, "To consider"), made("ol", {}, ...listed), ...rest] : []),
      ...(tests.length ? [made("h3", {}, "Next tests to consider for this count"),
        made("ul", {}, ...tests.map((id) => made("li", {}, named("test", id))))] : []),
    ];
  }

  async function html(place) {
    shared = shared || await unpacked($("shared"));
    const number = Math.floor(place / data.inPiece);
    if (!unpackedPieces.has(number)) {
      if (unpackedPieces.size > 8) unpackedPieces.clear();
      unpackedPieces.set(number, unpacked(pieces[number]));
    }
    const piece = await unpackedPieces.get(number);
    return piece.people[place % data.inPiece].map((part) => (part < 0 ? shared[-1 - part] : piece.parts[part])).join("");
  }

  async function open(person) {
    const [turn, wasOpen] = [++steps, $("person").open];
    current = person;
    const content = await pageOf(person);
    // Another step was made meanwhile, or the person was closed.
    if (turn !== steps || (wasOpen && !$("person").open)) return;
    $("page").replaceChildren(...content);
    const rest = $("page").querySelector(".rest");
    if (rest) rest.before(others);
    else $("page").after(others);
    $("which").textContent = person.label + data.kept.map((name, i) => person.kept[i] && ", " + name + " " + person.kept[i]).join("");
    history(person);
    askAbout(person);
    const at = shown.indexOf(person);
    $("previous").disabled = at <= 0;
    $("next").disabled = at < 0 || at >= shown.length - 1;
    if (!$("person").open) $("person").showModal();
    document.body.classList.add("reading");
    $("page").focus({ preventScroll: true });
    $("person").scrollTop = 0;
  }

  function neighbor(step) {
    const to = shown[shown.indexOf(current) + step];
    if (to) open(to);
  }

  function history(person) {
    const same = person.person === "" ? [] : people.filter((other) => other.person === person.person && other !== person);
    others.replaceChildren();
    if (!same.length) return;
    same.push(person);
    same.sort((a, b) => (a.taken === b.taken ? a.place - b.place : !a.taken ? 1 : !b.taken || a.taken < b.taken ? -1 : 1));
    const names = ["count", "collected", "pattern", ...data.lines.map((line) => line + " line"), "urgency"];
    const rows = same.map((other) => {
      const button = made("button", { type: "button", disabled: other === person }, other === person ? "this count" : other.label);
      button.addEventListener("click", () => open(other));
      const told = [other.collected, words(other.pattern), ...other.values, words(other.urgency)];
      return made("tr", {}, made("td", {}, button), ...told.map((value, i) => made("td", { className: other.states[i - 2] || "", "data-name": names[i + 1] }, value)));
    });
    const table = made("table", {}, made("thead", {}, made("tr", {}, ...names.map((name) => made("th", { scope: "col" }, name)))), made("tbody", {}, ...rows));
    const folded = made("details", {}, made("summary", {}, "All " + same.length + " counts as a table"), table);
    others.append(made("h3", {}, "This person's listed counts"), ...timeline(same, person), same.length > SHORT_HISTORY ? folded : table,
      made("p", { className: "fine" }, "Counts with nothing to review are not listed."));
  }

  // The counts that say when they were taken, line by line along the days; a dot is filled where the line is low.
  function timeline(counts, person) {
    const drawn = (tag, attributes, text = "") => {
      const element = document.createElementNS($("drawn").namespaceURI, tag);
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      element.textContent = text;
      return element;
    };
    const timed = counts.map((count) => ({ count, at: Date.parse(count.taken) })).filter(({ at }) => !Number.isNaN(at));
    const [first, last] = timed.length ? [timed[0].at, timed.at(-1).at] : [0, 0];
    if (first === last) return [];
    const [left, width] = [96, 600];
    const svg = drawn("svg", { viewBox: "0 0 760 " + (40 * data.lines.length + 24), role: "img",
      "aria-label": "The lines over time, as in the table below: a filled dot is low, an empty one not low, a dashed one unknown" });
    data.lines.forEach((line, i) => {
      const y = 30 + 40 * i;
      svg.append(drawn("text", { x: 0, y: y + 4 }, line + " line"), drawn("line", { class: "axis", x1: left, x2: left + width, y1: y, y2: y }));
      let free = -1;
      for (const { count, at } of timed) {
        const x = left + Math.round(width * (at - first) / (last - first));
        svg.append(drawn("circle", { class: "mark " + count.states[i] + (count === person ? " now" : ""), cx: x, cy: y, r: count === person ? 8 : 6 }));
        if (x < free) continue; // a label would lie over the one before
        svg.append(drawn("text", { class: "value", x, y: y - 12, "text-anchor": "middle" }, count.values[i].split(" ×")[0]));
        free = x + 64;
      }
    });
    const y = 40 * data.lines.length + 18;
    svg.append(drawn("text", { x: left, y }, timed[0].count.taken.slice(0, 10)),
      drawn("text", { x: left + width, y, "text-anchor": "end" }, timed.at(-1).count.taken.slice(0, 10)));
    return [svg];
  }

  function closed() {
    const person = current;
    current = null;
    steps++;
    document.body.classList.remove("reading");
    show();
    if (!person) return;
    const at = shown.indexOf(person);
    if (at >= 0 && Math.floor(at / IN_A_PAGE) !== page) turn(Math.floor(at / IN_A_PAGE));
    const button = openers().find((opener) => Number(opener.dataset.place) === person.place);
    (button || openers()[0] || $("search")).focus();
  }

  /* Answers ------------------------------------------------------------------------------- */

  const answers = new Map(); // key of a count -> rule -> answer
  const whole = new Set(); // counts whose absent flags were reviewed, too
  let unsaved = false;
  let kept = true; // whether this browser can keep answers

  const STORE = "cbc-screen answers " + data.id;

  function keep() {
    try {
      const own = people.flatMap((person) => [...(answers.get(person.key) || [])].map(([rule, given]) =>
        ({ file: person.file, row: person.row, rule, ...given })));
      if (own.length || whole.size) {
        localStorage.setItem(STORE, JSON.stringify({ answers: own, whole: [...whole], reviewer: $("reviewer").value }));
      } else localStorage.removeItem(STORE);
      kept = true;
    } catch { kept = false; }
    if (!kept) $("where-kept").textContent = "This browser keeps nothing: save your answers before you leave this page. "
      + "They hold row numbers and answers, and your comments; cbc-screen validate reads them.";
  }

  function recall() {
    let found = null;
    try { found = JSON.parse(localStorage.getItem(STORE)); } catch { kept = false; }
    if (!found || !Array.isArray(found.answers)) return;
    $("reviewer").value = String(found.reviewer || "");
    accept(found, true);
    if (lines().length) tell();
  }

  function forget() {
    if (!lines().length || !confirm("Clear all your answers about this list from this browser?")) return;
    answers.clear();
    whole.clear();
    unsaved = false;
    keep();
    $("answered").textContent = "No answer yet.";
    show();
  }

  function answeredText(person) {
    const own = answers.get(person.key);
    const many = own ? own.size : 0;
    return [many ? many + (many === 1 ? " answer" : " answers") : "", whole.has(person.key) ? "whole" : ""].filter(Boolean).join(", ");
  }

  function put(person, rule, flag, change) {
    set(person, rule, flag, change);
    changed();
  }

  function set(person, rule, flag, change) {
    if (!answers.has(person.key)) answers.set(person.key, new Map());
    const own = answers.get(person.key);
    const answer = { answer: "", instead: "", comment: "", ...own.get(rule), flag, ...change };
    if (answer.answer || answer.comment) own.set(rule, answer);
    else own.delete(rule);
  }

  function changed() {
    unsaved = true;
    keep();
    tell();
  }

  function tell() {
    const many = lines().length;
    $("answered").textContent = many.toLocaleString("en") + (many === 1 ? " answer" : " answers") + " about "
      + new Set([...answers].filter(([, own]) => own.size).map(([key]) => key).concat([...whole])).size.toLocaleString("en") + " counts, not saved yet.";
  }

  function controls(person, rule, flag, told) {
    const own = () => (answers.get(person.key) || new Map()).get(rule) || {};
    const box = made("span", { className: "answer" });
    const buttons = ["agree", "disagree"].map((answer) => {
      const button = made("button", { type: "button", "aria-label": answer + ": " + told, "aria-pressed": String(own().answer === answer) }, answer);
      button.addEventListener("click", () => {
        put(person, rule, flag, { answer: own().answer === answer ? "" : answer, instead: "" });
        draw();
      });
      return button;
    });
    const comment = made("input", { "aria-label": "comment on: " + told, placeholder: "comment", value: own().comment || "", hidden: !own().comment });
    const remark = made("button", { type: "button", "aria-label": "comment on: " + told }, "comment");
    remark.addEventListener("click", () => { comment.hidden = false; comment.focus(); });
    comment.addEventListener("input", () => put(person, rule, flag, { comment: comment.value }));
    const choices = data.order[rule.split(":")[0]];
    const instead = made("select", { "aria-label": "what it is instead of: " + told },
      ...["", ...(choices || []).filter((value) => value !== flag)].map((value) => made("option", { value }, value ? words(value) : "what is it instead?")));
    instead.addEventListener("change", () => put(person, rule, flag, { instead: instead.value }));
    function draw() {
      buttons.forEach((button) => button.setAttribute("aria-pressed", String(own().answer === button.textContent)));
      instead.hidden = !choices || own().answer !== "disagree";
      instead.value = own().instead || "";
    }
    // The pattern, the urgency and a doubt of the count are asked about; on all else "answer" opens the same.
    const asked = /^(pattern|urgency|guard):/.test(rule) || own().answer || own().comment;
    const ask = made("button", { type: "button", className: "ask", "aria-label": "answer about: " + told, hidden: Boolean(asked) }, "answer");
    const given = made("span", { className: "given", hidden: !asked }, ...buttons, remark, instead, comment);
    ask.addEventListener("click", () => { ask.hidden = true; given.hidden = false; buttons[0].focus(); });
    box.append(ask, given);
    draw();
    return box;
  }

  function askAbout(person) {
    for (const told of $("page").querySelectorAll("[data-rule]")) {
      if (told.dataset.rule.startsWith("cutoff:")) continue;
      const box = controls(person, told.dataset.rule, told.dataset.flag, told.dataset.words);
      if (told.tagName === "SUMMARY" || told.tagName === "H2" || told.tagName === "SPAN") told.after(box);
      else told.append(box);
    }
    const flagged = new Set([...$("page").querySelectorAll("[data-rule]")].map((told) => told.dataset.rule));
    for (const [kind, given] of [["condition", person.conditions], ["guard", person.guards], ["trigger", person.triggers]]) {
      for (const id of given) flagged.add(kind + ":" + id);
    }
    const check = made("input", { type: "checkbox", checked: whole.has(person.key) });
    check.addEventListener("change", () => {
      if (check.checked) whole.add(person.key); else whole.delete(person.key);
      changed();
    });
    const select = made("select", { "aria-label": "a flag that is missing" }, made("option", { value: "" }, "a flag that is missing …"));
    for (const kind of ["condition", "guard", "trigger"]) {
      const group = made("optgroup", { label: { condition: "to consider", guard: "spurious", trigger: "review trigger" }[kind] });
      for (const id of Object.keys(data.names[kind])) {
        if (!flagged.has(kind + ":" + id)) group.append(made("option", { value: kind + ":" + id }, named(kind, id)));
      }
      select.append(group);
    }
    const added = made("div");
    const add = (rule) => {
      const [kind, id] = [rule.slice(0, rule.indexOf(":")), rule.slice(rule.indexOf(":") + 1)];
      added.append(made("p", {}, named(kind, id), controls(person, rule, flagOf(person, rule), named(kind, id))));
    };
    for (const rule of (answers.get(person.key) || new Map()).keys()) if (!flagged.has(rule)) add(rule);
    select.addEventListener("change", () => {
      const rule = select.value;
      if (!rule || (answers.get(person.key) || new Map()).has(rule)) return;
      put(person, rule, flagOf(person, rule), { answer: "disagree" });
      add(rule);
      select.value = "";
    });
    $("review").replaceChildren(made("h3", {}, "Review of this count"),
      made("label", {}, check, " Reviewed as a whole: where I say nothing I agree, also with what is not flagged"),
      made("p", {}, select), added);
  }

  function flagsOf(person) {
    const flags = new Map([["pattern:pattern", person.pattern], ["urgency:urgency", person.urgency]]);
    data.lines.forEach((line, i) => flags.set("line:" + line, person.states[i]));
    for (const [kind, given] of [["condition", person.conditions], ["guard", person.guards], ["trigger", person.triggers]]) {
      for (const id of Object.keys(data.names[kind])) {
        const rule = kind + ":" + id;
        if (given.includes(id) && (inFull(person) || kind !== "condition")) flags.set(rule, "yes");
        else if (inFull(person)) flags.set(rule, person.untold.includes(rule) ? "cannot_tell" : "no");
        // else it is not known whether it was told
      }
    }
    return flags;
  }

  function flagOf(person, rule) {
    const [kind, id] = [rule.slice(0, rule.indexOf(":")), rule.slice(rule.indexOf(":") + 1)];
    const said = flagsOf(person).get(rule);
    return said || (Object.hasOwn(data.names, kind) && Object.hasOwn(data.names[kind], id) ? "cannot_tell" : "");
  }

  function lines() {
    const found = [];
    const reviewer = $("reviewer").value.trim();
    for (const person of people) {
      const own = answers.get(person.key) || new Map();
      const line = (rule, flag, answer) => found.push({ file: person.file, row: person.row, rule, flag,
        answer: answer.answer, instead: answer.instead, comment: answer.comment, reviewer });
      const agreed = whole.has(person.key) ? flagsOf(person) : new Map();
      for (const [rule, answer] of own) line(rule, answer.flag, answer.answer || !agreed.has(rule) ? answer : { ...answer, answer: "agree" });
      for (const [rule, flag] of agreed) if (!own.has(rule)) line(rule, flag, { answer: "agree", instead: "", comment: "" });
    }
    return found;
  }

  function save(name, kind, text) {
    const link = made("a", { href: URL.createObjectURL(new Blob([text], { type: kind })), download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    unsaved = false;
    $("answered").textContent = lines().length.toLocaleString("en") + " answers, saved.";
  }

  function cell(value) {
    const [start, inside] = data.formula;
    const safe = String(value).replace(new RegExp(inside, "gu"), "$1'").replace(new RegExp(start, "u"), "'");
    return /[",\r\n\t\v\f\u0085\u2028\u2029]|^'/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
  }

  function csv() {
    const names = ["file", "row", "rule", "flag", "answer", "instead", "comment", "reviewer"];
    const rows = lines().map((line) => [...names.map((name) => cell(line[name])), cell(data.notice)].join(","));
    return [[...names, "notice"].join(","), ...rows].join("\r\n") + "\r\n";
  }

  function json() {
    return JSON.stringify({ notice: data.notice, schema_version: data.schema_version, source: data.source, id: data.id, versions: data.versions, whole: [...whole], answers: lines() }, null, 1);
  }

  async function load(file) {
    let found = null;
    try { found = JSON.parse(await file.text()); } catch { found = null; }
    const given = found && Array.isArray(found.answers) ? found.answers : null;
    if (!given || found.id !== data.id) {
      $("answered").textContent = given ? "These answers are about another file of flags." : "This file holds no saved answers.";
      return;
    }
    const unplaced = accept(found);
    changed();
    if (unplaced) $("answered").textContent += " " + unplaced.toLocaleString("en") + " lines of the file could not be used.";
    show();
  }

  // Takes over answers that were saved, or kept as they were given; returns how many of them say nothing about these counts.
  function accept(found, explicit = false) {
    const known = new Map(people.map((person) => [person.key, person]));
    const wholes = new Set(Array.isArray(found.whole) ? found.whole : []);
    let unplaced = 0;
    for (const line of found.answers) {
      const key = line && (line.file ? line.file + ":" : "") + line.row;
      const person = known.get(key);
      const flag = person && flagOf(person, String(line.rule));
      if (!flag || !["", "agree", "disagree"].includes(line.answer)) { unplaced++; continue; }
      // What was agreed with as part of the whole is said by the whole.
      const implied = !explicit && wholes.has(key) && line.answer === "agree" && flagsOf(person).has(line.rule);
      if (implied && !line.comment) continue;
      set(person, line.rule, flag, { answer: implied ? "" : line.answer, instead: String(line.instead || ""), comment: String(line.comment || "") });
    }
    for (const key of wholes) if (known.has(key)) whole.add(key);
    return unplaced;
  }

  /* Keys and buttons ---------------------------------------------------------------------- */

  function keys(event) {
    if (event.target === $("search") && ["ArrowDown", "Enter"].includes(event.key) && openers().length) {
      event.preventDefault();
      openers()[0].focus();
      return;
    }
    const editing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (editing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && !$("person").open) {
      event.preventDefault();
      $("search").focus();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    if ($("person").open) neighbor(step);
    else move(step);
  }

  $("rows").addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row) open(people[Number(row.querySelector("button.open").dataset.place)]);
  });
  document.addEventListener("keydown", keys);
  for (const [id, step] of [["before", -1], ["after", 1]]) {
    $(id).addEventListener("click", () => { turn(page + step); $("count").scrollIntoView(); });
  }
  $("previous").addEventListener("click", () => neighbor(-1));
  $("next").addEventListener("click", () => neighbor(1));
  $("close").addEventListener("click", () => $("person").close());
  $("person").addEventListener("close", closed);
  $("to-csv").addEventListener("click", () => save("answers.csv", "text/csv", csv()));
  $("to-json").addEventListener("click", () => save("answers.json", "application/json", json()));
  $("load").addEventListener("change", (event) => event.target.files[0] && load(event.target.files[0]));
  $("forget").addEventListener("click", forget);
  $("reviewer").addEventListener("input", () => { unsaved = unsaved || lines().length > 0; keep(); });
  window.addEventListener("beforeunload", (event) => { if (unsaved && !kept) event.preventDefault(); });
  // What printing opens, and where the list was. Of conditions for which less speaks the names and first findings are
  // printed: with all of their texts one person took eighteen sheets.
  let before = null;
  window.addEventListener("beforeprint", () => {
    before = before || { page, closed: [...$("page").querySelectorAll("details:not([open])")].filter((one) => !one.closest("details.folded ol")) };
    for (const details of before.closed) details.open = true;
    if (!$("person").open) { page = 0; show(MOST_PRINTED); }
  });
  window.addEventListener("afterprint", () => {
    if (!before) return;
    for (const details of before.closed) details.open = false;
    page = before.page;
    before = null;
    show();
  });
  heads();
  show();
  if (document.getElementsByClassName("rows").length < data.pieces) await ready;
  for (const element of [...document.getElementsByClassName("rows")].slice(1)) await take(element);
  prepare();
  recall();
  filter();
  document.body.dataset.ready = "yes";
})();
