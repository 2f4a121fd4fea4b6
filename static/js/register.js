// The register form by keyboard alone: Enter goes on to the next field, Ctrl+Enter registers. In a
// text of several lines Enter stays a line break; on buttons, links and folds it does what it always does.
const form = document.querySelector("[data-register]");
const fields = 'input:not([type="hidden"]), select, textarea, summary, button';

function next(control) {
  const all = [...form.querySelectorAll(fields)].filter((other) => other.checkVisibility() && !other.disabled);
  all[all.indexOf(control) + 1]?.focus();
}

form?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing || event.altKey || event.shiftKey) return;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    form.requestSubmit();
    return;
  }
  if (!event.target.matches('input:not([type="file"]), select')) return;
  event.preventDefault();
  next(event.target);
});

for (const hint of document.querySelectorAll("[data-register-keys]")) hint.hidden = false;
