// The report form without a connection: what is typed is saved as it is typed, and sent when there is a way.
import { complete, get, keep, keepSending, reportOf, toldOf } from "./queue.js";
import { randomKey } from "./database.js";
import { DRAFT, show } from "./kept.js";
import { isLarge, smaller } from "./shrink.js";
import { keepHere } from "./worker.js";

const SAVED = ["service", "description", "longitude", "latitude", "village", "address", "contact"];
const REACH = 5000; // milliseconds in which the server must answer, else the report is kept here

export const register = (city, language) => keepHere({ keep: city, language }, "kept");

// Make the form safe against a lost connection. `fresh`: nothing is on it that the server sent back.
export async function guard(form, fresh) {
  const host = form.ownerDocument.querySelector("[data-kept]");
  const key = form.elements.idempotency;
  if (fresh) {
    key.value = randomKey();
    await restore(form);
  }
  form.addEventListener("input", () => save(form));
  form.addEventListener("change", () => save(form));
  await show(host);
  keepSending();
}

// Submit over the network if the server can be reached, else keep the report here. Says whether it was "kept", or is
// too "incomplete" for that: nobody could be asked later.
export async function submit(form, submitter) {
  await shrink(form);
  const token = await fetch("/report/token.json", { cache: "no-store", signal: AbortSignal.timeout(REACH) }).then((answer) => (answer.ok ? answer.json() : null), () => null);
  if (token) {
    form.elements.form.value = token.form;
    const more = submitter?.name ? [[submitter.name, submitter.value]] : [];
    for (const [name, value] of [...more, ...toldOf(form)]) form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    form.submit(); // a connection that breaks now is the service worker's to see
    return "";
  }
  const data = new FormData(form);
  if (!complete(data)) return "incomplete";
  for (const [name, value] of toldOf(form)) data.set(name, value);
  await keep(await reportOf(data));
  drop();
  const registration = await navigator.serviceWorker?.getRegistration();
  await registration?.sync?.register("reports").catch(() => null);
  return "kept";
}

export function drop() {
  localStorage.removeItem(DRAFT);
}

function save(form) {
  const typed = { city: form.dataset.city, at: Date.now(), key: form.elements.idempotency.value };
  const data = new FormData(form);
  for (const name of SAVED) typed[name] = data.get(name) ?? "";
  typed.answers = [...data].filter(([name, value]) => name.startsWith("q-") && value);
  try { localStorage.setItem(DRAFT, JSON.stringify(typed)); } catch { /* a full or forbidden store is no reason to stop typing */ }
}

async function restore(form) {
  const again = new URLSearchParams(location.search).get("again");
  const report = again ? await get(again).catch(() => null) : null;
  if (report) return fill(form, { ...Object.fromEntries(report.fields), answers: report.fields.filter(([name]) => name.startsWith("q-")), key: report.key }, report);
  let typed = null;
  try { typed = JSON.parse(localStorage.getItem(DRAFT)); } catch { drop(); }
  if (!typed || typed.city !== form.dataset.city || !typed.description) return undefined;
  return fill(form, typed);
}

function fill(form, typed, report = null) {
  form.elements.idempotency.value = typed.key;
  for (const name of SAVED) {
    if (name === "service") {
      const choice = [...form.querySelectorAll("[name=service]")].find((one) => one.value === typed.service);
      if (choice && !form.querySelector("[name=service]:checked")) choice.checked = true;
    } else if (form.elements[name] && typed[name] && !form.elements[name].value) form.elements[name].value = typed[name];
  }
  for (const [name, value] of typed.answers ?? []) {
    for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (field.type === "radio" || field.type === "checkbox") field.checked ||= field.value === value;
      else field.value ||= value;
    }
  }
  const said = form.querySelector("[data-draft]");
  said.hidden = false;
  if (report) {
    const transfer = new DataTransfer();
    report.photos.forEach((photo, index) => transfer.items.add(new File([photo], `photo-${index + 1}.jpg`, { type: photo.type })));
    form.elements.photo.files = transfer.files;
  }
  said.querySelector("[data-drop]").addEventListener("click", () => { drop(); location.assign(`/report?city=${form.dataset.city}`); });
}

// Photos go as they are while the place is not known: the server may read it from them.
async function shrink(form) {
  const input = form.elements.photo;
  if (!form.elements.longitude.value || ![...input.files].some(isLarge)) return;
  const transfer = new DataTransfer();
  for (const file of input.files) transfer.items.add(await smaller(file));
  input.files = transfer.files;
}
