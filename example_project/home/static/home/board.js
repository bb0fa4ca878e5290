/** The work board: a column of cards for each state. */

import { Editor, focusRow, make, showChildren } from "./editor.js";
import { Rows } from "./rows.js";

export function startBoard(vortex, watches, section, say) {
  const rows = new Rows(vortex, watches, { key: "board.tickets", type: "board.Ticket", idField: "id" });
  const editor = new Editor(section.querySelector("dialog"), rows);
  const people = section.querySelector("[name=assignee_id]");
  section.querySelector("[data-new]").onclick = () => editor.open();

  rows.load({ order: ["due"], limit: 100 });
  watches.start({ key: "board.people" }, (persons) => {
    const chosen = people.value; // in a dialog that may be open
    people.replaceChildren(new Option("Nobody", ""), ...persons.map(({ id, name }) => new Option(name, id)));
    if (persons.some(({ id }) => String(id) === chosen)) people.value = chosen;
  });
  const cards = new WeakMap();
  rows.addEventListener("change", ({ detail: { changed, gone } }) => {
    show(section, rows, (ticket) => {
      if (!cards.has(ticket)) cards.set(ticket, makeCard(ticket, editor, changed.includes(ticket)));
      return cards.get(ticket);
    });
    for (const { title } of changed) say(`“${title}” has changed.`);
    for (const { title } of gone) say(`“${title}” is gone.`);
  });
}

function show(section, rows, getCard) {
  const focused = document.activeElement?.dataset.id;
  const tickets = [...rows.byId.values()];
  for (const column of section.querySelectorAll("[data-state]")) {
    const inState = tickets.filter((ticket) => ticket.state === column.dataset.state);
    column.querySelector("[data-count]").textContent = inState.length;
    showChildren(column.querySelector("ul"), inState.map(getCard));
  }
  focusRow(section, focused);
}

function makeCard(ticket, editor, isChanged) {
  const card = make("li", "", { className: isChanged ? "card changed" : "card" });
  const title = make("button", ticket.title, { type: "button", onclick: () => editor.open(ticket) });
  title.dataset.id = ticket.id;
  const facts = make("p", "", { className: "facts" });
  facts.append(make("span", ticket.assignee?.name ?? "Nobody"));
  if (ticket.due) {
    const isLate = ticket.state !== "done" && ticket.due < new Date().toLocaleDateString("sv");
    const text = `${isLate ? "overdue, " : ""}${formatDay(ticket.due)}`;
    facts.append(make("time", text, { dateTime: ticket.due, className: isLate ? "late" : "" }));
  }
  facts.append(make("span", `v${ticket.version}`, { title: "Version, counted at every save" }));
  card.append(title, facts);
  return card;
}

function formatDay(text) {
  const day = new Date(`${text}T00:00`);
  const year = day.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return day.toLocaleDateString("en", { day: "numeric", month: "short", year });
}
