// Selecting rows: [data-bulk] holds a [data-select-all] box, [data-select] boxes and a
// [data-bulk-bar] with [data-bulk-count] and [data-bulk-clear]. Shift-click selects a range.
// Without this script the bar always shows and the boxes work as in any form.
for (const region of document.querySelectorAll("[data-bulk]")) {
  const boxes = () => [...region.querySelectorAll("[data-select]")];
  const bar = region.querySelector("[data-bulk-bar]");
  let last = null;

  const show = () => {
    const chosen = boxes().filter((box) => box.checked).length;
    for (const all of region.querySelectorAll("[data-select-all]")) {
      all.checked = chosen > 0 && chosen === boxes().length;
      all.indeterminate = chosen > 0 && chosen < boxes().length;
    }
    for (const count of region.querySelectorAll("[data-bulk-count]")) count.textContent = chosen;
    if (bar) bar.hidden = chosen === 0;
  };
  const set = (list, checked) => {
    for (const box of list) box.checked = checked;
    show();
  };

  region.addEventListener("click", (event) => {
    const box = event.target.closest("[data-select]");
    if (box) {
      const all = boxes();
      if (event.shiftKey && last && all.includes(last)) {
        const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
        set(all.slice(from, to + 1), box.checked);
      }
      last = box;
    }
    if (event.target.closest("[data-bulk-clear]")) set(boxes(), false);
  });
  region.addEventListener("change", (event) => {
    if (event.target.matches("[data-select-all]")) set(boxes(), event.target.checked);
    else show();
  });
  region.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && boxes().some((box) => box.checked)) set(boxes(), false);
  });
  region.addEventListener("htmx:afterSwap", show);
  show();
}
