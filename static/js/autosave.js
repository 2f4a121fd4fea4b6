// Keeps what was typed in a form on this device until it was sent: <form data-autosave="complain">.
// Files, passwords, hidden fields and fields marked data-no-autosave are never kept. A page that
// says "received" carries data-autosave-clear="complain" and so removes the draft. Drafts are
// dropped after a week.
const PREFIX = "huiyin-draft:";
const WEEK = 7 * 24 * 3600 * 1000;

const kept = (field) =>
  field.name && !["file", "password", "hidden", "submit", "button"].includes(field.type) && !field.hasAttribute("data-no-autosave");

function read(key) {
  try {
    const draft = JSON.parse(localStorage.getItem(PREFIX + key));
    return draft && Date.now() - draft.at < WEEK ? draft : null;
  } catch {
    return null; // storage is blocked or the draft is damaged
  }
}

function drop(key) {
  try {
    localStorage.removeItem(PREFIX + key);
  } catch {
    // storage is blocked, so there is no draft either
  }
}

function save(form) {
  const values = {};
  for (const field of form.elements) {
    if (!kept(field)) continue;
    if (field.type === "checkbox" || field.type === "radio") {
      values[field.name] ??= [];
      if (field.checked) values[field.name].push(field.value);
    } else if (field.multiple) {
      values[field.name] = [...field.selectedOptions].map((option) => option.value);
    } else {
      values[field.name] = [field.value];
    }
  }
  try {
    localStorage.setItem(PREFIX + form.dataset.autosave, JSON.stringify({ at: Date.now(), values }));
    tell(form, Date.now());
  } catch {
    // storage is blocked or full; the form still works
  }
}

function restore(form, draft) {
  for (const field of form.elements) {
    const values = draft.values[field.name];
    if (!kept(field) || !values) continue;
    if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
    else if (field.multiple) for (const option of field.options) option.selected = values.includes(option.value);
    else if (values.length) field.value = values[0];
  }
  tell(form, draft.at);
}

// <p data-autosave-status hidden>Draft kept on this device at <span data-autosave-time></span></p>
function tell(form, at) {
  const status = document.querySelector(`[data-autosave-status="${form.dataset.autosave}"]`) ?? form.querySelector("[data-autosave-status]");
  if (!status) return;
  const time = status.querySelector("[data-autosave-time]");
  if (time) time.textContent = new Date(at).toTimeString().slice(0, 5);
  status.hidden = false;
}

for (const element of document.querySelectorAll("[data-autosave-clear]")) drop(element.dataset.autosaveClear);

for (const form of document.querySelectorAll("form[data-autosave]")) {
  const draft = read(form.dataset.autosave);
  // After a refused submission the server has sent the newest values back; they win.
  if (draft && !form.querySelector("[aria-invalid]") && !form.hasAttribute("data-bound")) restore(form, draft);
  let timer;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => save(form), 400);
  });
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    save(form);
  });
  form.querySelector("[data-autosave-discard]")?.addEventListener("click", () => {
    clearTimeout(timer);
    drop(form.dataset.autosave);
    form.reset();
  });
}
