/** The airports: a table with a search, an order and pages. */

import { Editor, focusRow, make, showChildren } from "./editor.js";
import { Rows } from "./rows.js";

const PAGE_ROWS = 12;
const TYPING_MS = 200;

export function startAirports(vortex, watches, section, say) {
  const rows = new Rows(vortex, watches, { key: "airports.airport", type: "airports.AirportRow", idField: "iata" });
  const editor = new Editor(section.querySelector("dialog"), rows);
  const [search, pages] = ["search", "pages"].map((name) => section.querySelector(`[data-${name}]`));
  const [previous, next] = pages.querySelectorAll("button");
  let cursors = [null]; // of the pages up to the one shown; the first has none
  let typing;

  function load() {
    const { name, state, order } = Object.fromEntries(new FormData(search));
    const where = { ...(name && { name__icontains: name }), ...(state && { state: state.toUpperCase() }) };
    const after = cursors.at(-1);
    rows.load({ where, order: [order], limit: PAGE_ROWS, ...(after && { after }) });
  }
  function turn(to) {
    cursors = to;
    load();
  }

  section.querySelector("[data-new]").onclick = () => editor.open();
  next.onclick = () => turn([...cursors, rows.next]);
  previous.onclick = () => turn(cursors.slice(0, -1));
  search.addEventListener("submit", (event) => event.preventDefault());
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => turn([null]), TYPING_MS);
  });
  load();
  const lines = new WeakMap();
  rows.addEventListener("change", ({ detail: { changed } }) => {
    show(section.querySelector("tbody"), rows, (airport) => {
      if (!lines.has(airport)) lines.set(airport, makeLine(airport, editor, changed.includes(airport)));
      return lines.get(airport);
    });
    previous.disabled = cursors.length === 1;
    next.disabled = !rows.next;
    pages.querySelector("output").textContent = `Page ${cursors.length}`;
    for (const { name } of changed) say(`“${name}” has changed.`);
  });
}

function show(body, rows, getLine) {
  const focused = document.activeElement?.dataset.id;
  showChildren(body, [...rows.byId.values()].map(getLine));
  if (!rows.byId.size) body.insertRow().append(make("td", "No airport fits.", { colSpan: 5 }));
  focusRow(body, focused);
}

function makeLine(airport, editor, isChanged) {
  const line = make("tr", "", { className: isChanged ? "changed" : "" });
  const code = make("button", airport.iata, { type: "button", onclick: () => editor.open(airport) });
  code.dataset.id = airport.iata;
  code.setAttribute("aria-label", `Edit ${airport.iata}`);
  const first = make("td");
  first.append(code);
  line.append(first, ...["name", "city", "state"].map((name) => make("td", airport[name])));
  line.append(make("td", `${airport.latitude.toFixed(3)}, ${airport.longitude.toFixed(3)}`, { className: "number" }));
  return line;
}
