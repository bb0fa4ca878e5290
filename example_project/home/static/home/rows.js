/** The rows of one CRUD handler that are on the page: asked for as a list, kept fresh by pushes. */

import { tuple } from "./vortex.js";

/** Event: "change", with the `id` of the row that somebody else has changed, if it was one. */
export class Rows extends EventTarget {
  #vortex;
  #key;
  #type;
  #loads = 0;

  /** @param idField the field of the primary key, which is also the `id` of a filt */
  constructor(vortex, { key, type, idField }) {
    super();
    this.#vortex = vortex;
    this.#key = key;
    this.#type = type;
    this.idField = idField;
    this.byId = new Map();
    vortex.addEventListener("push", ({ detail: { filt, tuples } }) => {
      // What was shown before keeps coming; the page has turned.
      if (filt.key === key && this.byId.has(filt.id)) this.#take(filt.id, tuples, filt.id);
    });
  }

  /** Ask for a page of rows; gives the cursor of the next one or null, undefined if it came late. */
  async load(list) {
    const load = ++this.#loads;
    const tuples = await this.#vortex.request({ key: this.#key, ...list });
    if (load !== this.#loads) return undefined;
    const page = tuples.pop();
    this.byId = new Map(tuples.map((row) => [row[this.idField], row]));
    this.#changed();
    // Who has retrieved a row by its id is told when it changes.
    for (const id of this.byId.keys()) {
      this.#retrieve(id).then((found) => this.byId.has(id) && this.#take(id, found));
    }
    return page.next;
  }

  /** Put one more row on the page, if it is there for this user. */
  async add(id, by) {
    this.#take(id, await this.#retrieve(id), by);
  }

  /** Save some fields of a row; with neither id nor version it is a new one. */
  async save(fields) {
    const [row] = await this.#vortex.request({ key: this.#key }, [tuple(this.#type, fields)]);
    await this.add(row[this.idField]);
  }

  async remove(id) {
    await this.#vortex.request({ key: this.#key, id, delete: true });
    this.#take(id, []);
  }

  #retrieve(id) {
    return this.#vortex.request({ key: this.#key, id });
  }

  /** Take over what the server says of a row: nothing, if it is gone or not for this user. */
  #take(id, [row], by) {
    const known = this.byId.get(id);
    if (row) this.byId.set(id, row);
    else this.byId.delete(id);
    if (known?.version !== row?.version) this.#changed(by);
  }

  #changed(id) {
    this.dispatchEvent(new CustomEvent("change", { detail: { id } }));
  }
}
