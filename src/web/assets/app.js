// What every page does: words, the theme, orders to the server, drills that begin.

const body = document.body;
export const words = JSON.parse(body.dataset.words || "{}");
export const t = (key) => words[key] ?? key;
export const lang = document.documentElement.lang;
const csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";

const kept = {
  get(key) { try { return localStorage.getItem(key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem(key, value); } catch { /* nothing is kept then */ } },
};
const theme = kept.get("failback-theme");
if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
document.querySelector("[data-theme-switch]")?.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  kept.set("failback-theme", root.dataset.theme);
  dispatchEvent(new Event("themechange"));
});

/** Sends something to the server; gives what it answers, or throws the sentence that says why not. */
export async function post(path, value) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
    body: value === undefined ? "" : JSON.stringify(value),
  });
  if (response.status === 401) { location.href = `/login?why=over&next=${encodeURIComponent(location.pathname)}`; }
  const told = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(told.error?.message ?? response.statusText);
  return told;
}

export async function get(path) {
  const response = await fetch(path, { headers: { Accept: "application/json" } });
  if (response.status === 401) { location.href = `/login?why=over&next=${encodeURIComponent(location.pathname)}`; }
  const told = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(told.error?.message ?? response.statusText);
  return told;
}

export function toast(text) {
  const line = document.createElement("div");
  line.className = "toast";
  line.textContent = text;
  document.getElementById("toasts").append(line);
  setTimeout(() => line.remove(), 6000);
}

/** A length of time as the pages write it, too: from ten minutes on in whole minutes that have begun, so that none looks shorter than it was. */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const exact = Math.max(0, Math.round(seconds));
  const s = exact < 600 ? exact : Math.ceil(exact / 60) * 60;
  if (!s) return "0s";
  const days = s % 86400 === 0 && s >= 2 * 86400;
  const units = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]].slice(days ? 0 : 1);
  let [left, text] = [s, ""];
  for (const [size, unit] of units) {
    if (left >= size) text += `${Math.floor(left / size)}${unit}`;
    left %= size;
  }
  return text;
}

document.querySelector("[data-sign-out]")?.addEventListener("click", async () => {
  await fetch("/logout", { method: "POST", headers: { "X-CSRF-Token": csrf }, redirect: "manual" });
  location.href = "/login?why=out";
});

document.querySelectorAll("dialog [data-close]").forEach((button) => {
  button.addEventListener("click", () => button.closest("dialog").close());
});

const form = document.querySelector("[data-start-drill]");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  const fields = new FormData(form);
  try {
    const before = new Set((await get("/api/v1/runs")).runs.map((run) => run.run));
    const told = await post("/api/v1/drills", {
      plan: form.dataset.plan, drill: fields.get("drill") || null, ask: fields.has("ask"), speed: fields.get("speed"),
    });
    toast(t("drill_starting"));
    for (let look = 0; look < 60; look += 1) {
      await new Promise((done) => setTimeout(done, 500));
      const begun = told.drill
        ? (await get("/api/v1/drills")).past.find((drill) => drill.id === told.drill)?.run
        : (await get("/api/v1/runs")).runs.find((run) => !before.has(run.run))?.run;
      if (begun) { location.href = `/runs/${encodeURIComponent(begun)}`; return; }
    }
    toast(t("drill_silent"));
  } catch (error) { toast(error.message); }
  button.disabled = false;
});
