/** A dialog with a form for one row: saves what was changed, and says why it could not. */

import { date } from "./vortex.js";

export class Editor {
  #dialog;
  #form;
  #rows;
  #row = null;
  #shown = {};

  /** The elements of the form are named after the fields of the rows. */
  constructor(dialog, rows) {
    this.#dialog = dialog;
    this.#form = dialog.querySelector("form");
    this.#rows = rows;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#try(() => rows.save(this.#changes()));
    });
    dialog.addEventListener("close", () => focusRow(dialog.parentElement, this.#row?.[rows.idField]));
    this.#button("cancel").onclick = () => dialog.close();
    this.#button("delete").onclick = () => {
      if (confirm("Delete it for everybody?")) this.#try(() => rows.remove(this.#row[rows.idField]));
    };
    this.#button("theirs").onclick = () => this.#show(this.#row);
    this.#button("mine").onclick = () => this.#form.requestSubmit();
  }

  /** Open for a row, or for a new one. */
  open(row = null) {
    this.#show(row);
    this.#dialog.querySelector("[data-title]").textContent = row ? "Edit" : "New";
    this.#button("delete").hidden = !row;
    const key = this.#form.elements[this.#rows.idField];
    if (key) key.readOnly = Boolean(row);
    this.#dialog.showModal();
  }

  #show(row) {
    this.#row = row;
    this.#tell();
    if (!row) this.#form.reset();
    for (const field of this.#fields) {
      if (row) field.value = row[field.name] ?? "";
      this.#shown[field.name] = row ? field.value : null;
    }
  }

  /** Only what was changed: other fields stay as somebody else may have saved them meanwhile. */
  #changes() {
    const { idField } = this.#rows;
    const changed = this.#fields.filter((field) => field.value !== this.#shown[field.name]);
    const key = this.#row && { [idField]: this.#row[idField], version: this.#row.version };
    return { ...Object.fromEntries(changed.map((field) => [field.name, read(field)])), ...key };
  }

  async #try(action) {
    this.#tell();
    try {
      await action();
      this.#dialog.close();
    } catch (error) {
      if (error.error === "conflict" && error.tuples.length) this.#tellConflict(error.tuples[0]);
      else this.#tell(error);
    }
  }

  /** Say what is wrong: beside its field, or above the buttons. */
  #tell(error) {
    this.#dialog.querySelector("[data-conflict]").hidden = true;
    const messages = new Map((error?.errors ?? []).map((one) => [one.field, one.messages.join(" ")]));
    for (const field of this.#fields) {
      const message = messages.get(field.name) ?? "";
      field.setAttribute("aria-invalid", message !== "");
      field.parentElement.querySelector("[data-error]").textContent = message;
      messages.delete(field.name);
    }
    const isSaid = error?.errors?.length && !messages.size;
    this.#dialog.querySelector("[data-alert]").textContent = error && !isSaid ? error.message : "";
  }

  /** Show what somebody else has saved. It is taken over, but for what was changed here as well. */
  #tellConflict(current) {
    this.#row = current;
    const list = this.#dialog.querySelector("[data-current]");
    list.replaceChildren();
    for (const field of this.#fields) {
      const before = this.#shown[field.name];
      const theirs = (this.#shown[field.name] = String(current[field.name] ?? ""));
      if (field.value === before) field.value = theirs;
      if (theirs === before) continue;
      const option = [...(field.options ?? [])].find(({ value }) => value === theirs);
      list.append(make("dt", field.labels[0].innerText), make("dd", option?.text ?? (theirs || "–")));
    }
    this.#dialog.querySelector("[data-conflict]").hidden = false;
    this.#button("theirs").focus();
  }

  get #fields() {
    return [...this.#form.elements].filter((element) => element.name);
  }

  #button(name) {
    return this.#dialog.querySelector(`[data-do="${name}"]`);
  }
}

/** Make an element with a text and some properties. */
export function make(tag, text = "", properties = {}) {
  return Object.assign(document.createElement(tag), { textContent: text, ...properties });
}

/** Show elements as the children of another; those that are there already are not touched. */
export function showChildren(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
}

/** Focus the button of a row, which may have been made anew. */
export function focusRow(section, id) {
  if (id !== undefined) section.querySelector(`[data-id="${CSS.escape(id)}"]`)?.focus({ preventScroll: true });
}

function read(field) {
  if (field.type === "date") return date(field.value);
  if (field.dataset.type === "number") return field.value === "" ? null : Number(field.value);
  return field.value;
}
