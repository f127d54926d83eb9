// A form with a file shows how much of it has been sent. Without this script it is sent all the same.
for (const form of document.querySelectorAll("form[data-progress]")) {
  const [sending, said, problem] = ["[data-sending]", "[data-said]", "[data-problem]"].map((part) => form.querySelector(part));
  const bar = sending.querySelector("progress");
  const button = form.querySelector("button:not([type])");

  const fail = (text) => {
    sending.hidden = true;
    button.disabled = false;
    problem.hidden = false;
    problem.textContent = text;
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.upload.addEventListener("progress", (sent) => {
      if (!sent.lengthComputable) return;
      bar.value = (100 * sent.loaded) / sent.total;
      said.textContent = `${Math.round(bar.value)} %`;
    });
    request.upload.addEventListener("load", () => {
      bar.removeAttribute("value");
      said.textContent = said.dataset.looking;
    });
    request.addEventListener("load", () => {
      if (request.status < 400) return location.assign(request.responseURL);
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      fail((page.querySelector("main [role=alert]:not([hidden])") ?? page.querySelector("main"))?.textContent.trim() || request.statusText);
    });
    request.addEventListener("error", () => form.submit());
    problem.hidden = true;
    sending.hidden = false;
    button.disabled = true;
    bar.value = 0;
    request.send(new FormData(form));
  });
}
