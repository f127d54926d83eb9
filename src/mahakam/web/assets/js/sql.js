// The SQL page: Ctrl+Enter asks, a name of the schema is written where the cursor stands.
const form = document.querySelector("[data-sql]");
const question = form?.querySelector("textarea");

question?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
});

document.querySelector(".schema")?.addEventListener("click", (event) => {
  const name = event.target.closest("[data-name]");
  if (!name || !question) return;
  question.setRangeText(name.dataset.name, question.selectionStart, question.selectionEnd, "end");
  question.focus();
});

const where = question?.dataset.at;
if (where) {
  const [line, column] = where.split(":").map(Number);
  const start = question.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0) + column - 1;
  question.focus();
  question.setSelectionRange(start, Math.min(start + 1, question.value.length));
}
