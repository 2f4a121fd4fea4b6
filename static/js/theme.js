// Switches between light and dark at once and lets the server remember it. Without this script
// the same form simply posts and the page loads again.
const form = document.querySelector("[data-theme-form]");

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = form.elements.theme;
  const button = form.querySelector("button");
  const chosen = field.value;
  const sent = new FormData(form);
  document.documentElement.dataset.theme = chosen;
  field.value = chosen === "dark" ? "light" : "dark";
  button.setAttribute("aria-pressed", String(chosen === "dark"));
  // The answer is a redirect that nobody needs to follow; a lost request only loses the memory of the choice.
  fetch(form.action, { method: "POST", body: sent, redirect: "manual" }).catch(() => {});
});
