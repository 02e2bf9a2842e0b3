// The page: the fleet with the worst first, and plots of the vehicle that was chosen.

import { live } from "./live.js";
import { plot } from "./plot.js";

const FAULTS = ["turn_fault", "insulation", "bearing", "eccentricity", "broken_bar"];

// More rows than anybody looks at: who is not among them is found by name.
const MAX_ROWS = 100;

const at = (id) => document.getElementById(id);
/** By id: the newest frame of each fault, and of the health. */
const vehicles = new Map();
const figures = { results: 0, before: 0, lost: 0 };
let chosen;

function show(frame) {
  const { vehicle_id: id, fault_type: kind } = frame;
  let vehicle = vehicles.get(id);
  if (!vehicle) vehicles.set(id, (vehicle = new Map()));
  vehicle.set(kind, frame);
  if (FAULTS.includes(kind)) figures.results += 1;
  chosen ??= id;
}

function health(vehicle) {
  const told = vehicle.get("overall_health")?.health_score;
  if (Number.isFinite(told)) return told;
  return Math.min(...FAULTS.map((fault) => vehicle.get(fault)?.health_score ?? 100));
}

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function row([id, vehicle, score]) {
  const dots = FAULTS.map((fault) => {
    const status = vehicle.get(fault)?.status ?? "unknown";
    const dot = element("i", { className: "dot", title: `${fault}: ${status}` });
    dot.dataset.status = status;
    return dot;
  });
  const button = element("button", { type: "button" }, id, element("span", { className: "dots" }, ...dots), element("b", { textContent: score.toFixed(0) }));
  button.dataset.vehicle = id;
  button.setAttribute("aria-pressed", String(id === chosen));
  return element("li", {}, button);
}

function drawFleet() {
  const wanted = at("filter").value.trim();
  const all = [...vehicles].filter(([id]) => id.includes(wanted)).map(([id, vehicle]) => [id, vehicle, health(vehicle)]);
  all.sort((one, other) => one[2] - other[2] || one[0].localeCompare(other[0]));
  const focused = document.activeElement?.dataset?.vehicle;
  at("fleet").replaceChildren(...all.slice(0, MAX_ROWS).map(row));
  if (focused) at("fleet").querySelector(`[data-vehicle="${CSS.escape(focused)}"]`)?.focus();
}

/** A card for each fault, made once. */
const cards = new Map(
  FAULTS.map((fault) => {
    const [status, list] = [element("b", {}), element("ul", {})];
    const [samples, spectrum] = [element("canvas", {}), element("canvas", {})];
    for (const canvas of [samples, spectrum]) canvas.setAttribute("role", "img");
    const card = element("article", { className: "card", hidden: true }, element("h3", {}, fault.replace("_", " "), status), samples, spectrum, list);
    card.dataset.fault = fault;
    at("cards").append(card);
    return [fault, { card, status, list, samples, spectrum }];
  }),
);

function drawVehicle() {
  const vehicle = vehicles.get(chosen);
  if (!vehicle) return;
  const told = vehicle.get("overall_health");
  at("chosen").textContent = chosen;
  const score = health(vehicle);
  at("health").textContent = told ? `${told.status}, health ${score.toFixed(1)}` : `health ${score.toFixed(1)}`;
  for (const [fault, { card, status, list, samples, spectrum }] of cards) {
    const frame = vehicle.get(fault);
    card.hidden = !frame;
    if (!frame) continue;
    status.textContent = `${frame.status} ${frame.score?.toFixed(2) ?? ""}`;
    status.dataset.status = frame.status;
    samples.hidden = !frame.time_series;
    spectrum.hidden = !frame.spectrum;
    if (frame.time_series) plot(samples, frame.time_series, "line");
    if (frame.spectrum) plot(spectrum, frame.spectrum, "bars");
    list.replaceChildren(...Object.entries(frame.features ?? {}).map(([name, value]) => element("li", {}, `${name.replaceAll("_", " ")} `, element("b", { textContent: String(value) }))));
  }
}

function draw() {
  at("vehicles").textContent = vehicles.size.toLocaleString("en");
  at("lost").textContent = figures.lost.toLocaleString("en");
  let faulty = 0;
  for (const vehicle of vehicles.values()) {
    if (FAULTS.some((fault) => vehicle.get(fault)?.status === "fault")) faulty += 1;
  }
  at("faulty").textContent = faulty.toLocaleString("en");
  drawFleet();
  drawVehicle();
}

at("filter").addEventListener("input", drawFleet);
at("fleet").addEventListener("click", ({ target }) => {
  const id = target.closest("button")?.dataset.vehicle;
  if (id === undefined) return;
  chosen = id;
  draw();
});
// Four times a second, however much comes.
setInterval(() => requestAnimationFrame(draw), 250);
setInterval(() => {
  at("rate").textContent = (figures.results - figures.before).toLocaleString("en");
  figures.before = figures.results;
}, 1000);

const gateway = new URLSearchParams(location.search).get("gateway") ?? "ws://127.0.0.1:8000";
live(new URL("/ws/frontend", gateway), {
  show,
  count: ({ lost }) => (figures.lost = lost),
  state: (kind, text) => {
    at("state").dataset.state = kind;
    at("state").textContent = text;
  },
});
