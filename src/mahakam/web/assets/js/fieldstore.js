// The crew's jobs on this phone, and what was done there: sent in the order in which it was done, each once.
// Used by the page and by the service worker; whoever holds the lock sends, and the server knows the key of each.

import { announcer, database, randomKey } from "./database.js";

const LOCK = "mahakam-send-field";
const WAIT = 60_000;
const run = database("mahakam-field", { jobs: "number", acts: "key" });
const { onChange, changed } = announcer("mahakam-field");
export { onChange };

export const jobs = async () => (await run("jobs", "readonly", (store) => store.getAll())).sort((one, other) => one.order - other.order);
export const acts = async () => (await run("acts", "readonly", (store) => store.getAll())).sort((one, other) => one.order - other.order);

async function put(store, value) {
  await run(store, "readwrite", (opened) => opened.put(value));
}

export async function forget(key) {
  await run("acts", "readwrite", (store) => store.delete(key));
  changed();
}

export async function clear() {
  for (const store of ["jobs", "acts"]) await run(store, "readwrite", (opened) => opened.clear());
  changed();
}

// The jobs as the server tells them now. One that something is unsent for stays, whoever has it now.
export async function takeAlong(person, told) {
  const unsent = new Set((await acts()).filter((act) => act.state !== "sent").map((act) => act.number));
  const wanted = new Set(told.map((job) => job.number));
  const before = new Map((await jobs()).map((job) => [job.number, job]));
  for (const number of before.keys()) if (!wanted.has(number) && !unsent.has(number)) await run("jobs", "readwrite", (store) => store.delete(number));
  for (const act of await acts()) if (act.state === "sent" && !unsent.has(act.number)) await run("acts", "readwrite", (store) => store.delete(act.key));
  for (const [order, job] of told.entries()) {
    const kept = before.get(job.number);
    const pictures = kept?.pictures?.length === job.photos.length ? kept.pictures : await loaded(job.photos);
    const done = unsent.has(job.number) && kept ? kept.done : job.done;
    await put("jobs", { ...job, done, pictures, order, person });
  }
  changed();
}

async function loaded(addresses) {
  const pictures = [];
  for (const address of addresses) {
    const answer = await fetch(address).catch(() => null);
    if (answer?.ok) pictures.push(await answer.blob());
  }
  return pictures;
}

// Keep what was done: {kind, number, text, when, ticks, photo}. Its revision is that of the job as the crew saw it.
export async function act(job, what) {
  const order = Math.max(0, ...(await acts()).map((one) => one.order)) + 1;
  await put("acts", { text: "", ticks: {}, photo: null, when: "", ...what, key: randomKey(), number: job.number, revision: job.revision, person: job.person, order, state: "waiting" });
  if (what.kind === "tick") await put("jobs", { ...job, done: job.checklist.map((_, point) => point).filter((point) => what.ticks[point] ?? job.done.includes(point)) });
  changed();
}

// A conflict was read by the crew, who stay with what they did.
export async function insist(key) {
  const found = (await acts()).find((one) => one.key === key);
  const job = (await jobs()).find((one) => one.number === found?.number);
  if (!found || !job) return;
  await put("acts", { ...found, revision: job.revision, state: "waiting" });
  changed();
}

// Send what waits: "done", "later" (no connection), or "signed-out".
export function flush() {
  if (!navigator.locks) return sendAll();
  return navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => (lock ? sendAll() : "later"));
}

const isStep = (one) => one.kind === "start" || one.kind === "finish";

async function sendAll() {
  const held = new Set(); // jobs whose earlier step others contradict: what follows from it waits
  for (const { key } of await acts()) {
    const one = (await acts()).find((found) => found.key === key);
    if (!one || one.state === "sent" || (isStep(one) && held.has(one.number))) continue;
    if (one.state === "waiting") {
      const said = await send(one);
      if (said !== "done") return said;
    }
    const after = (await acts()).find((found) => found.key === key);
    if (isStep(one) && after && after.state !== "sent") held.add(one.number);
  }
  return "done";
}

async function send(one) {
  let answer;
  let said;
  try {
    const token = await fetch("/report/token.json", { cache: "no-store", signal: AbortSignal.timeout(WAIT) });
    if (!token.ok) return "later";
    const body = new FormData();
    for (const name of ["key", "kind", "revision", "text", "when", "person"]) body.append(name, one[name]);
    for (const [point, ticked] of Object.entries(one.ticks)) body.append(`tick-${point}`, ticked ? "1" : "0");
    if (one.photo) body.append("photo", one.photo, "photo.jpg");
    body.append("form", (await token.json()).form);
    answer = await fetch(`/field/${one.number}`, { method: "POST", body, redirect: "manual", headers: { Accept: "application/json" }, signal: AbortSignal.timeout(5 * WAIT) });
    if (answer.type === "opaqueredirect") return "signed-out";
    said = await answer.json();
  } catch {
    return "later"; // no connection, or one that broke: the key makes it safe to send it again
  }
  if (answer.status === 200) await sent(one, said);
  else if (answer.status === 409) await contradicted(one, said);
  else if (answer.status === 422 || answer.status === 413 || answer.status === 404) await put("acts", { ...one, state: "refused", errors: said.errors ?? {} });
  else if (answer.status === 403) { await put("acts", { ...one, errors: said.errors ?? {} }); changed(); return said.errors?.person ? "done" : "signed-out"; }
  else return "later"; // too many at once, or the server is in trouble
  changed();
  return "done";
}

// Our own change is none that a later act of ours must have missed.
async function sent(one, said) {
  await put("acts", { ...one, state: "sent", photo: null, errors: {} });
  if (!isStep(one)) return;
  for (const later of await acts()) if (later.number === one.number && later.state === "waiting" && later.revision === one.revision) await put("acts", { ...later, revision: said.revision });
  await renewed(said.job);
}

async function renewed(told) {
  const job = (await jobs()).find((found) => found.number === told.number);
  if (job) await put("jobs", { ...job, ...told, done: job.done });
}

async function contradicted(one, said) {
  await renewed(said.job);
  await put("acts", { ...one, state: "conflict", errors: said.errors ?? {}, news: said.new ?? [] });
}
