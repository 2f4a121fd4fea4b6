// Words selected in an original text are put into the form "mask these words", with their place in
// code points (the server counts code points; a browser counts UTF-16 units). Without this module
// the words are typed and every place of them is masked.
//
// With the keyboard an original text takes the focus: the arrow keys choose a character, with Shift
// more of them, Enter leads on to the button. The text cannot be edited, so no input method writes in it.
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

const KEYS = {
  ArrowRight: ["forward", "character"],
  ArrowLeft: ["backward", "character"],
  ArrowDown: ["forward", "line"],
  ArrowUp: ["backward", "line"],
  Home: ["backward", "lineboundary"],
  End: ["forward", "lineboundary"],
};

function choose(text, [direction, unit], longer) {
  const selection = document.getSelection();
  const isInside = selection.rangeCount && text.contains(selection.anchorNode) && text.contains(selection.focusNode);
  const kept = isInside && !selection.isCollapsed ? selection.getRangeAt(0).cloneRange() : null;
  if (!isInside) selection.collapse(text, 0);
  if (longer) {
    selection.modify("extend", direction, unit);
  } else {
    // One character stays chosen, so that it can be seen where the next key begins.
    const [node, place] = direction === "forward" && kept ? [kept.endContainer, kept.endOffset] : [kept?.startContainer, kept?.startOffset];
    if (kept) selection.collapse(node, place);
    if (direction === "backward" || unit !== "character") selection.modify("move", direction, unit);
    if (kept && !text.contains(selection.focusNode)) selection.collapse(node, place); // the first or last line
    selection.modify("extend", unit === "lineboundary" && direction === "forward" ? "backward" : "forward", "character");
  }
  const leftTheText = !text.contains(selection.anchorNode) || !text.contains(selection.focusNode);
  if (leftTheText || (!longer && selection.isCollapsed)) {
    selection.removeAllRanges();
    if (kept) selection.addRange(kept);
  }
}

function readByKeyboard(text) {
  text.tabIndex = 0;
  text.setAttribute("role", "textbox");
  text.setAttribute("aria-readonly", "true");
  text.setAttribute("aria-multiline", "true");
  text.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && form.elements.start.value !== "") {
      event.preventDefault();
      form.querySelector("button").focus();
    } else if (event.key in KEYS) {
      event.preventDefault();
      choose(text, KEYS[event.key], event.shiftKey);
    }
  });
}

if (form) {
  document.querySelectorAll("[data-mask-text]").forEach(readByKeyboard);
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
