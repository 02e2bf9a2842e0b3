// The page: what is typed in, figures, and a card for each key.

import { Card } from "./card.js";
import { Subscription } from "./subscription.js";

// More keys than anybody looks at: of those the one that was there first goes.
const MAX_CARDS = 200;

const at = (id) => document.getElementById(id);
const cards = new Map();
const figures = { messages: 0, lost: 0, before: 0 };
let subscription;
// How far this clock is ahead of the bridge's, as far as the fastest message tells.
let ahead = Infinity;
let isDrawn = true;

function tell(told) {
  if (told.type === "welcome" && !told.resumed) clear();
  if (told.type === "lost") figures.lost += told.count;
  if (told.type !== "message") return;
  figures.messages += 1;
  ahead = Math.min(ahead, Date.now() - told.time);
  card(told.key).add(told);
  draw();
}

function card(key) {
  let found = cards.get(key);
  if (!found) {
    found = new Card(key);
    cards.set(key, found);
    at("cards").append(found.element);
    at("empty").hidden = true;
    if (cards.size > MAX_CARDS) {
      const [oldest, { element }] = cards.entries().next().value;
      element.remove();
      cards.delete(oldest);
    }
  }
  return found;
}

function clear() {
  cards.clear();
  at("cards").replaceChildren();
  at("empty").hidden = false;
}

/** Draws with the next picture of the browser, however much comes until then. */
function draw() {
  if (!isDrawn) return;
  isDrawn = false;
  requestAnimationFrame(() => {
    isDrawn = true;
    const now = Date.now() - ahead;
    for (const each of cards.values()) each.draw(now);
    at("messages").textContent = figures.messages.toLocaleString("en");
    at("lost").textContent = figures.lost.toLocaleString("en");
    at("keys").textContent = cards.size.toLocaleString("en");
  });
}

function state(kind, text) {
  at("state").dataset.state = kind;
  at("state").textContent = text;
}

function connect() {
  subscription?.close();
  clear();
  Object.assign(figures, { messages: 0, lost: 0, before: 0 });
  ahead = Infinity;
  subscription = new Subscription(at("bridge").value, at("topic").value, at("token").value, { tell, state });
}

const asked = new URLSearchParams(location.search);
at("bridge").value = asked.get("bridge") ?? "http://127.0.0.1:30013";
at("topic").value = asked.get("topic") ?? "telemetry";
at("where").addEventListener("submit", (event) => {
  event.preventDefault();
  connect();
});
setInterval(() => {
  at("rate").textContent = (figures.messages - figures.before).toLocaleString("en");
  figures.before = figures.messages;
  // Lines go on to the left where nothing comes.
  draw();
}, 1000);
if (asked.has("bridge")) connect();
