/**
 * A small vortex client: one WebSocket, requests and pushes, as much as this page needs.
 *
 * It speaks the native dialect, version 2: JSON envelopes with a short payload as it is, and several
 * tuples of a type as columns. A longer payload comes and goes in binary frames. To a server of the
 * version before it writes as that reads: base64 of zlib of JSON.
 */

const HEARTBEAT_MS = 15_000;
const TIMEOUT_MS = 30_000;
const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000];
const MESSAGE_ID = "PayloadResponse.messageId";
const VERSION = 2;
const SERVER_VERSION = "__vortexVersion__";
const SERVER_UUID = "__vortexUuid__";
const SERVER_LIMIT = "__vortexMaxBytes__";
const SHORT_BYTES = 4096;
const PIECE_BYTES = 262_144;
const MAX_PIECED_BYTES = 1_000_000;

/** What the server refused. `error` is its code, "" for none; `tuples` are the rows of a conflict. */
export class Refused extends Error {
  constructor(result, tuples = []) {
    super(result?.text ?? String(result));
    this.error = result?.error ?? "";
    this.errors = result?.errors ?? [];
    this.tuples = tuples;
  }
}

/** A connection that comes back by itself. Events: "open", "close", and "push" with filt, tuples and result. */
export class Vortex extends EventTarget {
  #uuid = crypto.randomUUID();
  #waiting = new Map();
  #socket = null;
  #version = 1;
  #maxBytes = Infinity;
  #announced = null;
  #retries = 0;

  /** Connect, again and again. */
  start() {
    const url = new URL("/vortex", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.search = new URLSearchParams({
      vortexUuid: this.#uuid, vortexName: "example-page", vortexDialect: "native", vortexVersion: VERSION,
    });
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    this.#announced = null;
    const beat = setInterval(() => this.#socket?.send("."), HEARTBEAT_MS);
    // Payloads are inflated asynchronously; one after the other keeps them in order.
    let received = Promise.resolve();
    socket.onmessage = ({ data }) => {
      received = received.then(() => this.#receive(data, socket)).catch(console.error);
    };
    socket.onclose = () => {
      clearInterval(beat);
      this.#socket = null;
      for (const { reject } of this.#waiting.values()) reject(new Refused("The connection was lost"));
      this.#waiting.clear();
      this.dispatchEvent(new Event("close"));
      setTimeout(() => this.start(), RETRY_MS[Math.min(this.#retries++, RETRY_MS.length - 1)]);
    };
  }

  /** Send and give the tuples of the reply; throws `Refused`. */
  async request(filt, tuples = []) {
    const id = crypto.randomUUID();
    const { frames = [], ...carrier } = tuples.length ? await this.#write(tuples) : {};
    const envelope = { _ct: "rpe", filt: { ...filt, [MESSAGE_ID]: id }, result: null, date: null, ...carrier };
    const text = JSON.stringify(envelope);
    if (new Blob([text, ...frames]).size > this.#maxBytes) {
      throw new Refused({ error: "limit", text: `The server takes at most ${this.#maxBytes} bytes` });
    }
    return new Promise((resolve, reject) => {
      if (!this.#socket) return reject(new Refused("There is no connection to the server"));
      const timer = setTimeout(() => reject(new Refused("The server did not answer")), TIMEOUT_MS);
      const settle = (end) => (value) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        end(value);
      };
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      this.#socket.send(text);
      for (const frame of frames) this.#socket.send(frame);
    });
  }

  /** Give what carries tuples, in the version of the server: fields of the envelope, and `frames`. */
  async #write(tuples) {
    if (this.#version < 2) return { data: await deflate({ _ct: "rp", filt: {}, tuples, date: null }) };
    const payload = { tuples: toColumns(tuples) };
    const bytes = new TextEncoder().encode(JSON.stringify(payload));
    if (bytes.length <= SHORT_BYTES) return { payload };
    if (bytes.length > MAX_PIECED_BYTES) return { data: await deflate(payload) };
    const frames = cut(bytes);
    return { frames, pieces: [bytes.length, frames.length] };
  }

  /** Be connected: until the server has said who it is, nothing is known of its version. */
  #meet(filt, socket) {
    this.#version = Math.min(filt[SERVER_VERSION] ?? 1, VERSION);
    this.#maxBytes = filt[SERVER_LIMIT] ?? Infinity;
    if (socket.readyState !== WebSocket.OPEN) return;
    this.#socket = socket;
    this.#retries = 0;
    this.dispatchEvent(new Event("open"));
  }

  async #receive(data, socket) {
    if (data === ".") return;
    if (typeof data !== "string") return this.#addPiece(data);
    const envelope = JSON.parse(data.startsWith("{") ? data : atob(data));
    if (envelope.pieces) this.#announced = { envelope, left: envelope.pieces[1], pieces: [] };
    else if (SERVER_UUID in envelope.filt) this.#meet(unwrap(envelope.filt), socket);
    else this.#take(envelope, envelope.payload ?? (envelope.data ? await inflate(envelope.data) : {}));
  }

  /** Take a part of the payload of an envelope that came before; beats may be between them. */
  async #addPiece(piece) {
    const announced = this.#announced;
    if (!announced) return;
    announced.pieces.push(piece);
    if (--announced.left > 0) return;
    this.#announced = null;
    this.#take(announced.envelope, JSON.parse(await new Blob(announced.pieces).text()));
  }

  #take(envelope, payload) {
    const filt = unwrap(envelope.filt);
    const result = unwrap(envelope.result);
    const tuples = unwrap(fromColumns(payload.tuples ?? []));
    const request = this.#waiting.get(filt[MESSAGE_ID]);
    if (!request) this.dispatchEvent(new CustomEvent("push", { detail: { filt, tuples, result } }));
    else if (result === null || result === true) request.resolve(tuples);
    else request.reject(new Refused(result, tuples));
  }
}

/** Make a tuple of some fields: a field that is left out is not touched by the server. */
export const tuple = (type, fields) => ({ _ct: "rt", _c: type, ...fields });

/** Make a date of what `<input type="date">` says. */
export const date = (text) => (text ? { _ft: "date", _fd: text } : null);

/** Take integers, dates and the like out of their wrappers; what they hold is enough here. */
function unwrap(value) {
  if (Array.isArray(value)) return value.map(unwrap);
  if (value === null || typeof value !== "object") return value;
  if ("_ft" in value) return value._fd;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, unwrap(one)]));
}

/** Give tuples with each run of one type and the same fields as columns, wrappers left as they are. */
function toColumns(tuples) {
  const runs = [];
  for (const one of tuples) {
    const names = one?._ct === "rt" ? Object.keys(one).filter((name) => !name.startsWith("_")) : [];
    const shape = names.length ? JSON.stringify([one._c, names]) : null;
    const last = runs.at(-1);
    if (shape !== null && last?.shape === shape) last.rows.push(one);
    else runs.push({ shape, names, rows: [one] });
  }
  return runs.map(({ names, rows }) => rows.length === 1 ? rows[0] : {
    _ct: "rts", _c: rows[0]._c, fields: names,
    columns: names.map((name) => rows.map((row) => row[name])),
  });
}

/** Give the tuples of a list with columns. */
function fromColumns(items) {
  return items.flatMap((item) => {
    if (item?._ct !== "rts") return [item];
    const columns = item.columns.map((column) => (Array.isArray(column) ? column : column._fd));
    return columns[0].map((_, row) => ({
      _ct: "rt", _c: item._c,
      ...Object.fromEntries(item.fields.map((name, index) => [name, columns[index][row]])),
    }));
  });
}

/** Cut bytes into binary frames. */
function cut(bytes) {
  const count = Math.ceil(bytes.length / PIECE_BYTES);
  return Array.from({ length: count }, (_, index) => bytes.slice(index * PIECE_BYTES, (index + 1) * PIECE_BYTES));
}

async function deflate(value) {
  const stream = new Blob([JSON.stringify(value)]).stream();
  const buffer = await new Response(stream.pipeThrough(new CompressionStream("deflate"))).arrayBuffer();
  return btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""));
}

async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}
