// The list of reports on this phone: what waits, what was refused, what was sent.
import { all, flush, forget, get, keepSending, onChange } from "./queue.js";

export const DRAFT = "mahakam-draft"; // in localStorage: what is typed and not sent

// What is kept here is no draft any more; the service worker, which keeps what broke on its way, cannot see drafts.
async function dropDraft() {
  const typed = JSON.parse(localStorage.getItem(DRAFT) ?? "null");
  if (typed && (await get(typed.key))) localStorage.removeItem(DRAFT);
}

// Keep a list up to date. Its words are data attributes of the host; it hides itself while there is nothing.
// Resolves when it is drawn.
export function show(host) {
  if (!host) return undefined;
  const draw = async () => {
    const reports = await all().catch(() => []);
    host.replaceChildren(...reports.map((report) => row(host, report)));
    host.closest("[data-kept-part]").hidden = !reports.length;
    const empty = document.querySelector("[data-kept-empty]");
    if (empty) empty.hidden = reports.length > 0;
  };
  onChange(draw);
  addEventListener("online", draw);
  addEventListener("offline", draw);
  return draw();
}

function row(host, report) {
  const item = document.createElement("li");
  item.className = `kept ${report.state}`;
  item.dataset.key = report.key;
  const words = document.createElement("span");
  words.className = "kept-words";
  words.textContent = [report.service, report.words.slice(0, 120)].filter(Boolean).join(" · ");
  const state = document.createElement("b");
  state.className = `chip ${{ waiting: "warn", refused: "bad", sent: "ok" }[report.state]}`;
  state.textContent = host.dataset[report.state];
  item.append(state, " ", words);
  if (report.state === "sent") item.append(" ", link(report.page, report.number));
  if (report.alike) {
    const asked = Object.assign(document.createElement("span"), { className: "kept-alike" });
    asked.append(host.dataset.alike, " ", link(report.page, host.dataset.look));
    item.append(" ", asked);
  }
  if (report.state === "refused") {
    const why = document.createElement("span");
    why.className = "error";
    why.textContent = Object.values(report.errors).join(" ");
    item.append(" ", why, " ", link(`/report?${new URLSearchParams({ city: report.city, again: report.key })}`, host.dataset.edit));
  }
  if (report.state === "waiting" && navigator.onLine) item.append(" ", button(host.dataset.now, () => flush()));
  item.append(" ", button(report.state === "sent" ? host.dataset.hide : host.dataset.discard, () => {
    if (report.state === "sent" || confirm(host.dataset.sure)) forget(report.key).then(() => item.remove());
  }));
  return item;
}

function link(href, text) {
  return Object.assign(document.createElement("a"), { href, textContent: text });
}

function button(text, act) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: "link", textContent: text });
  made.addEventListener("click", act);
  return made;
}

const page = document.querySelector("[data-kept-page]");
if (page) {
  dropDraft().catch((error) => console.warn(error));
  show(page.querySelector("[data-kept]"));
  keepSending();
}
