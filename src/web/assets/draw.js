// Drawings of a run: all machines at a glance, the timeline, the graph.

import { span, t } from "./app.js";
import { SIGNS, STATES, showStep } from "./run.js";

const NS = "http://www.w3.org/2000/svg";
const shape = (name, attributes, text) => {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
};
const short = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** One tile for each machine: its sign, and then a colour. */
export function overview(canvas, machines) {
  const colours = getComputedStyle(document.documentElement);
  const of = (name) => colours.getPropertyValue(`--${name}`).trim();
  const look = {
    done: ["ok-ground", "ok", "✓"], active: ["run-ground", "run", "▶"], asked: ["ask-ground", "ask", "?"],
    failed: ["bad-ground", "bad", "✕"], waiting: ["raised", "muted", "·"],
  };
  const size = machines.length > 400 ? 19 : 26;
  const width = Math.max(200, canvas.parentElement.clientWidth);
  const columns = Math.floor(width / size);
  const rows = Math.ceil(machines.length / columns);
  const scale = devicePixelRatio || 1;
  canvas.width = width * scale;
  canvas.height = rows * size * scale;
  canvas.style.height = `${rows * size}px`;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.font = `700 ${size * 0.55}px ui-monospace, monospace`;
  machines.forEach((machine, place) => {
    const [x, y] = [(place % columns) * size, Math.floor(place / columns) * size];
    const [ground, text, sign] = look[machine.standing] ?? look.waiting;
    pen.fillStyle = of(ground);
    pen.fillRect(x + 1, y + 1, size - 2, size - 2);
    if (machine.standing === "failed" || machine.standing === "asked") {
      pen.strokeStyle = of(text);
      pen.lineWidth = 2;
      pen.strokeRect(x + 2, y + 2, size - 4, size - 4);
    }
    pen.fillStyle = of(text);
    pen.fillText(sign, x + size / 2, y + size / 2 + 1);
  });
  canvas.at = (x, y) => machines[Math.floor(y / size) * columns + Math.floor(x / size)];
}

function pressable(element, step, name) {
  element.dataset.step = step.index;
  element.setAttribute("tabindex", "0");
  element.setAttribute("role", "button");
  // What is written on it names it, unless nothing is.
  if (name) element.setAttribute("aria-label", name);
  element.addEventListener("click", () => showStep(step));
  element.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); showStep(step); } });
}

const nice = (seconds) => [1, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400].find((one) => one >= seconds) ?? 172800;

/** When each machine's steps began and ended. */
export function gantt(panel, model, machines, total) {
  const width = Math.max(640, panel.clientWidth || panel.parentElement.clientWidth) - 4;
  const [left, height, top] = [170, 26, 30];
  const end = Math.max(60, model.now ?? 0);
  const scale = (width - left - 20) / end;
  const svg = shape("svg", { width, height: top + machines.length * height + 8, role: "group", "aria-label": t("timeline") });
  const step = nice(end / 8);
  for (let at = 0; at <= end; at += step) {
    const x = left + at * scale;
    svg.append(shape("line", { class: "grid", x1: x, x2: x, y1: top - 6, y2: top + machines.length * height }));
    svg.append(shape("text", { class: "faint", x, y: 16, "text-anchor": at ? "middle" : "start" }, `+${span(at)}`));
  }
  machines.forEach((machine, row) => {
    const y = top + row * height;
    svg.append(shape("text", { x: 8, y: y + 17 }, short(machine.name, 22)));
    for (const one of machine.steps) {
      if (one.began === null || one.state === 0) continue;
      const until = one.ended ?? model.now;
      const wide = Math.max(2, (until - one.began) * scale);
      const bar = shape("g", {});
      bar.append(shape("rect", { class: `bar f${one.state}`, x: left + one.began * scale, y: y + 3, width: wide, height: height - 7, rx: 3 }));
      const word = t("kind_" + one.kind);
      const name = `${machine.name}, ${word}: ${t("step_" + STATES[one.state])}, ${span(until - one.began)}`;
      bar.append(shape("title", {}, name));
      if (wide > 16) bar.append(shape("text", { class: "faint", x: left + one.began * scale + 4, y: y + 17 }, wide > 24 + word.length * 7 ? `${SIGNS[one.state]} ${word}` : SIGNS[one.state]));
      pressable(bar, one, name);
      svg.append(bar);
    }
  });
  const wrap = document.createElement("div");
  wrap.className = "gantt-wrap";
  wrap.append(svg);
  const note = document.createElement("p");
  note.className = "muted";
  note.textContent = `${machines.length} ${t("of_steps")} ${total} ${t("machines_shown")}`;
  replace(panel, [wrap, note]);
}

/** Steps by their depth, and what each waits for; the critical path of the forecast stands out. */
export function graph(panel, model) {
  if (!model.edges) {
    const note = document.createElement("p");
    note.className = "note";
    note.textContent = t("graph_too_large");
    return replace(panel, [note]);
  }
  if (!model.layout) model.layout = layOut(model);
  const { places, width, height } = model.layout;
  const [wide, tall] = [150, 34];
  const svg = shape("svg", { width, height, role: "group", "aria-label": t("graph") });
  for (const [from, to] of model.edges) {
    const [a, b] = [places[from], places[to]];
    const [x1, y1, x2, y2] = [a.x + wide, a.y + tall / 2, b.x, b.y + tall / 2];
    const critical = model.critical.has(`${from} ${to}`);
    svg.append(shape("path", { class: critical ? "edge critical" : "edge", d: `M${x1} ${y1}C${x1 + 22} ${y1} ${x2 - 22} ${y2} ${x2} ${y2}` }));
  }
  for (const step of model.steps) {
    const { x, y } = places[step.index];
    const node = shape("g", { class: "node" });
    node.append(shape("rect", { class: `f${step.state}`, x, y, width: wide, height: tall, rx: 6 }));
    node.append(shape("text", { x: x + 8, y: y + 14 }, `${SIGNS[step.state]} ${short(t("kind_" + step.kind), 19)}`));
    const subject = step.id.includes("/") ? step.id.slice(step.id.indexOf("/") + 1) : "";
    node.append(shape("text", { class: "faint", x: x + 8, y: y + 28 }, short(subject, 22)));
    node.append(shape("title", {}, `${step.id}: ${t("step_" + STATES[step.state])}`));
    pressable(node, step);
    svg.append(node);
  }
  const wrap = document.createElement("div");
  wrap.className = "graph-wrap";
  wrap.append(svg);
  replace(panel, [wrap]);
}

/** Columns by depth; in each, steps near the middle of what they wait for. */
function layOut(model) {
  const before = model.steps.map(() => []);
  for (const [from, to] of model.edges) before[to].push(from);
  const columns = [];
  for (const step of model.steps) (columns[step.level] ??= []).push(step.index);
  const rank = new Map();
  columns.forEach((column) => {
    const middle = (step) => (before[step].length ? before[step].reduce((sum, one) => sum + (rank.get(one) ?? 0), 0) / before[step].length : model.steps[step].index);
    column.sort((one, other) => middle(one) - middle(other) || one - other);
    column.forEach((step, place) => rank.set(step, place));
  });
  const most = Math.max(...columns.map((column) => column?.length ?? 0));
  const places = [];
  let x = 12;
  columns.forEach((column) => {
    if (!column) return;
    const offset = ((most - column.length) * 44) / 2;
    column.forEach((step, place) => { places[step] = { x, y: 12 + offset + place * 44 }; });
    x += 190;
  });
  return { places, width: x, height: most * 44 + 24 };
}

/** Puts drawings in place of older ones, where they were scrolled to and what was focused. */
function replace(panel, elements) {
  const old = panel.firstElementChild;
  const focused = panel.contains(document.activeElement) ? document.activeElement.dataset.step : undefined;
  const [x, y] = old ? [old.scrollLeft, old.scrollTop] : [0, 0];
  panel.replaceChildren(...elements);
  panel.firstElementChild.scrollLeft = x;
  panel.firstElementChild.scrollTop = y;
  if (focused !== undefined) panel.querySelector(`[data-step="${focused}"]`)?.focus();
}
