/** Connects the page to the vortex that served it. */

import { startAirports } from "./airports.js";
import { startBoard } from "./board.js";
import { Refused, Vortex } from "./vortex.js";
import { Watches } from "./watches.js";

const vortex = new Vortex();
const watches = new Watches(vortex);
const connection = document.getElementById("connection");
const news = document.getElementById("news");
const say = (text) => { news.textContent = text; };

for (const [event, text] of [["open", "connected"], ["close", "connecting …"]]) {
  vortex.addEventListener(event, () => {
    connection.textContent = text;
    connection.dataset.state = event;
  });
}
// What no dialog is there to tell: a list that was refused, or a connection that was lost.
watches.addEventListener("refused", ({ detail }) => say(detail.message));
addEventListener("unhandledrejection", (event) => {
  if (!(event.reason instanceof Refused)) return;
  event.preventDefault();
  say(event.reason.message);
});
vortex.addEventListener("push", ({ detail: { filt, tuples } }) => {
  if (filt.key === "airports.notice") say(tuples[0]);
});
startBoard(vortex, watches, document.getElementById("board"), say);
const airports = document.getElementById("airports");
if (airports.querySelector("table")) startAirports(vortex, watches, airports, say);
vortex.start();
