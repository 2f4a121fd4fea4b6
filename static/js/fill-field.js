// A button [data-fill="#field"] puts its data-value into the field, as if it had been chosen there.
// It may come with a fragment; without this script it stays hidden.
function show(root) {
  for (const button of root.querySelectorAll("[data-fill]")) button.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-fill]");
  const field = button && document.querySelector(button.dataset.fill);
  if (!field) return;
  field.value = button.dataset.value;
  field.dispatchEvent(new Event("change", { bubbles: true }));
  field.focus();
});

show(document);
document.addEventListener("htmx:afterSwap", (event) => show(event.target));
