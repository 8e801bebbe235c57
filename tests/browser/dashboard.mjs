// Drives the dashboard in a real browser: signs in, starts a rehearsal, watches it, answers, cancels, reads the report.
// Arguments: the program, a folder with failback.yaml and its plan, the folder of node's modules, and one for pictures.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { readFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";

const [program, folder, modules, pictures] = process.argv.slice(2);
const require = createRequire(join(modules, "x.js"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
if (pictures) mkdirSync(pictures, { recursive: true });

const failures = [];
function check(is, what) {
  console.log(`${is ? "ok  " : "FAIL"} ${what}`);
  if (!is) failures.push(what);
}

const daemon = spawn(program, ["serve", "--listen", "127.0.0.1:0"], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
let said = "";
daemon.stderr.on("data", (text) => { said += text; });
const base = await new Promise((found, lost) => {
  daemon.stdout.on("data", (text) => {
    said += text;
    const url = /dashboard: (\S+)/.exec(said)?.[1];
    if (url) found(url);
  });
  daemon.on("exit", () => lost(new Error(`the daemon ended: ${said}`)));
});

const browser = await chromium.launch({
  executablePath: process.env.FAILBACK_CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

/** Opens a browser of one person; what its console complains of is a failure. */
async function visitor(options = {}) {
  const context = await browser.newContext({ locale: "en-US", viewport: { width: 1280, height: 860 }, ...options });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => check(false, `no script breaks: ${error.message}`));
  page.on("console", (line) => {
    if (/Content Security Policy|Refused to/.test(line.text())) check(false, `the policy holds: ${line.text()}`);
  });
  page.on("request", (request) => { if (!request.url().startsWith(base) && !request.url().startsWith("data:")) check(false, `nothing is asked elsewhere: ${request.url()}`); });
  return page;
}

async function signIn(page, token, next = "/") {
  await page.goto(`${base}/login?next=${encodeURIComponent(next)}`);
  await page.fill("#token", token);
  // The page that is there has been loaded already: what is waited for is the next one.
  await Promise.all([page.waitForNavigation(), page.press("#token", "Enter")]);
}

/** No serious finding of axe in either colour scheme. */
async function accessible(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(150);
    // What a debugger evaluates is not held by the page's policy.
    const found = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ["violations"] })`);
    const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
    check(serious.length === 0, `${name} is accessible in ${colorScheme}: ${serious.map((one) => `${one.id} at ${one.nodes[0].target}`).join("; ") || "nothing serious"}`);
    if (pictures) await page.screenshot({ path: join(pictures, `${name}-${colorScheme}.png`) });
  }
  await page.emulateMedia({ colorScheme: "light" });
}

async function start(page, { ask, speed }) {
  await page.goto(`${base}/plans/classic`);
  if (ask) await page.check("[name=ask]");
  await page.selectOption("#speed", speed);
  await page.click("[data-start-drill] button");
  await page.waitForURL(/\/runs\/[^/]+$/);
  return new URL(page.url()).pathname;
}

try {
  const page = await visitor();
  await page.goto(base);
  check(page.url().startsWith(`${base}/login`), "nobody sees anything before signing in");
  await signIn(page, "a-wrong-token-that-is-long-enough");
  check(await page.locator("[role=alert]").count() === 1 && page.url().endsWith("/login"), "a wrong token is refused");
  await accessible(page, "login");
  await signIn(page, readFileSync(join(folder, "kim.token"), "utf8").trim());
  check(await page.locator("tbody tr").count() >= 1, "the plans are listed");
  await accessible(page, "plans");
  await page.goto(`${base}/plans/classic`);
  await accessible(page, "plan");
  // What the server writes for the same lengths is in the tests of `src/web/pages/show.rs`.
  const spans = await page.evaluate(async () => {
    const { span } = await import("/assets/app.js");
    return [0, 95, 600, 601, 3601, 4130, 90000, 172800].map((seconds) => span(seconds));
  });
  check(spans.join(" ") === "0s 1m35s 10m 11m 1h1m 1h9m 25h 2d", `scripts write lengths of time as the server does: ${spans}`);

  const run = await start(page, { ask: true, speed: "3600" });
  await page.waitForSelector("#machines tr .pip");
  const before = Number(await page.textContent("#settled"));
  await page.waitForFunction((then) => Number(document.getElementById("settled").textContent) > then, before);
  check(true, "the run moves without a reload");
  await page.waitForSelector("#questions:not([hidden]) .primary:visible");
  await accessible(page, "run");
  for (const tab of ["timeline", "graph", "log"]) {
    await page.click(`#tab-${tab}`);
    await page.waitForSelector(tab === "log" ? "#log li" : `#panel-${tab} svg`);
    await accessible(page, `run-${tab}`);
  }
  await page.focus("#tab-log");
  await page.keyboard.press("Home");
  check(await page.getAttribute("#tab-machines", "aria-selected") === "true", "tabs are chosen by the keyboard");
  await page.keyboard.press("Tab");

  const onlooker = await visitor();
  await signIn(onlooker, readFileSync(join(folder, "lee.token"), "utf8").trim(), run);
  await onlooker.waitForSelector("#questions:not([hidden])");
  check(await onlooker.locator("#questions button:visible").count() === 0 && await onlooker.locator("#cancel").count() === 0, "a viewer sees questions and can't answer");
  await onlooker.context().close();

  // Until nothing is asked any more: all at once where several ask.
  for (let turn = 0; turn < 40; turn += 1) {
    const ended = page.waitForFunction(() => /b-r-(succeeded|failed)/.test(document.querySelector("#run-state .badge").className)).then(() => "ended").catch(() => "ended");
    const asked = page.waitForSelector("#questions:not([hidden]) .primary:visible").then(() => "asked").catch(() => "ended");
    if (await Promise.race([ended, asked]) === "ended") break;
    const open = await page.textContent("#questions ul li .what strong");
    await page.locator("#questions .primary:visible").first().click();
    await page.fill("#order-reason", "checked");
    await page.click("#order-confirm");
    await page.waitForFunction((text) => document.querySelector("#questions").hidden || document.querySelector("#questions ul li .what strong")?.textContent !== text, open);
  }
  await page.waitForSelector("#run-state .b-r-succeeded");
  check(true, "answered by a person, the rehearsal succeeds");
  await page.goto(`${base}${run}/report`);
  const frame = page.frameLocator("iframe.report");
  check((await frame.locator("body").innerText()).includes("classic"), "the report is read in its frame");
  await accessible(page, "report");

  await start(page, { ask: true, speed: "60" });
  await page.waitForSelector("#machines tr .pip.s2");
  await page.click("#cancel");
  await page.fill("#order-reason", "enough");
  await page.click("#order-confirm");
  await page.waitForSelector("#run-state .b-r-cancelled");
  check((await page.textContent("#order-error")).trim() === "", "a run is cancelled");
  for (const path of ["runs", "drills", "findings"]) {
    await page.goto(`${base}/${path}`);
    await accessible(page, path);
  }
  await page.goto(`${base}/drills`);
  check((await page.textContent(".weekdays")).trim().startsWith("Mon"), "the columns of a month are named, Monday first");
  check(await page.locator("main").count() === 1, "every page has its main part");

  const korean = await visitor({ locale: "ko-KR", viewport: { width: 390, height: 800 } });
  await signIn(korean, readFileSync(join(folder, "kim.token"), "utf8").trim(), run);
  check(await korean.getAttribute("html", "lang") === "ko" && (await korean.textContent("nav")).includes("실행"), "a Korean browser gets Korean pages");
  await korean.waitForSelector("#machines tr .pip");
  check(await korean.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing is wider than a phone");
  await accessible(korean, "phone");
  await korean.goto(`${base}/?lang=en`);
  await korean.goto(`${base}/runs`);
  check(await korean.getAttribute("html", "lang") === "en", "the language that was chosen stays");
  check(await korean.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "lists fit a phone");

  await page.goto(base);
  await page.click("[data-sign-out]");
  await page.waitForURL(/\/login/);
  await page.goto(`${base}/runs`);
  check(page.url().includes("/login"), "whoever signed out is out");
} catch (error) {
  check(false, `${error.message}\n${said}`);
} finally {
  await browser.close();
  daemon.kill("SIGTERM");
}
console.log(failures.length === 0 ? "every check passed" : `${failures.length} checks failed`);
process.exit(failures.length === 0 ? 0 : 1);
