// Reports that wait on this phone for a connection: kept in IndexedDB, sent one at a time, each once.
// Used by the pages and by the service worker; whoever holds the lock sends, and the server knows the key of each.

const STORE = "reports";
const KEEP_SENT = 20;
const LOCK = "mahakam-send-reports";
const WAIT = 60_000;
const AGAIN = 10_000;

function open() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("mahakam", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "key" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

async function run(mode, work) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode, { durability: "strict" });
      const asked = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(asked?.result);
      transaction.onabort = () => reject(transaction.error);
      transaction.onerror = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("mahakam-reports") : null;

const listeners = new Set();
channel?.addEventListener("message", () => listeners.forEach((callback) => callback()));

export function onChange(callback) {
  listeners.add(callback);
}

function changed() {
  channel?.postMessage("changed"); // the other pages and the service worker
  listeners.forEach((callback) => callback());
}

// A report is {key, city, words, service, fields: [[name, text]…], photos: [Blob…], at, state, …}. States: "waiting",
// "refused" (with errors: the form says what), "sent" (with number and page).
export async function keep(report) {
  await run("readwrite", (store) => store.put(report));
  changed();
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

// Send what waits now, when the browser says that the connection is back, when the page is looked at again, and every
// so often: a server that was down says nothing when it is back.
export function keepSending() {
  const look = () => { if (document.visibilityState === "visible") flush(); };
  addEventListener("online", look);
  document.addEventListener("visibilitychange", look);
  setInterval(look, AGAIN);
  return flush();
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
  if (answer.status === 201) await keep({ ...report, state: "sent", photos: [], fields: [], number: said.number, page: said.page });
  else if (answer.status === 422 || answer.status === 413) await keep({ ...report, state: "refused", errors: said.errors ?? {} });
  else return false; // too many at once, or the server is in trouble: later
  return true;
}
