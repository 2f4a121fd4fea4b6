// Short messages at the foot of the page. Good news leaves after 8 s unless the pointer or the
// focus rests on it; bad news stays until it is closed. htmx answers can send
// HX-Trigger: {"toast": {"text": "…", "tone": "bad"}}.
const box = document.querySelector("[data-toasts]");
const SECONDS = 8;

function leaveLater(toast) {
  if (toast.dataset.tone === "bad") return;
  let timer;
  const start = () => {
    timer = setTimeout(() => toast.remove(), SECONDS * 1000);
  };
  const hold = () => clearTimeout(timer);
  toast.addEventListener("pointerenter", hold);
  toast.addEventListener("focusin", hold);
  toast.addEventListener("pointerleave", start);
  toast.addEventListener("focusout", start);
  start();
}

function add(text, tone) {
  const toast = box.querySelector("[data-toast-template]").content.firstElementChild.cloneNode(true);
  toast.querySelector("[data-toast-text]").textContent = text;
  if (tone) toast.dataset.tone = tone;
  box.append(toast);
  leaveLater(toast);
}

if (box) {
  for (const toast of box.querySelectorAll("[data-toast]")) {
    toast.querySelector("[data-toast-close]").hidden = false;
    leaveLater(toast);
  }
  box.addEventListener("click", (event) => event.target.closest("[data-toast-close]")?.closest("[data-toast]").remove());
  document.addEventListener("toast", (event) => add(event.detail.text, event.detail.tone));
  const failed = box.dataset.failed;
  document.addEventListener("htmx:responseError", () => add(failed, "bad"));
  document.addEventListener("htmx:sendError", () => add(failed, "bad"));
}
