/** The work board: a column of cards for each state. */

import { Editor, focusRow, make } from "./editor.js";
import { Rows } from "./rows.js";

export function startBoard(vortex, section, say) {
  const rows = new Rows(vortex, { key: "board.tickets", type: "board.Ticket", idField: "id" });
  const editor = new Editor(section.querySelector("dialog"), rows);
  const people = section.querySelector("[name=assignee_id]");
  section.querySelector("[data-new]").onclick = () => editor.open();

  vortex.addEventListener("open", async () => {
    await rows.load({ order: ["due"], limit: 100 });
    const persons = await vortex.request({ key: "board.people" });
    people.replaceChildren(new Option("Nobody", ""), ...persons.map(({ id, name }) => new Option(name, id)));
  });
  rows.addEventListener("change", ({ detail: { changed, gone } }) => {
    show(section, rows, editor, changed);
    for (const { title } of changed) say(`“${title}” has changed.`);
    for (const { title } of gone) say(`“${title}” is gone.`);
  });
}

function show(section, rows, editor, changed) {
  const focused = document.activeElement?.dataset.id;
  const tickets = [...rows.byId.values()];
  for (const column of section.querySelectorAll("[data-state]")) {
    const cards = tickets.filter((ticket) => ticket.state === column.dataset.state);
    column.querySelector("[data-count]").textContent = cards.length;
    column.querySelector("ul").replaceChildren(
      ...cards.map((ticket) => makeCard(ticket, editor, changed.includes(ticket))),
    );
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
