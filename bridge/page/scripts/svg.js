// Elements, and the scales that charts stand on. Whatever comes from outside becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";
const ruler = document.createElement("canvas").getContext("2d");

function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function shape(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// Change a text only where it differs: what a reader has selected stays selected.
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// How wide a chart's label is at most, in pixels.
function widthOf(text) {
  ruler.font = `600 12px ${getComputedStyle(document.body).fontFamily}`;
  return Math.ceil(ruler.measureText(text).width);
}

// A chart of this many pixels: one unit is one pixel, so that its labels are as large as the page's.
function chart(width, height, label) {
  return shape("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
}

function label(x, y, text, anchor = "start", kind = "") {
  return shape("text", { x: round(x), y: round(y), "text-anchor": anchor, class: kind }, text);
}

function rule(x1, y1, x2, y2, kind) {
  return shape("line", { x1: round(x1), y1: round(y1), x2: round(x2), y2: round(y2), class: kind });
}

function round(value) {
  return Math.round(value * 100) / 100;
}

function through(points) {
  return points.map(([x, y], index) => `${index ? "L" : "M"}${round(x)} ${round(y)}`).join("");
}

// Round values between two, about as many as asked for, none closer than `least` apart.
function ticks(low, high, about, least = 0) {
  const raw = (high - low) / Math.max(1, about);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max(least, power * ([1, 2, 5, 10].find((each) => power * each >= raw * 0.999) || 10));
  const found = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9 && found.length < 50; index++) {
    found.push(index * step + 0); // and not minus zero
  }
  return found;
}
