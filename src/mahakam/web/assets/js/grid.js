// The table of held rows as a grid for the keyboard (WAI-ARIA grid pattern). Without this script it is a form of fields.

for (const form of document.querySelectorAll("[data-held-grid]")) begin(form);
for (const field of document.querySelectorAll("[data-select]")) field.addEventListener("focus", () => field.select());

function begin(form) {
  const table = form.querySelector("table");
  const lines = () => [...table.tBodies[0].rows].map((row) => [...row.cells].filter((cell) => cell.offsetParent !== null));
  const inputs = [...table.querySelectorAll("tbody input:not([type=hidden])")];
  const said = form.querySelector("[data-changed]");
  let current = null;
  let before = null;
  let sending = false;

  table.setAttribute("role", "grid");
  table.setAttribute("aria-describedby", "grid-keys");
  form.querySelector("#grid-keys").hidden = false;
  for (const row of table.rows) {
    row.setAttribute("role", "row");
    for (const cell of row.cells) {
      cell.setAttribute("role", cell.scope === "col" ? "columnheader" : cell.scope === "row" ? "rowheader" : "gridcell");
    }
  }
  for (const group of [table.tHead, table.tBodies[0]]) group.setAttribute("role", "rowgroup");
  for (const cell of table.tBodies[0].querySelectorAll("td, th")) {
    cell.tabIndex = -1;
    for (const part of cell.querySelectorAll("input, button, a")) part.tabIndex = -1;
    if (cell.matches("td") && !field(cell)) cell.setAttribute("aria-readonly", "true");
  }
  for (const input of inputs) input.dataset.was = input.defaultValue;
  const first = table.querySelector("td.wrong") ?? table.querySelector("tbody td");
  if (first) { current = first; first.tabIndex = 0; }

  function field(cell) { return cell.querySelector("input:not([type=hidden])"); }

  function go(cell) {
    if (!cell) return;
    if (current) current.tabIndex = -1;
    current = cell;
    cell.tabIndex = 0;
    cell.focus();
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function step(down, across) {
    const all = lines();
    const y = all.findIndex((row) => row.includes(current));
    if (y < 0) return;
    const x = all[y].indexOf(current);
    const to = all[Math.min(Math.max(y + down, 0), all.length - 1)];
    go(to[Math.min(Math.max(x + across, 0), to.length - 1)]);
  }

  function edit(cell, text) {
    const input = field(cell);
    if (!input) { cell.querySelector("a")?.click(); return; }
    before = input.value;
    input.focus();
    if (text === undefined) input.select();
    else { input.value = text; count(); }
  }

  function count() {
    let changed = 0;
    for (const input of inputs) {
      const is = input.value !== input.dataset.was;
      input.closest("td").classList.toggle("changed", is);
      changed += is;
    }
    said.textContent = changed === 0 ? "" : changed === 1 ? said.dataset.one : said.dataset.many.replace("#", changed);
    return changed;
  }

  function take(button) {
    const input = field(button.closest("td"));
    input.value = button.dataset.value;
    count();
  }

  table.addEventListener("click", (event) => {
    const button = event.target.closest("button.propose");
    if (button) { event.preventDefault(); take(button); go(button.closest("td")); return; }
    const cell = event.target.closest("tbody td");
    if (cell && !event.target.closest("a, input")) go(cell);
  });
  table.addEventListener("focusin", (event) => {
    const cell = event.target.closest("tbody td, tbody th");
    if (cell && cell !== current) { if (current) current.tabIndex = -1; current = cell; cell.tabIndex = 0; }
    if (event.target.matches("input")) before = event.target.value;
  });
  table.addEventListener("input", count);

  table.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit(form.querySelector('[name="do"][value="replay"]'));
      return;
    }
    if (event.ctrlKey && (event.key === "Home" || event.key === "End") && !event.target.matches("input")) {
      event.preventDefault();
      const all = lines();
      go(event.key === "Home" ? all[0][0] : all.at(-1).at(-1));
      return;
    }
    if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
    if (event.target.matches("input")) {
      if (event.key === "Enter") { event.preventDefault(); current.focus(); step(event.shiftKey ? -1 : 1, 0); }
      else if (event.key === "Escape") { event.preventDefault(); event.target.value = before; count(); current.focus(); }
      else if (event.key === "Tab") { event.preventDefault(); current.focus(); step(0, event.shiftKey ? -1 : 1); }
      return;
    }
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-10, 0], PageDown: [10, 0], Home: [0, -9999], End: [0, 9999] };
    if (moves[event.key]) { event.preventDefault(); step(...moves[event.key]); return; }
    const input = field(current);
    if (event.key === "Enter" || event.key === "F2") { event.preventDefault(); edit(current); }
    else if (event.key === "Escape" && input) { input.value = input.dataset.was; count(); }
    else if (event.key === " ") { event.preventDefault(); const button = current.querySelector("button.propose"); if (button) take(button); else if (input) edit(current); }
    else if (event.key === "Delete" && input) { event.preventDefault(); input.value = ""; count(); }
    else if (event.key.length === 1 && input) { event.preventDefault(); edit(current, event.key); }
  });

  form.addEventListener("submit", () => { sending = true; });
  addEventListener("pageshow", () => { sending = false; count(); });
  addEventListener("beforeunload", (event) => { if (!sending && count()) event.preventDefault(); });
}
