/** The rows of one CRUD handler that are on the page: a list, which is pushed anew when it changes. */

import { tuple } from "./vortex.js";

/** Event: "change", with the rows that a push has `changed` and those that are `gone` since. */
export class Rows extends EventTarget {
  /** The rows by their ids, in the order of the list. */
  byId = new Map();
  /** The cursor of the next page, or null. */
  next = null;

  #vortex;
  #key;
  #type;
  #asked = "";

  /** @param idField the field of the primary key, which is also the `id` of a filt */
  constructor(vortex, { key, type, idField }) {
    super();
    this.#vortex = vortex;
    this.#key = key;
    this.#type = type;
    this.idField = idField;
    // A push carries the filt of the request. Lists that were shown before keep coming a while.
    vortex.addEventListener("push", ({ detail: { filt, tuples } }) => {
      if (JSON.stringify(filt) === this.#asked) this.#take(tuples, this.byId);
    });
  }

  /** Show another list; it has to have a limit. */
  async load(list) {
    const filt = { key: this.#key, ...list };
    const asked = (this.#asked = JSON.stringify(filt));
    const tuples = await this.#vortex.request(filt);
    if (asked === this.#asked) this.#take(tuples);
  }

  /** Save some fields of a row; with neither id nor version it is a new one. */
  async save(fields) {
    await this.#vortex.request({ key: this.#key }, [tuple(this.#type, fields)]);
  }

  async remove(id) {
    await this.#vortex.request({ key: this.#key, id, delete: true });
  }

  #take(tuples, before) {
    this.next = tuples.pop()?.next ?? null; // nothing at all comes to whoever may not look any more
    this.byId = new Map(tuples.map((row) => [row[this.idField], row]));
    const changed = before ? tuples.filter((row) => before.get(row[this.idField])?.version !== row.version) : [];
    const gone = before ? [...before.values()].filter((row) => !this.byId.has(row[this.idField])) : [];
    this.dispatchEvent(new CustomEvent("change", { detail: { changed, gone } }));
  }
}
