// <button data-copy="id" data-copied="word" hidden>: copies the text of an element; shown only where it works.
const SHOWN = 3000;

for (const button of navigator.clipboard ? document.querySelectorAll("[data-copy]") : []) {
  const label = button.querySelector("span");
  const words = label.textContent;
  label.setAttribute("aria-live", "polite");
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).innerText);
    label.textContent = button.dataset.copied;
    setTimeout(() => (label.textContent = words), SHOWN);
  });
}
