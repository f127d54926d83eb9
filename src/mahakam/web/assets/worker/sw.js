// The service worker: keeps the report form and what it needs, and sends the reports that waited for a connection.
// The server puts `self.MAHAKAM = {stamp, files}` before this text (web/pages/offline.py).
import { flush as flushField } from "../js/fieldstore.js";
import { flush, keepUnsent } from "../js/queue.js";

const { stamp, files } = self.MAHAKAM;
const STATIC = `static-${stamp}`;
const PAGES = "pages";
const KEPT = "/report/kept";
const FIELD = "/field/kept";
const PATIENCE = 6000; // milliseconds for a page that is also kept here

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    await (await caches.open(STATIC)).addAll(files);
    self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith("static-") && name !== STATIC) await caches.delete(name);
    await self.clients.claim();
  })());
});

self.addEventListener("message", (event) => {
  if (event.data?.keep) event.waitUntil(keepPages(event.data.keep, event.data.language).then(() => event.source?.postMessage("kept")));
  if (event.data?.keepField) event.waitUntil(keepAll([[FIELD, `${FIELD}?${new URLSearchParams({ lang: event.data.keepField })}`]]).then(() => event.source?.postMessage("kept-field")));
});

// Chromium calls this when the connection is back, even with every page closed.
self.addEventListener("sync", (event) => {
  if (event.tag === "reports") event.waitUntil(flush().then((done) => { if (!done) throw new Error("reports still wait"); }));
  if (event.tag === "field") event.waitUntil(flushField().then((said) => { if (said === "later") throw new Error("work still waits"); }));
});

// News of a report that this device follows (web/pushing.py writes them).
self.addEventListener("push", (event) => {
  const { title, body, page, tag } = event.data?.json() ?? {};
  if (title) event.waitUntil(self.registration.showNotification(title, { body, tag, data: { page } }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data.page));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.method === "POST" && request.mode === "navigate" && url.pathname === "/report") event.respondWith(sent(request));
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(page(request, url));
  else if (url.pathname.startsWith("/static/")) event.respondWith(asset(request));
  else if (shape(url)) event.respondWith(networkElseKept(request, PAGES, url.pathname));
});

function shape(url) {
  return /^\/cities\/[^/]+\/(boundary|layers\/\d+)\.geojson$/.test(url.pathname);
}

// What only some languages need, their sheets and fonts, is kept when a page has asked for it.
async function asset(request) {
  const kept = await caches.match(request, { ignoreVary: true });
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok && /(\/language-[^/]+\.css|\.woff2)$/.test(new URL(request.url).pathname)) {
    await (await caches.open(STATIC)).put(request, answer.clone());
  }
  return answer;
}

// A page from the network; where there is none, or only a very slow one, the form that was kept, or the list of reports.
async function page(request, url) {
  const key = pageKey(url);
  const kept = key && (await caches.match(key, { ignoreVary: true }));
  try {
    return await fetch(request, kept ? { signal: AbortSignal.timeout(PATIENCE) } : undefined);
  } catch {
    return kept ?? (await caches.match(KEPT, { ignoreVary: true })) ?? Response.error();
  }
}

// The form on its way. If the connection breaks, or the server is in trouble, it waits here with its photos; should it
// have arrived all the same, its key makes the server know it again.
async function sent(request) {
  const copy = request.clone();
  let answer = Response.error();
  try {
    answer = await fetch(request);
    if (answer.status < 500) return answer;
  } catch { /* no answer: kept below */ }
  if (!(await keepUnsent(await copy.formData()))) return answer;
  await self.registration.sync?.register("reports").catch(() => null);
  return Response.redirect(KEPT, 303);
}

function pageKey(url) {
  if (url.pathname === KEPT) return KEPT;
  if (url.pathname === "/field" || url.pathname === FIELD) return FIELD;
  return url.pathname === "/report" ? `/report?city=${url.searchParams.get("city") ?? url.searchParams.get("place") ?? ""}` : null;
}

async function networkElseKept(request, name, key) {
  const cache = await caches.open(name);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(key, answer.clone());
    return answer;
  } catch {
    return (await cache.match(key, { ignoreVary: true })) ?? Response.error();
  }
}

// The form as a stranger sees it, with what its map draws.
function keepPages(city, language) {
  const query = new URLSearchParams({ city, lang: language });
  return keepAll([
    [`/report?city=${city}`, `/report?${query}`],
    [KEPT, `${KEPT}?lang=${language}`],
    [`/cities/${city}/boundary.geojson`, `/cities/${city}/boundary.geojson`],
  ]);
}

// Nothing that belongs to whoever is signed in: [the key, the address] of each.
async function keepAll(wanted) {
  const cache = await caches.open(PAGES);
  for (const [key, address] of wanted) {
    const answer = await fetch(address, { credentials: "omit", cache: "no-store" });
    if (answer.status === 429 || answer.status >= 500) throw new Error(`${address}: ${answer.status}`); // the page asks again
    if (answer.ok && !answer.redirected) await cache.put(key, answer);
  }
}
