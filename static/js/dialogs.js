// Opens and closes native dialogs and side panels, and gives the focus back to what opened them.
//   <a href="#reject" data-dialog>      opens <dialog id="reject">
//   <a href="#main" data-dialog-close>  closes the dialog it stands in
//   <button data-open="#preview"> / data-close="#preview"  adds or removes .is-open
const openers = new WeakMap();

function openDialog(dialog, opener) {
  if (!(dialog instanceof HTMLDialogElement) || dialog.open) return;
  openers.set(dialog, opener);
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const trigger = event.target.closest("[data-dialog], [data-dialog-close], [data-open], [data-close]");
  if (!trigger) return;
  if (trigger.matches("[data-dialog]")) {
    const id = trigger.dataset.dialog || trigger.getAttribute("href");
    const dialog = document.querySelector(id);
    if (!dialog) return;
    event.preventDefault();
    openDialog(dialog, trigger);
  } else if (trigger.matches("[data-dialog-close]")) {
    const dialog = trigger.closest("dialog");
    if (!dialog?.open) return; // opened without JavaScript: follow the link
    event.preventDefault();
    dialog.close();
  } else if (trigger.dataset.open) {
    const panel = document.querySelector(trigger.dataset.open);
    openers.set(panel, trigger);
    panel?.classList.add("is-open");
  } else {
    const panel = document.querySelector(trigger.dataset.close);
    panel?.classList.remove("is-open");
    openers.get(panel)?.focus();
  }
});

// "close" does not bubble, so it is caught on the way down; this also covers the Esc key.
document.addEventListener(
  "close",
  (event) => {
    const opener = openers.get(event.target);
    openers.delete(event.target);
    if (opener?.isConnected) opener.focus();
  },
  true,
);

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
