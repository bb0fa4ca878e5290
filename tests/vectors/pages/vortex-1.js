/**
 * A small vortex client: one WebSocket, requests and pushes, as much as this page needs.
 *
 * It speaks the native dialect: JSON envelopes whose payload is base64 of zlib of JSON.
 */

const HEARTBEAT_MS = 15_000;
const TIMEOUT_MS = 30_000;
const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000];
const MESSAGE_ID = "PayloadResponse.messageId";

/** What the server refused. `error` is its code, "" for none; `tuples` are the rows of a conflict. */
export class Refused extends Error {
  constructor(result, tuples = []) {
    super(result?.text ?? String(result));
    this.error = result?.error ?? "";
    this.errors = result?.errors ?? [];
    this.tuples = tuples;
  }
}

/** A connection that comes back by itself. Events: "open", "close", and "push" with filt and tuples. */
export class Vortex extends EventTarget {
  #uuid = crypto.randomUUID();
  #waiting = new Map();
  #socket = null;
  #retries = 0;

  /** Connect, again and again. */
  start() {
    const url = new URL("/vortex", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.search = new URLSearchParams({
      vortexUuid: this.#uuid, vortexName: "example-page", vortexDialect: "native",
    });
    const socket = new WebSocket(url);
    const beat = setInterval(() => this.#socket?.send("."), HEARTBEAT_MS);
    // Payloads are inflated asynchronously; one after the other keeps them in order.
    let received = Promise.resolve();
    socket.onmessage = ({ data }) => {
      received = received.then(() => this.#receive(data)).catch(console.error);
    };
    socket.onopen = () => {
      this.#socket = socket;
      this.#retries = 0;
      this.dispatchEvent(new Event("open"));
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
    const envelope = {
      _ct: "rpe", filt: { ...filt, [MESSAGE_ID]: id }, result: null, date: null,
      data: tuples.length ? await deflate({ _ct: "rp", filt: {}, tuples, date: null }) : null,
    };
    return new Promise((resolve, reject) => {
      if (!this.#socket) return reject(new Refused("There is no connection to the server"));
      const timer = setTimeout(() => reject(new Refused("The server did not answer")), TIMEOUT_MS);
      const settle = (end) => (value) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        end(value);
      };
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      this.#socket.send(JSON.stringify(envelope));
    });
  }

  async #receive(text) {
    if (text === ".") return;
    const envelope = JSON.parse(text.startsWith("{") ? text : atob(text));
    const filt = unwrap(envelope.filt);
    const result = unwrap(envelope.result);
    const tuples = envelope.data ? unwrap((await inflate(envelope.data)).tuples) : [];
    const request = this.#waiting.get(filt[MESSAGE_ID]);
    if (!request) this.dispatchEvent(new CustomEvent("push", { detail: { filt, tuples } }));
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
