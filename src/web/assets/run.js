// A run that goes on: what the stream tells, folded into one picture; drawn at most four times a second.

import { get, post, span, t, toast } from "./app.js";
import { gantt, graph, overview } from "./draw.js";

const $ = (id) => document.getElementById(id);
const root = $("run");
const run = root.dataset.run;
const at = `/api/v1/runs/${encodeURIComponent(run)}`;
const mayOperate = document.body.dataset.operate === "true";
const mayApprove = document.body.dataset.approve === "true";
const myRoles = document.body.dataset.roles.split(" ");

export const STATES = ["waiting", "ready", "running", "asked", "succeeded", "adopted", "skipped", "failed", "blocked"];
export const SIGNS = ["·", "○", "▶", "?", "✓", "=", "–", "✕", "⊘"];
const PHASES = {
  await_azure_agent: 0, await_deletion: 0, reprotect: 0, await_protected: 0,
  approve_failover: 1, await_point: 1, recheck: 1, failover: 1, verify: 2,
  approve_commit: 3, commit: 3, await_agent: 4, forward: 4, await_forward: 4,
};
const PAGE = 100;

const model = { steps: [], machines: [], names: [], seq: 0, now: null, log: [], edges: null, critical: new Set(), objective: null };
let picture = null;
let filter = "all";
let shown = PAGE;
let tab = "machines";

const make = (name, text, kind) => {
  const element = document.createElement(name);
  if (text !== undefined && text !== null) element.textContent = text;
  if (kind) element.className = kind;
  return element;
};
const button = (text, act, kind) => {
  const made = make("button", text, kind);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
};

// --- What does not change.

async function begin() {
  const outline = await get(`${at}/outline`);
  model.names = outline.machines;
  model.machines = outline.machines.map((name, index) => ({ name, index, steps: [], row: null }));
  const path = outline.critical_path;
  model.critical = new Set(path.slice(1).map((step, place) => `${path[place]} ${step}`));
  model.edges = outline.edges;
  model.steps = outline.steps.map(([id, kind, about, wave, level, flags, low, high], index) => {
    const step = { id, kind, about, wave, level, flags, low, high, index, state: 0, began: null, ended: null, attempts: 0, note: null };
    for (const machine of about) model.machines[machine].steps.push(step);
    return step;
  });
  const forecast = outline.forecast;
  $("forecast").textContent = `${span(forecast.low_s)} – ${span(forecast.high_s)}`;
  model.objective = forecast.rto.objective_s;
  // The page may have been told before the run was read.
  $("total").textContent = model.steps.length;
  $("total-machines").textContent = model.machines.length;
  $("progress").max = model.steps.length;
  listen();
}

// --- What does.

let source = null;
function listen(after) {
  source = new EventSource(`${at}/stream${after ? `?after=${after}` : ""}`);
  source.addEventListener("open", () => { $("offline").hidden = true; });
  source.addEventListener("error", () => {
    $("offline").hidden = false;
    // A browser gives up when it is refused: after a restart of the server, nobody is signed in.
    if (source.readyState === EventSource.CLOSED) setTimeout(again, 3000);
  });
  source.addEventListener("bye", () => {
    source.close();
    location.href = `/login?why=over&next=${encodeURIComponent(location.pathname)}`;
  });
  source.addEventListener("run", (event) => fold(JSON.parse(event.data)));
}
async function again() {
  try {
    await get("/api/v1/session");
    listen(model.seq);
  } catch { setTimeout(again, 3000); }
}
addEventListener("pagehide", () => source?.close());

function fold(delta) {
  for (const [index, state, began, ended, attempts, note] of delta.steps) {
    Object.assign(model.steps[index], { state, began, ended, attempts, note: note === undefined ? null : delta.texts[note] });
    for (const machine of model.steps[index].about) model.machines[machine].stale = true;
  }
  model.seq = delta.seq;
  model.log.push(...delta.log);
  if (delta.log_skipped || model.log.length > 1000) { model.log.splice(0, Math.max(0, model.log.length - 1000)); $("log-earlier").hidden = false; }
  const began = delta.started_at ? Date.parse(delta.started_at) : null;
  model.now = began === null ? null : (Date.parse(delta.last_at) - began) / 1000;
  model.received = performance.now();
  picture = delta;
  schedule();
}

let due = false;
function schedule() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => { due = false; draw(); });
}

/** The run's time by now, in seconds: while it is driven, it passes though nothing happens. */
function moment() {
  const { state, driven, pace } = picture;
  if (model.now === null || !pace || !driven || state !== "running") return model.now;
  return pace === 1 ? Math.max(model.now, (Date.now() - Date.parse(picture.started_at)) / 1000)
    : model.now + pace * (performance.now() - model.received) / 1000;
}
setInterval(() => {
  if (!picture || document.hidden) return;
  $("elapsed").textContent = span(moment());
  $("downtime").textContent = downtime();
}, 1000);

function draw() {
  if (!picture) return;
  const { state, driven } = picture;
  const over = ["succeeded", "failed", "cancelled"].includes(state);
  const shownState = state === "running" && !driven ? "interrupted" : state;
  const badge = $("run-state").firstElementChild;
  badge.className = `badge b-r-${shownState}`;
  badge.textContent = t("run_" + shownState);
  $("undriven").hidden = driven || over;
  $("cancelling").hidden = !picture.cancelling || over;
  $("broken").hidden = !picture.broken;
  $("broken").querySelector("span").textContent = picture.broken ?? "";
  const cancel = $("cancel");
  if (cancel) cancel.hidden = over || picture.cancelling;
  $("resume").hidden = !mayOperate || driven || state === "succeeded" || state === "cancelled";
  $("settled").textContent = picture.settled;
  $("progress").value = picture.settled;
  $("failed").textContent = picture.failed;
  $("failed").classList.toggle("some", picture.failed > 0);
  const places = picture.places;
  $("home").textContent = (places.onprem_committed ?? 0) + (places.onprem_uncommitted ?? 0);
  $("elapsed").textContent = span(moment());
  $("left").textContent = over ? "–" : `~ ${span(picture.seconds_left)}`;
  $("downtime").textContent = downtime();
  list($("alarms"), picture.alarms, ([, text]) => make("p", text, "note n-bad"), (alarm) => String(alarm[0]));
  questions();
  failures();
  orders();
  if (tab === "log") drawLog();
  else drawMachines();
}

/** From the first failover to the last verification, as far as that is known. */
function downtime() {
  const failovers = model.steps.filter((step) => step.kind === "failover" && step.began !== null && step.state !== 5);
  if (!failovers.length) return model.objective ? `0 / ${span(model.objective)}` : "–";
  const first = Math.min(...failovers.map((step) => step.began));
  const checks = model.steps.filter((step) => step.kind === "verify");
  const last = checks.every((step) => step.ended !== null) ? Math.max(...checks.map((step) => step.ended)) : moment();
  return span(last - first) + (model.objective ? ` / ${span(model.objective)}` : "");
}

/** Keeps a list of elements the same where nothing changed, so that what is being read or pressed stays. */
function list(parent, items, build, key) {
  const there = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const wanted = items.map((item) => {
    const name = key(item);
    const element = there.get(name) ?? build(item);
    element.dataset.key = name;
    there.delete(name);
    return element;
  });
  for (const old of there.values()) old.remove();
  wanted.forEach((element, place) => { if (parent.children[place] !== element) parent.insertBefore(element, parent.children[place] ?? null); });
}

function mayAnswer(roles) { return roles.length ? roles.some((role) => myRoles.includes(role)) : mayApprove; }

function questions() {
  const { questions: open, questions_total: total } = picture;
  $("questions").hidden = total === 0;
  $("questions-title").querySelector(".count").textContent = total > 1 ? `(${total})` : "";
  const mine = open.filter((question) => mayAnswer(question.roles));
  $("approve-all").hidden = mine.length < 2;
  $("approve-all").onclick = () => answer("approve", mine);
  list($("questions").querySelector("ul"), open, (question) => {
    const card = make("li");
    const what = make("div", null, "what");
    what.append(make("strong", `${t("kind_" + question.kind)} · ${question.subject}`), question.prompt ?? "");
    if (question.irreversible) what.append(" ", make("span", t("before_no_return"), "tag g-final"));
    const beside = [];
    if (question.roles.length) beside.push(`${t("question_roles")} ${question.roles.join(", ")}`);
    if (question.until) beside.push(`${t("answer_by")} ${question.until.slice(0, 16).replace("T", " ")} UTC`);
    if (beside.length) what.append(make("div", beside.join(" · "), "sub"));
    const acts = make("div", null, "do");
    if (mayAnswer(question.roles)) {
      acts.append(button(t("approve"), () => answer("approve", [question]), "primary"), button(t("deny"), () => answer("deny", [question])));
    }
    card.append(what, acts);
    return card;
  }, (question) => `${question.step} ${question.question}`);
}

function failures() {
  const { failures: failed, failures_total: total } = picture;
  $("failures").hidden = total === 0;
  $("failures-title").querySelector(".count").textContent = total > failed.length ? `(${total})` : "";
  list($("failures").querySelector("ul"), failed, (failure) => {
    const card = make("li");
    const what = make("div", null, "what");
    what.append(make("strong", failure.step), failure.note ?? "");
    const acts = make("div", null, "do");
    if (mayOperate) acts.append(button(t("retry"), () => retry(failure.step), "primary"), ...skips(model.steps[failure.index]));
    card.append(what, acts);
    return card;
  }, (failure) => `${failure.step} ${failure.attempts} ${failure.code}`);
}

function orders() {
  const waiting = picture.orders_waiting;
  $("orders").hidden = waiting.length === 0;
  list($("orders").querySelector("ul"), waiting, (letter) => {
    const card = make("li");
    const taken = letter.withdrawn_by ? ` (${t("withdrawn_by")} ${letter.withdrawn_by})` : "";
    card.append(make("div", `${letter.by}: ${letter.words}${taken}`, "what"));
    if (mayOperate && !letter.withdrawn_by) card.append(button(t("withdraw"), () => send({ order: "withdraw", letter: letter.letter })));
    return card;
  }, (letter) => `${letter.letter} ${letter.withdrawn_by}`);
}

// --- Orders.

async function send(order) {
  try {
    const told = await post(`${at}/orders`, order);
    toast(told.state === "waiting" ? t("waits") : t("sent"));
    return null;
  } catch (error) { return error.message; }
}

/** Asks for the reason, and sends what is made with it. */
function ask({ title, text, reason, options = [], danger = false, make: build }) {
  const dialog = $("order");
  $("order-title").textContent = title;
  $("order-text").textContent = text ?? "";
  $("order-error").hidden = true;
  const field = $("order-reason");
  field.value = "";
  field.required = reason === "needed";
  $("order-why").hidden = reason === "none";
  $("order-help").textContent = reason === "needed" ? t("reason_needed") : t("reason_optional");
  $("order-options").replaceChildren(...options.map(([name, word]) => {
    const label = make("label", null, "check");
    const box = make("input");
    box.type = "checkbox";
    box.name = name;
    label.append(box, word);
    return label;
  }));
  const confirm = $("order-confirm");
  confirm.textContent = title;
  confirm.className = danger ? "danger" : "primary";
  dialog.querySelector("form").onsubmit = async (event) => {
    event.preventDefault();
    confirm.disabled = true;
    const chosen = Object.fromEntries(options.map(([name]) => [name, dialog.querySelector(`[name="${name}"]`).checked]));
    const wrong = await send(build(field.value.trim(), chosen));
    confirm.disabled = false;
    $("order-error").hidden = wrong === null;
    $("order-error").textContent = wrong ?? "";
    if (wrong === null) dialog.close();
  };
  $("step").close();
  dialog.showModal();
  (reason === "none" ? confirm : field).focus();
}

const because = (reason) => (reason ? { reason } : {});
function answer(order, open) {
  const questions = open.map(({ step, question }) => ({ step, question }));
  ask({
    title: t(order), text: open.map((one) => `${one.step}: ${one.prompt ?? ""}`).join("\n"), reason: "optional", danger: order === "deny",
    make: (reason) => ({ order, questions, ...because(reason) }),
  });
}
function retry(step) {
  ask({
    title: t("retry"), text: step, reason: "none", options: [["downstream", t("downstream")]],
    make: (_, { downstream }) => ({ order: "retry", step, downstream }),
  });
}
function skips(step) {
  const made = [button(t("skip"), () => ask({
    title: t("skip"), text: step.id, reason: "needed", danger: true, make: (reason) => ({ order: "skip_step", step: step.id, reason }),
  }))];
  if (step.about.length === 1) {
    const machine = model.names[step.about[0]];
    made.push(button(t("skip_machine"), () => ask({
      title: t("skip_machine"), text: machine, reason: "needed", danger: true, options: [["release_dependents", t("release_dependents")]],
      make: (reason, chosen) => ({ order: "skip_machine", machine, reason, release_dependents: chosen.release_dependents }),
    })));
  }
  return made;
}
$("cancel")?.addEventListener("click", () => ask({
  title: t("cancel_run"), text: run, reason: "optional", danger: true, options: [["failovers", t("take_back")]],
  make: (reason, { failovers }) => ({ order: "cancel", failovers, ...because(reason) }),
}));
$("resume").addEventListener("click", async () => {
  try { await post(`${at}/resume`); toast(t("sent")); } catch (error) { toast(error.message); }
});

// --- Machines.

/** The step that says most about a machine now. */
function current(machine) {
  const { steps } = machine;
  return steps.find((step) => step.state === 7) ?? steps.find((step) => step.state === 3) ?? steps.find((step) => step.state === 2)
    ?? steps.find((step) => step.state === 8) ?? steps.find((step) => step.state < 2) ?? steps.at(-1);
}
export function standing(machine) {
  const step = current(machine);
  if (!step) return "waiting";
  if (step.state === 7 || step.state === 8) return "failed";
  if (step.state === 3) return "asked";
  if (step.state === 2) return "active";
  if (step.state < 2) return "waiting";
  return "done";
}

function filtered() {
  const wanted = $("search").value.trim().toLowerCase();
  return model.machines.filter((machine) => (filter === "all" || machine.standing === filter) && (!wanted || machine.name.toLowerCase().includes(wanted)));
}

function drawMachines() {
  const counts = { all: model.machines.length };
  for (const machine of model.machines) {
    if (machine.stale !== false || !machine.standing) machine.standing = standing(machine);
    counts[machine.standing] = (counts[machine.standing] ?? 0) + 1;
  }
  for (const chip of document.querySelectorAll("[data-filter]")) chip.querySelector("span").textContent = counts[chip.dataset.filter] ?? 0;
  const machines = filtered();
  if (tab === "timeline") return gantt($("panel-timeline"), model, machines.slice(0, shown), machines.length);
  if (tab === "graph") return graph($("panel-graph"), model);
  const canvas = $("overview");
  canvas.hidden = model.machines.length <= 40;
  if (!canvas.hidden) {
    overview(canvas, model.machines);
    canvas.setAttribute("aria-label", `${t("overview")}: ${["active", "asked", "failed", "waiting", "done"].map((one) => `${t("filter_" + one)} ${counts[one] ?? 0}`).join(", ")}`);
  }
  const visible = machines.slice(0, shown);
  const rows = visible.map((machine) => {
    if (!machine.row) machine.row = rowOf(machine);
    if (machine.stale !== false) fill(machine);
    return machine.row;
  });
  const table = $("machines");
  if (!rows.length) { const row = make("tr"); const cell = make("td", t("no_machine_fits"), "muted"); cell.colSpan = 7; row.append(cell); rows.push(row); }
  if (rows.length !== table.children.length || rows.some((row, place) => table.children[place] !== row)) table.replaceChildren(...rows);
  const more = $("more-machines");
  more.hidden = machines.length <= shown;
  more.textContent = `${t("show_all")} (${machines.length})`;
}

function rowOf(machine) {
  const row = make("tr");
  const head = make("th", machine.name);
  head.scope = "row";
  row.append(head, make("td", null, "current"));
  machine.pips = [];
  for (let phase = 0; phase < 5; phase += 1) {
    const cell = make("td", null, "phase");
    const pips = make("span", null, "pips");
    for (const step of machine.steps.filter((one) => PHASES[one.kind] === phase)) {
      const pip = button("", () => showStep(step), "pip");
      pips.append(pip);
      machine.pips.push([step, pip]);
    }
    if (pips.children.length) cell.append(pips);
    row.append(cell);
  }
  return row;
}

function fill(machine) {
  machine.stale = false;
  for (const [step, pip] of machine.pips) {
    pip.className = `pip s${step.state}`;
    pip.textContent = SIGNS[step.state];
    const name = `${t("kind_" + step.kind)}: ${t("step_" + STATES[step.state])}`;
    pip.title = name;
    pip.setAttribute("aria-label", `${machine.name}, ${name}`);
  }
  const step = current(machine);
  const cell = machine.row.children[1];
  if (!step) return;
  const badge = make("span", null, `badge-line`);
  if (machine.standing === "done") badge.textContent = `✓ ${t("machine_done")}`;
  else badge.textContent = `${SIGNS[step.state]} ${t("kind_" + step.kind)}`;
  const beside = make("small");
  if (step.state === 2 && step.began !== null && model.now !== null) beside.textContent = ` ${span(model.now - step.began)}${step.attempts > 1 ? ` · ${step.attempts}×` : ""}`;
  else if (step.state < 2) beside.textContent = ` ${t("machine_waiting")}`;
  else if (step.state !== 2 && machine.standing !== "done") beside.textContent = ` ${t("step_" + STATES[step.state])}`;
  cell.replaceChildren(badge, beside);
}

export function showStep(step) {
  const dialog = $("step");
  $("step-title").textContent = step.id;
  const facts = [[t("state"), `${SIGNS[step.state]} ${t("step_" + STATES[step.state])}`], [t("kind"), t("kind_" + step.kind)],
    [t("began"), step.began === null ? "–" : `+ ${span(step.began)}`], [t("ended"), step.ended === null ? "–" : `+ ${span(step.ended)}`],
    [t("expected"), `${span(step.low)} – ${span(step.high)}`], [t("attempts"), step.attempts]];
  if (step.note) facts.push([t("note"), step.note]);
  if (step.flags & 2) facts.push([t("irreversible"), t("yes")]);
  $("step-facts").replaceChildren(...facts.map(([name, value]) => { const pair = make("div"); pair.append(make("dt", name), make("dd", value)); return pair; }));
  const acts = [];
  if (mayOperate && (step.state === 7 || step.state === 8)) acts.push(button(t("retry"), () => retry(step.id), "primary"));
  if (mayOperate && ![4, 5, 6].includes(step.state)) acts.push(...skips(step));
  $("step-actions").replaceChildren(...acts);
  $("step-actions").className = "do";
  dialog.showModal();
}

// --- Log.

let written = 0;
function drawLog() {
  const log = $("log");
  const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 40;
  const fresh = model.log.filter(([seq]) => seq > written);
  written = model.seq;
  log.append(...fresh.map(([, tone, text]) => make("li", text, tone)));
  while (log.children.length > 1000) log.firstChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

// --- What is looked at.

const tabs = [...document.querySelectorAll('[role="tab"]')];
function choose(chosen) {
  tab = chosen.id.slice(4);
  for (const one of tabs) {
    const is = one === chosen;
    one.setAttribute("aria-selected", is);
    one.tabIndex = is ? 0 : -1;
    $(one.getAttribute("aria-controls")).hidden = !is;
  }
  $("filter").hidden = tab === "log" || tab === "graph";
  draw();
}
for (const one of tabs) {
  one.addEventListener("click", () => choose(one));
  one.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = event.key === "Home" ? tabs[0] : event.key === "End" ? tabs.at(-1) : step && tabs[(tabs.indexOf(one) + step + tabs.length) % tabs.length];
    if (next) { event.preventDefault(); next.focus(); choose(next); }
  });
}
for (const chip of document.querySelectorAll("[data-filter]")) {
  chip.addEventListener("click", () => {
    filter = chip.dataset.filter;
    shown = PAGE;
    document.querySelectorAll("[data-filter]").forEach((other) => other.setAttribute("aria-pressed", other === chip));
    schedule();
  });
}
$("search").addEventListener("input", () => { shown = PAGE; schedule(); });
$("more-machines").addEventListener("click", () => { shown = Infinity; schedule(); });
$("overview").addEventListener("click", (event) => {
  const found = event.target.at?.(event.offsetX, event.offsetY);
  if (found) { $("search").value = found.name; filter = "all"; schedule(); }
});
$("overview").addEventListener("mousemove", (event) => { event.target.title = event.target.at?.(event.offsetX, event.offsetY)?.name ?? ""; });
addEventListener("themechange", schedule);
addEventListener("resize", schedule);
begin().catch((error) => toast(error.message));
