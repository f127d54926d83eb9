// On every page: htmx, told to run nothing that the content security policy would refuse.
import htmx from "htmx.org";

htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0;
htmx.config.refreshOnHistoryMiss = true;
htmx.config.scrollIntoViewOnBoost = false;

// The report has arrived: what was saved while it was typed is not needed any more.
if (/[?&](sent|same)=1/.test(location.search)) localStorage.removeItem("mahakam-draft");

// A select or date marked data-submit sends its form when it changes; without scripts the form's own button does.
document.addEventListener("change", (event) => {
  const field = event.target.closest("[data-submit]");
  if (field) field.form.requestSubmit();
});

// The menu of languages closes as menus do: with Escape, and when something else is chosen.
const languages = document.querySelector("details.lang");
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !languages?.open) return;
  languages.open = false;
  languages.querySelector("summary").focus();
});
document.addEventListener("click", (event) => {
  if (languages && !languages.contains(event.target)) languages.open = false;
});
