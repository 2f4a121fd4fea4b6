// The queue: a click anywhere in a row previews it, the preview follows J and K, and it can be closed.
// Without this script the link "preview" and the number of each row do the same.
const pane = document.getElementById("preview");
const empty = document.querySelector("[data-preview-empty]");
const FOLLOW_AFTER = 250;
let timer = 0;

const isBeside = () => pane && getComputedStyle(pane).position !== "fixed";

function mark(row) {
  for (const other of document.querySelectorAll("[data-row]")) other.setAttribute("aria-selected", String(other === row));
}

document.addEventListener("click", (event) => {
  const close = event.target.closest("[data-preview-close]");
  if (close) {
    event.preventDefault();
    pane.classList.remove("is-open");
    pane.replaceChildren(empty.content.cloneNode(true));
    document.querySelector('[data-row][aria-selected="true"] [data-row-link]')?.focus();
    return;
  }
  const row = event.target.closest("[data-row]");
  if (!row) return;
  if (event.target.closest("[data-row-preview]")) mark(row);
  if (event.target.closest("a, input, button, label")) return;
  row.querySelector("[data-row-preview]").click();
});

// J and K move the focus; where the pane stands beside the list it shows the row they reach.
document.addEventListener("focusin", (event) => {
  const link = event.target.closest("[data-row-link]");
  clearTimeout(timer);
  if (!link || !isBeside()) return;
  const row = link.closest("[data-row]");
  timer = setTimeout(() => row.querySelector("[data-row-preview]").click(), FOLLOW_AFTER);
});

document.addEventListener("DOMContentLoaded", () => {
  // On a narrow screen the views scroll sideways: show the one that is open.
  document.querySelector(".views [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  if (isBeside() && !pane.querySelector("[data-preview-close]")) document.querySelector("[data-row] [data-row-preview]")?.click();
});
