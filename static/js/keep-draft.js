// Keeps a step of the public form on the server while it is being written: <form data-keep="/complain/keep/contact/">.
// Three seconds after the last change, and when the page is left or hidden. Files are not sent.
// <p data-keep-status hidden> in the form is shown once something was kept.
const PAUSE = 3000;

for (const form of document.querySelectorAll("form[data-keep]")) {
  const status = form.querySelector("[data-keep-status]");
  let timer;
  let isDirty = false;
  let underway = null;

  const keep = async () => {
    clearTimeout(timer);
    if (!isDirty) return;
    isDirty = false;
    const body = new FormData();
    for (const [name, value] of new FormData(form)) if (typeof value === "string") body.append(name, value);
    underway?.abort();
    underway = new AbortController();
    try {
      const answer = await fetch(form.dataset.keep, { method: "POST", body, keepalive: true, signal: underway.signal });
      if (answer.ok && status) status.hidden = false;
    } catch {
      // Offline, or the step was sent meanwhile: sending it keeps it too.
    }
  };

  form.addEventListener("input", () => {
    isDirty = true;
    clearTimeout(timer);
    timer = setTimeout(keep, PAUSE);
  });
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    isDirty = false;
    underway?.abort();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") keep();
  });
  addEventListener("pagehide", keep);
}
