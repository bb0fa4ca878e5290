/**
 * The watches of this page: answers that the server keeps up to date, whoever changes the rows.
 *
 * `docs/wire.rst`, "Watches", describes the messages.
 */

import { Refused } from "./vortex.js";

/** Event: "refused", with why there is no answer, or no newer one. */
export class Watches extends EventTarget {
  #vortex;
  #watches = new Set();
  #left = []; // the names of watches that nobody wants any more
  #early = []; // pushes that may belong to a watch whose name is not known yet
  #isOpen = false;
  #isAsking = false;

  constructor(vortex) {
    super();
    this.#vortex = vortex;
    vortex.addEventListener("close", () => { this.#isOpen = false; });
    vortex.addEventListener("open", () => {
      this.#isOpen = true;
      // With the tags of what is on the page: what has not changed meanwhile does not come again.
      for (const watch of this.#watches) watch.isDue = true;
      this.#ask();
    });
    vortex.addEventListener("push", ({ detail }) => {
      if (detail.filt.key === "vortex.watched") this.#receive(detail);
    });
  }

  /** Watch what a filt asks for: `show` gets the rows soon, and again whenever they change. */
  start(filt, show) {
    const watch = { filt, show, name: null, tag: null, rows: [], isDue: true, needsWhole: false };
    this.#watches.add(watch);
    this.#ask();
    return watch;
  }

  stop(watch) {
    this.#watches.delete(watch);
    if (watch.name) this.#left.push(watch.name);
    this.#ask();
  }

  /** Tell the server what has begun and ended, one message after the other. */
  async #ask() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    await null; // what begins in the same turn goes into one message
    try {
      while (this.#isOpen) {
        const due = [...this.#watches].filter((watch) => watch.isDue);
        if (this.#left.length) await this.#vortex.request({ key: "vortex.unwatch" }, this.#left.splice(0));
        else if (due.length) await this.#begin(due);
        else break;
      }
    } finally {
      this.#isAsking = false;
    }
  }

  async #begin(due) {
    const tuples = due.map(({ filt, tag, needsWhole }) => ({ filt, tag: needsWhole ? null : tag }));
    const answers = await this.#vortex.request({ key: "vortex.watch" }, tuples);
    answers.forEach(({ watch: name, error }, index) => {
      const watch = due[index];
      watch.isDue = watch.needsWhole = false;
      if (error) this.#refuse(error);
      else if (this.#watches.has(watch)) watch.name = name;
      else this.#left.push(name);
    });
    for (const push of this.#early.splice(0)) this.#receive(push);
  }

  #receive(push) {
    const { filt, tuples, result } = push;
    const watch = [...this.#watches].find(({ name }) => name === filt.watch);
    if (!watch) {
      if (this.#isAsking) this.#early.push(push);
    } else if (result) {
      this.#refuse(result);
      if (filt.ended) this.#show(watch, null, []); // nothing is shown to whoever may not look any more
    } else if (filt.to !== undefined && filt.to !== watch.tag) {
      const isKnown = filt.from === watch.tag;
      const rows = filt.from === undefined ? tuples : isKnown && applyDelta(watch.rows, filt, tuples);
      if (rows) this.#show(watch, filt.to, rows);
      else this.#askForWhole(watch);
    }
  }

  #show(watch, tag, rows) {
    Object.assign(watch, { tag, rows });
    watch.show(rows);
  }

  #askForWhole(watch) {
    watch.isDue = watch.needsWhole = true;
    this.#ask();
  }

  #refuse(result) {
    this.dispatchEvent(new CustomEvent("refused", { detail: new Refused(result) }));
  }
}

/**
 * Make the new list of the old one; null if the delta does not fit.
 *
 * Rows that are neither gone nor moved fill the places that are left, in their order. Of a row that
 * was there before, there may be only what has changed in it.
 */
function applyDelta(old, { gone = [], put = [], was = [], moved = [] }, tuples) {
  const rows = tuples.map((one, index) => (one?._ct === "rtp" ? complete(old[was[index]], one) : one));
  const length = old.length - gone.length + put.length;
  const leaving = new Set([...gone, ...moved.map(([, from]) => from)]);
  const staying = old.filter((_, place) => !leaving.has(place));
  const taken = new Map([
    ...put.map((place, index) => [place, rows[index]]),
    ...moved.map(([to, from]) => [to, old[from]]),
  ]);
  const made = Array.from({ length }, (_, place) => (taken.has(place) ? taken.get(place) : staying.shift()));
  return staying.length || made.includes(undefined) ? null : made;
}

/** Give a row with what has changed in it; undefined where no row was. */
function complete(row, part) {
  return row?._ct === "rt" ? { ...row, ...part, _ct: "rt" } : undefined;
}
