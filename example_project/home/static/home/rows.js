/** The rows of one CRUD handler that are on the page: a list, which the page watches. */

import { tuple } from "./vortex.js";

/** Event: "change", with the rows that have `changed` since the list was first shown, and those that are `gone`. */
export class Rows extends EventTarget {
  /** The rows by their ids, in the order of the list. A row that is unchanged is the same object. */
  byId = new Map();
  /** The cursor of the next page, or null. */
  next = null;

  #vortex;
  #watches;
  #watch = null;
  #key;
  #type;

  /** @param idField the field of the primary key, which is also the `id` of a filt */
  constructor(vortex, watches, { key, type, idField }) {
    super();
    this.#vortex = vortex;
    this.#watches = watches;
    this.#key = key;
    this.#type = type;
    this.idField = idField;
  }

  /** Show another list; it has to have a limit. What is shown stays until the other one is there. */
  load(list) {
    let isFirst = true;
    if (this.#watch) this.#watches.stop(this.#watch);
    this.#watch = this.#watches.start({ key: this.#key, ...list }, (rows) => {
      this.#take(rows, isFirst);
      isFirst = false;
    });
  }

  /** Save some fields of a row; with neither id nor version it is a new one. */
  async save(fields) {
    await this.#vortex.request({ key: this.#key }, [tuple(this.#type, fields)]);
  }

  async remove(id) {
    await this.#vortex.request({ key: this.#key, id, delete: true });
  }

  #take(answer, isFirst) {
    const before = this.byId;
    const rows = answer.slice(0, -1).map((row) => {
      const known = before.get(row[this.idField]);
      return JSON.stringify(known) === JSON.stringify(row) ? known : row;
    });
    this.next = answer.at(-1)?.next ?? null; // the last tuple of a list is about its page
    this.byId = new Map(rows.map((row) => [row[this.idField], row]));
    const changed = isFirst ? [] : rows.filter((row) => before.get(row[this.idField]) !== row);
    const gone = isFirst ? [] : [...before.values()].filter((row) => !this.byId.has(row[this.idField]));
    this.dispatchEvent(new CustomEvent("change", { detail: { changed, gone } }));
  }
}
