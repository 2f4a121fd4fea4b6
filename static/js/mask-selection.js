// Words selected in an original text are put into the form "mask these words", with their place in
// code points (the server counts code points; a browser counts UTF-16 units). Without this module
// the words are typed and every place of them is masked.
const form = document.querySelector("[data-mask-form]");

const codePoints = (text) => [...text].length;

function take(text, range) {
  const before = document.createRange();
  before.selectNodeContents(text);
  before.setEnd(range.startContainer, range.startOffset);
  const start = codePoints(before.toString());
  const words = range.toString();
  form.elements.field.value = text.dataset.maskText;
  form.elements.words.value = words;
  form.elements.start.value = start;
  form.elements.end.value = start + codePoints(words);
}

if (form) {
  document.addEventListener("selectionchange", () => {
    const selection = document.getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return;
    const range = selection.getRangeAt(0);
    const node = range.commonAncestorContainer;
    const text = (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement)?.closest("[data-mask-text]");
    if (text) take(text, range);
  });
  // Typed words have no place yet.
  form.elements.words.addEventListener("input", () => {
    form.elements.start.value = form.elements.end.value = "";
  });
  form.elements.field.addEventListener("change", () => {
    form.elements.start.value = form.elements.end.value = "";
  });
}
