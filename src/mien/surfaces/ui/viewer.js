// The picture: before and after with a split, numbered boxes. Values come in parts; see Page in page.py.
const find = (name) => element.querySelector(name);
const stage = find(".mien-stage"), boxes = find(".mien-boxes"), split = find(".mien-split");
let last = 0;

function cut() {
  stage.style.setProperty("--split", split.value + "%");
  stage.classList.toggle("mien-all-after", Number(split.value) < 8);
  stage.classList.toggle("mien-all-before", Number(split.value) > 92);
}

function draw(list, chosen) {
  boxes.replaceChildren();
  list.forEach(([x, y, w, h], i) => {
    const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const on = chosen === "all" || chosen === String(i + 1);
    for (const [key, value] of Object.entries({ x, y, width: w, height: h })) box.setAttribute(key, 100 * value + "%");
    box.setAttribute("class", on ? "mien-on" : "");
    const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
    text.setAttribute("x", 100 * x + "%");
    text.setAttribute("y", 100 * y + "%");
    text.setAttribute("dx", "8");
    text.setAttribute("dy", "20");
    text.setAttribute("class", on ? "mien-on" : "");
    text.textContent = i + 1;
    boxes.append(box, text);
  });
}

function show(value) {
  if (!value) return;
  if (value.boxes) draw(value.boxes, value.chosen);
  if (value.n < last) return; // a late answer
  last = value.n;
  if (value.before) {
    find(".mien-before").src = value.before;
    stage.style.aspectRatio = value.size[0] + " / " + value.size[1];
    stage.style.setProperty("--ratio", value.size[0] / value.size[1]);
    stage.hidden = false;
  }
  if (value.after) {
    find(".mien-after").src = value.after;
    stage.dataset.state = value.state;
    stage.dataset.n = value.n;
  }
}

split.addEventListener("input", cut);
cut();
watch("value", () => show(props.value));
