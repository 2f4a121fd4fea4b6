// Single-key shortcuts: J and K move, X selects, Enter opens, P previews, / searches, Z undoes,
// ? lists them. They are ignored while typing and with modifier keys, and can be switched off
// in the list (WCAG 2.1.4). Rows live in [data-rows]; any control can have data-shortcut="a".
const KEY = "huiyin-shortcuts";
const switches = document.querySelectorAll("[data-shortcuts-switch]");

function enabled() {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true;
  }
}

for (const control of switches) {
  control.checked = enabled();
  control.addEventListener("change", () => {
    try {
      localStorage.setItem(KEY, control.checked ? "on" : "off");
    } catch {
      control.checked = true; // storage is blocked, so the choice cannot be kept
    }
  });
}

const rows = () => [...document.querySelectorAll("[data-rows] [data-row]")];
const selected = () => rows().find((row) => row.getAttribute("aria-selected") === "true");

function move(step) {
  const all = rows();
  if (!all.length) return;
  // Where no row is chosen yet, the one the address leads to is.
  const current = all.indexOf(selected() ?? all.find((row) => row.matches(":target")));
  const next = all[Math.max(0, Math.min(all.length - 1, current + step))];
  all[current]?.setAttribute("aria-selected", "false");
  next.setAttribute("aria-selected", "true");
  next.scrollIntoView({ block: "nearest" });
  next.querySelector("[data-row-link]")?.focus({ preventScroll: true });
}

const actions = {
  j: () => move(1),
  k: () => move(-1),
  x: () => selected()?.querySelector("[data-select]")?.click(),
  Enter: () => selected()?.querySelector("[data-row-link]")?.click(),
  p: () => (selected()?.querySelector("[data-row-preview]") ?? document.querySelector("[data-preview-toggle]"))?.click(),
  "/": () => document.querySelector('[data-shortcut-focus="/"]')?.focus(),
  "?": () => document.getElementById("shortcuts")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented || !enabled()) return;
  const target = event.target;
  if (target.isContentEditable || target.matches('textarea, select, input:not([type="checkbox"]):not([type="radio"])')) return;
  if (document.querySelector("dialog[open]")) return;
  // Enter on a link or button does what it always does.
  if (event.key === "Enter" && target.closest("a, button, summary, input")) return;
  const control = /^[a-z]$/i.test(event.key) && document.querySelector(`[data-shortcut="${event.key.toLowerCase()}"]:not([hidden])`);
  const action = control ? () => control.click() : actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
