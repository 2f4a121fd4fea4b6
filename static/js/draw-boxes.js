// Boxes drawn over a page with the mouse, a finger or the keyboard. The numbers in the table are what is sent;
// without this module they are typed there.
const page = document.querySelector("[data-draw]");
const layer = page?.querySelector("svg");
const rows = [...document.querySelectorAll("[data-box-row]")].map((row) => [...row.querySelectorAll("input")]);
const add = document.querySelector("[data-draw-add]");
const STEP = 0.5;
const shapes = new Map();

const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
const isEmpty = (row) => row.every((input) => input.value === "");
const read = (row) => row.map((input) => Number.parseFloat(input.value));

function write(row, [x, y, width, height]) {
  const left = clamp(x, 0, 99);
  const top = clamp(y, 0, 99);
  const numbers = [left, top, clamp(width, 0.5, 100 - left), clamp(height, 0.5, 100 - top)];
  row.forEach((input, place) => {
    input.value = numbers[place].toFixed(2);
  });
  show(row);
}

function clear(row) {
  for (const input of row) input.value = "";
  show(row);
}

function show(row) {
  const box = read(row);
  let shape = shapes.get(row);
  if (box.some(Number.isNaN)) {
    shape?.remove();
    shapes.delete(row);
    return;
  }
  if (!shape) {
    shape = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    shape.classList.add("draw-box");
    shape.setAttribute("tabindex", "0");
    shape.setAttribute("role", "button");
    shape.setAttribute("aria-label", `${page.dataset.label} ${rows.indexOf(row) + 1}`);
    shape.addEventListener("keydown", (event) => key(event, row));
    shapes.set(row, shape);
    layer.append(shape);
  }
  ["x", "y", "width", "height"].forEach((name, place) => shape.setAttribute(name, box[place]));
}

function key(event, row) {
  if (event.key === "Delete" || event.key === "Backspace") {
    event.preventDefault();
    clear(row);
    add.focus();
    return;
  }
  const move = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
  if (!move) return;
  event.preventDefault();
  const [x, y, width, height] = read(row);
  write(row, event.shiftKey ? [x, y, width + move[0], height + move[1]] : [x + move[0], y + move[1], width, height]);
}

function place(event) {
  const area = layer.getBoundingClientRect();
  return [
    clamp(((event.clientX - area.left) / area.width) * 100, 0, 100),
    clamp(((event.clientY - area.top) / area.height) * 100, 0, 100),
  ];
}

function drag(event) {
  const row = rows.find(isEmpty);
  if (event.button !== 0 || !row || event.target.classList.contains("draw-box")) return;
  const [x, y] = place(event);
  layer.setPointerCapture(event.pointerId);
  const move = (next) => {
    const [right, bottom] = place(next);
    write(row, [Math.min(x, right), Math.min(y, bottom), Math.abs(right - x), Math.abs(bottom - y)]);
  };
  const end = () => {
    layer.removeEventListener("pointermove", move);
    layer.removeEventListener("pointerup", end);
    layer.removeEventListener("pointercancel", end);
  };
  layer.addEventListener("pointermove", move);
  layer.addEventListener("pointerup", end);
  layer.addEventListener("pointercancel", end);
}

if (layer && add) {
  for (const shape of layer.querySelectorAll(".draw-box")) shape.remove();
  for (const row of rows) {
    show(row);
    for (const input of row) input.addEventListener("input", () => show(row));
  }
  layer.classList.add("is-ready");
  layer.addEventListener("pointerdown", drag);
  document.querySelector("[data-draw-hint]").hidden = false;
  add.hidden = false;
  add.addEventListener("click", () => {
    const row = rows.find(isEmpty);
    if (!row) return;
    write(row, [35, 45, 30, 6]);
    shapes.get(row).focus();
  });
}
