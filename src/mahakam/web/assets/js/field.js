// The crew's jobs: kept on this phone, opened without a connection; what is done is kept first and sent then.
import { keepTrying } from "./database.js";
import { act, acts, clear, flush, forget, insist, jobs, onChange, takeAlong } from "./fieldstore.js";
import { smaller } from "./shrink.js";
import { keepHere } from "./worker.js";

const host = document.querySelector("[data-field]");
const list = host.querySelector("[data-jobs]");
const card = host.querySelector("template[data-card]");
const off = document.querySelector("[data-field-off]");
const signIn = document.querySelector("[data-field-sign-in]");
const wipe = host.querySelector("[data-clear]");
for (const part of document.querySelectorAll("[data-needs-script]")) part.hidden = false;

async function refresh() {
  if (!host.dataset.source) return;
  const answer = await fetch(host.dataset.source, { cache: "no-store" }).catch(() => null);
  if (answer?.ok) {
    const told = await answer.json();
    await takeAlong(told.person, told.jobs);
  } else if (answer?.status === 401) signIn.hidden = false;
}

async function trySending() {
  const said = await flush();
  if (said === "signed-out") signIn.hidden = false;
  else if (said === "done") signIn.hidden = true;
  if (said === "later") (await navigator.serviceWorker?.getRegistration())?.sync?.register("field").catch(() => null);
}

async function draw() {
  const [found, done] = [await jobs(), await acts()];
  const typed = new Map(); // what is being written stays, and stays open
  for (const shown of list.children) typed.set(shown.dataset.number, shown);
  list.replaceChildren(...found.map((job) => filled(typed.get(job.number) ?? made(job), job, done.filter((one) => one.number === job.number))));
  host.querySelector("[data-field-empty]").hidden = found.length > 0;
  wipe.hidden = !found.length && !done.length;
  host.dataset.ready = "";
}

function made(job) {
  const item = card.content.firstElementChild.cloneNode(true);
  item.dataset.number = job.number;
  for (const button of item.querySelectorAll("[data-do]")) button.addEventListener("click", () => does(item, button.dataset.do));
  for (const input of item.querySelectorAll("[data-photo]")) input.addEventListener("change", () => photographed(item, input));
  const slot = (name) => item.querySelector(`[data-slot="${name}"]`);
  for (const [title, text] of job.answers) slot("answers").append(text_("dt", title), text_("dd", text));
  for (const picture of job.pictures) slot("photos").append(Object.assign(document.createElement("img"), { src: URL.createObjectURL(picture), alt: host.dataset.photoAlt, className: "field-photo" }));
  job.checklist.forEach((words, point) => {
    const label = text_("label", "");
    label.className = "tick";
    const box = Object.assign(document.createElement("input"), { type: "checkbox", value: point });
    box.addEventListener("change", async () => act(await current(item), { kind: "tick", ticks: { [point]: box.checked } }).then(trySending));
    label.append(box, text_("span", words));
    slot("checklist").append(label);
  });
  for (const name of ["checklist", "answers", "photos"]) slot(name).hidden = !job[name].length;
  return item;
}

function filled(item, job, done) {
  const slot = (name) => item.querySelector(`[data-slot="${name}"]`);
  for (const name of ["title", "stateWords", "due", "address", "description", "number"]) slot(name).textContent = job[name];
  slot("stateWords").className = `chip ${job.stateKind}`;
  slot("number").href = `/queue/${job.number}`;
  slot("place").hidden = !job.point;
  if (job.point) {
    slot("place").href = `geo:${job.point[1]},${job.point[0]}`;
    slot("place").textContent = `${job.point[1].toFixed(5)}, ${job.point[0].toFixed(5)}`;
  }
  for (const box of slot("checklist").querySelectorAll("input")) box.checked = job.done.includes(Number(box.value));
  const has = (kind) => done.some((one) => one.kind === kind);
  item.querySelector('[data-do="start"]').hidden = !job.canStart || has("start") || has("finish");
  item.querySelector("[data-finish-part]").hidden = !job.canFinish || has("finish");
  slot("acts").replaceChildren(...done.map(row));
  return item;
}

function row(one) {
  const item = text_("li", "");
  item.className = `field-act ${one.state}`;
  const state = text_("b", host.dataset[one.state]);
  state.className = `chip ${{ waiting: "warn", refused: "bad", conflict: "bad", sent: "ok" }[one.state]}`;
  const what = one.kind === "photo" ? (one.when === "before" ? "photoBefore" : "photoAfter") : one.kind;
  item.append(state, " ", text_("span", [host.dataset[what], one.text].filter(Boolean).join(": ")));
  const said = Object.values(one.errors ?? {}).join(" ");
  if (said && one.state !== "sent") item.append(" ", Object.assign(text_("span", said), { className: "error" }));
  for (const news of one.state === "conflict" ? one.news : []) item.append(Object.assign(text_("p", news), { className: "words small" }));
  if (one.state === "conflict") item.append(" ", button(host.dataset.again, () => insist(one.key).then(trySending)));
  if (one.state === "conflict" || one.state === "refused") item.append(" ", button(host.dataset.discard, () => { if (confirm(host.dataset.sure)) forget(one.key); }));
  return item;
}

async function current(item) {
  return (await jobs()).find((job) => job.number === item.dataset.number);
}

async function does(item, kind) {
  const words = item.querySelector(`[data-words="${kind}"]`);
  const error = item.querySelector("[data-error]");
  const text = words?.value.trim() ?? "";
  const short = (kind === "finish" && text.length < 3) || (kind === "note" && !text);
  error.hidden = kind !== "finish" || !short;
  error.textContent = host.dataset.short;
  if (short) return words.focus();
  await act(await current(item), { kind, text });
  if (words) { words.value = ""; words.closest("details").open = false; }
  await trySending();
}

async function photographed(item, input) {
  const [file] = input.files;
  if (!file) return;
  const small = await smaller(file);
  input.value = "";
  await act(await current(item), { kind: "photo", when: input.dataset.photo, photo: new Blob([await small.arrayBuffer()], { type: small.type }) });
  await trySending();
}

function text_(name, text) {
  return Object.assign(document.createElement(name), { textContent: text });
}

function button(text, work) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: "link", textContent: text });
  made.addEventListener("click", work);
  return made;
}

wipe.addEventListener("click", async () => {
  const unsent = (await acts()).some((one) => one.state !== "sent");
  if (!unsent || confirm(host.dataset.clearSure)) clear();
});
const connected = () => { off.hidden = navigator.onLine; };
addEventListener("online", connected);
addEventListener("offline", connected);
connected();
onChange(draw);
await trySending();
await refresh();
await draw();
keepTrying(trySending);
keepHere({ keepField: document.documentElement.lang }, "kept-field");
