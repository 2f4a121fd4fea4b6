// A file field in the words of the page: <input type="file" data-file-button="Choose files">.
// The browser's own words are in the language of the browser, which may be another one. A label and
// the names of the chosen files stand in for them; the field keeps the focus, hidden from the eye.
// A button [data-file-send] of the same form shows once there is something to send.
for (const input of document.querySelectorAll("input[type=file][data-file-button]")) {
  const button = document.createElement("label");
  button.className = "btn file-button";
  button.htmlFor = input.id;
  button.textContent = input.dataset.fileButton;

  const names = document.createElement("output");
  names.className = "file-names";
  names.htmlFor = input.id;

  const send = input.form?.querySelector("[data-file-send]");
  const show = () => {
    if (send) send.hidden = input.files.length === 0;
    names.textContent = [...input.files].map((file) => file.name).join("\n");
  };
  input.addEventListener("change", show);
  addEventListener("pageshow", show); // coming back, the browser may have kept the choice
  input.classList.add("vh");
  input.after(button, names);
  show();
}
