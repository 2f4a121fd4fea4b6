// After a refused form the focus goes to the list of errors; a second click on "send" within a few
// seconds does nothing (a download leaves the page as it is, so the form must open again); a long
// stepper shows its current step.
const AGAIN_AFTER = 4000;

function focusErrors(root) {
  root.querySelector("[data-error-summary]")?.focus();
}

function showCurrentStep(root) {
  for (const list of root.querySelectorAll("[data-scroll-current]")) {
    const step = list.querySelector("[aria-current]");
    if (step) list.scrollLeft = Math.max(0, step.offsetLeft - list.offsetLeft - 90);
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("data-theme-form") || event.defaultPrevented) return;
  if (event.submitter?.formTarget === "_blank") return; // a preview in another tab sends nothing off
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, AGAIN_AFTER);
});
// Coming back with the browser's back button shows the page as it was left.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

focusErrors(document);
showCurrentStep(document);
document.addEventListener("htmx:afterSwap", (event) => {
  focusErrors(event.target);
  showCurrentStep(event.target);
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form");
  if (form) delete form.dataset.sent;
});
