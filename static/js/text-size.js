// Large text on public pages. The server reads ?text=large; this remembers the choice on the
// device, so that no cookie is needed and every reader gets the same page.
const KEY = "huiyin-text";
const root = document.documentElement;

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage is blocked; the address alone decides
  }
}

function show(large) {
  if (large) root.dataset.text = "large";
  else delete root.dataset.text;
  for (const button of document.querySelectorAll("[data-text-toggle]")) {
    button.setAttribute("aria-pressed", String(large));
  }
}

function choose(large) {
  try {
    localStorage.setItem(KEY, large ? "large" : "normal");
  } catch {
    // storage is blocked; the choice lasts for this page
  }
  show(large);
}

if (root.dataset.text !== "large" && stored() === "large") show(true);

addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-text-toggle]")) return;
  event.preventDefault();
  choose(root.dataset.text !== "large");
});

addEventListener("keydown", (event) => {
  if (event.key !== " " || !event.target.matches?.("[data-text-toggle]")) return;
  event.preventDefault();
  choose(root.dataset.text !== "large");
});

// The button may be parsed after this module ran.
document.addEventListener("DOMContentLoaded", () => show(root.dataset.text === "large"));
