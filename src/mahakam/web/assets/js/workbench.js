// The workbench by keyboard, and a queue that says when more has come. Everything works without it, by mouse and Tab.

const LOOK = 20_000;

const rows = () => [...document.querySelectorAll("[data-queue] tbody tr")].filter((row) => row.querySelector("a"));
const picks = () => [...document.querySelectorAll("[data-pick]")];
const queue = document.querySelector("[data-queue]");
const answer = document.querySelector("[data-answer]");
const bulk = document.querySelector("#bulk");
const keys = document.querySelector("#keys");

function current() {
  return rows().findIndex((row) => row.contains(document.activeElement));
}

function go(step) {
  const all = rows();
  if (!all.length) return;
  const at = Math.min(Math.max(current() + step, 0), all.length - 1);
  const link = all[at].querySelector("a");
  link.focus();
  all[at].scrollIntoView({ block: "nearest" });
}

function count() {
  const chosen = picks().filter((box) => box.checked).length;
  document.querySelectorAll("[data-picked]").forEach((place) => (place.textContent = chosen ? String(chosen) : ""));
}

function follow(selector) {
  document.querySelector(selector)?.click();
}

const onQueue = {
  j: () => go(1),
  k: () => go(-1),
  o: () => rows()[current()]?.querySelector("a")?.click(),
  x: () => rows()[current()]?.querySelector("[data-pick]")?.click(),
  b: () => bulk?.querySelector("select")?.focus(),
  "/": () => document.querySelector("[data-number]")?.focus(),
};
const onOne = {
  j: () => follow("[data-next]"),
  k: () => follow("[data-previous]"),
  t: () => document.querySelector("#text")?.focus(),
  n: () => document.querySelector("#note")?.focus(),
  u: () => follow(".crumbs a"),
};

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    const form = event.target.closest("form");
    if (form === answer && answer) form.requestSubmit(form.querySelector('[name="then"]'));
    else if (form === bulk && bulk) form.requestSubmit();
    else return;
    event.preventDefault();
    return;
  }
  if (event.key === "Escape" && event.target.matches("textarea, input, select")) event.target.blur();
  if (event.ctrlKey || event.metaKey || event.altKey || keys?.open) return;
  if (event.target.matches('textarea, select, input:not([type="checkbox"]):not([type="radio"])')) return;
  let act = (queue ? onQueue : onOne)[event.key];
  if (event.key === "?") act = () => keys?.showModal();
  if (answer && /^[1-9]$/.test(event.key)) {
    const choice = answer.querySelectorAll('[name="state"]')[Number(event.key) - 1];
    if (choice) act = () => (choice.focus(), choice.click());
  }
  if (!act) return;
  event.preventDefault();
  act();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-pick]")) count();
});

const all = document.querySelector("[data-pick-all]");
if (all) {
  all.hidden = false;
  all.addEventListener("click", () => {
    const some = picks().some((box) => !box.checked);
    picks().forEach((box) => (box.checked = some));
    count();
  });
}

// Words that are ready go into the text, below what is there already.
const templates = document.querySelector("[data-templates]");
if (templates) {
  templates.hidden = false;
  templates.querySelector("select").addEventListener("change", (event) => {
    const text = document.querySelector("#text");
    if (event.target.value) text.value = [text.value.trim(), event.target.value].filter(Boolean).join("\n\n");
    event.target.value = "";
    text.focus();
  });
}

// Of the fields for passing on, those that the chosen act needs.
const act = document.querySelector("#pass-do");
function needed() {
  document.querySelectorAll("#pass [data-for]").forEach((field) => {
    field.hidden = !field.dataset.for.split(" ").includes(act.value);
  });
}
if (act) {
  act.addEventListener("change", needed);
  needed();
}

async function look() {
  if (document.hidden) return;
  try {
    const asked = await fetch(queue.dataset.countUrl, { cache: "no-store" });
    if (!asked.ok) return;
    const found = await asked.json();
    const late = document.querySelector('[data-live="late"]');
    if (late) late.textContent = new Intl.NumberFormat(document.documentElement.lang).format(found.late);
    const note = document.querySelector("[data-live-note]");
    if (found.count > Number(queue.dataset.count) && note.hidden) {
      const link = document.createElement("a");
      link.href = location.href;
      link.textContent = note.dataset.more;
      note.append(link);
      note.hidden = false;
    }
  } catch {
    // no connection: the next look
  }
}
if (queue) {
  count();
  setInterval(look, LOOK);
  document.addEventListener("visibilitychange", look);
}
