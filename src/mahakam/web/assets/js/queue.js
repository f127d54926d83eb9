// Reports that wait on this phone for a connection: kept in IndexedDB, sent one at a time, each once.
// Used by the pages and by the service worker; whoever holds the lock sends, and the server knows the key of each.

import { announcer, database, keepTrying } from "./database.js";

const STORE = "reports";
const KEEP_SENT = 20;
const LOCK = "mahakam-send-reports";
const WAIT = 60_000;

const stored = database("mahakam", { [STORE]: "key" });
const run = (mode, work) => stored(STORE, mode, work);
const { onChange, changed } = announcer("mahakam-reports");
export { onChange };

// A report is {key, city, words, service, fields: [[name, text]…], photos: [Blob…], at, state, …}. States: "waiting",
// "refused" (with errors: the form says what), "sent" (with number and page).
export async function keep(report) {
  await run("readwrite", (store) => store.put(report));
  changed();
}

// The report of a form's data, with what the form says of it in words (`toldOf`).
export async function reportOf(data) {
  const fields = [];
  const photos = [];
  for (const [name, value] of data) {
    if (!(value instanceof Blob)) { if (!TOLD.includes(name)) fields.push([name, value]); }
    else if (value.size) photos.push(new Blob([await value.arrayBuffer()], { type: value.type }));
  }
  const words = data.get("description") ?? "";
  return { key: data.get("idempotency"), city: data.get("city"), at: new Date().toISOString(), state: "waiting", fields, photos, words, service: data.get(TOLD[0]) ?? "" };
}

// What the service worker cannot see on the form: the service in words, and why a report cannot wait without a place.
const TOLD = ["told-service", "told-incomplete"];
export const toldOf = (form) => {
  const service = form.querySelector("[name=service]:checked");
  return [[TOLD[0], service?.labels?.[0]?.textContent.trim() ?? ""], [TOLD[1], form.dataset.incomplete]];
};

// Whether a report may wait: nobody could be asked later.
export function complete(data) {
  const where = (data.get("longitude") && data.get("latitude")) || data.get("village");
  return Boolean(where && data.get("service") && data.get("description").trim().length >= 3);
}

// Keep what a form could not send, its connection having broken. Says whether it is kept: nothing is where another
// report is followed instead.
export async function keepUnsent(data) {
  if (!data.get("idempotency") || data.get("follow")) return false;
  const report = await reportOf(data);
  if (!complete(data)) Object.assign(report, { state: "refused", errors: { form: data.get(TOLD[1]) ?? "" } });
  await keep(report);
  return true;
}

export async function forget(key) {
  await run("readwrite", (store) => store.delete(key));
  changed();
}

export async function all() {
  const found = await run("readonly", (store) => store.getAll());
  return found.sort((one, other) => other.at.localeCompare(one.at));
}

export function get(key) {
  return run("readonly", (store) => store.get(key));
}

// Send what waits. Says whether everything that waited has an answer now.
export function flush() {
  if (!navigator.locks) return sendAll();
  return navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => (lock ? sendAll() : false));
}

// Send what waits as long as the page is open.
export function keepSending() {
  return keepTrying(flush);
}

async function sendAll() {
  let done = true;
  for (const report of (await all()).reverse()) {
    if (report.state === "waiting") done = (await send(report)) && done;
  }
  for (const old of (await all()).filter((one) => one.state === "sent").slice(KEEP_SENT)) await forget(old.key);
  return done;
}

async function send(report) {
  let answer;
  let said;
  try {
    // The page that the report was written on may be days old: a fresh token for its form.
    const token = await fetch("/report/token.json", { cache: "no-store", signal: AbortSignal.timeout(WAIT) });
    if (!token.ok) return false;
    const body = new FormData();
    for (const [name, value] of report.fields) body.append(name, value);
    body.set("form", (await token.json()).form);
    body.set("idempotency", report.key);
    body.set("anyway", "1");
    report.photos.forEach((photo, index) => body.append("photo", photo, `photo-${index + 1}.jpg`));
    answer = await fetch("/report", { method: "POST", body, headers: { Accept: "application/json" }, signal: AbortSignal.timeout(5 * WAIT) });
    said = await answer.json();
  } catch {
    return false; // no connection, or one that broke: the key makes it safe to send it again
  }
  if (answer.status === 201) await keep({ ...report, state: "sent", photos: [], fields: [], number: said.number, page: said.page, alike: said.alike ?? 0 });
  else if (answer.status === 422 || answer.status === 413) await keep({ ...report, state: "refused", errors: said.errors ?? {} });
  else return false; // too many at once, or the server is in trouble: later
  return true;
}
