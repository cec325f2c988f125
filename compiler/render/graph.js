"use strict";
const view = document.getElementById("view");
const all = document.getElementById("all");
const search = document.getElementById("search");
const found = document.getElementById("found");
const nodes = [...document.querySelectorAll(".node")];
const edges = [...document.querySelectorAll(".edge")];
const size = { width: Number(view.dataset.width), height: Number(view.dataset.height) };
const total = found.textContent;
let place = { x: 0, y: 0, scale: 1 };

function show() {
  all.setAttribute("transform", `translate(${place.x} ${place.y}) scale(${place.scale})`);
}

function fit() {
  const box = view.getBoundingClientRect();
  const scale = Math.min(1.5, (box.width - 40) / size.width, (box.height - 90) / size.height);
  place = { x: 20, y: 65, scale: Math.max(0.02, scale) };
  show();
}

function zoom(factor, x, y) {
  const scale = Math.min(8, Math.max(0.02, place.scale * factor));
  const ratio = scale / place.scale;
  place = { x: x - (x - place.x) * ratio, y: y - (y - place.y) * ratio, scale };
  show();
}

view.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoom(Math.exp(-event.deltaY / 400), event.clientX, event.clientY);
}, { passive: false });

let grip = null;
view.addEventListener("pointerdown", (event) => {
  grip = { x: event.clientX - place.x, y: event.clientY - place.y };
  view.classList.add("moving");
});
window.addEventListener("pointermove", (event) => {
  if (grip) {
    place.x = event.clientX - grip.x;
    place.y = event.clientY - grip.y;
    show();
  }
});
window.addEventListener("pointerup", () => {
  grip = null;
  view.classList.remove("moving");
});

function center(node) {
  const [x, y] = node.getAttribute("transform").match(/-?\d+/g).map(Number);
  const box = view.getBoundingClientRect();
  place.scale = Math.max(place.scale, 0.8);
  place.x = box.width / 2 - (x + 100) * place.scale;
  place.y = box.height / 2 - (y + 15) * place.scale;
  show();
}

function mark(hits) {
  const ids = new Set(hits.map((node) => node.dataset.id));
  nodes.forEach((node) => node.classList.toggle("hit", ids.has(node.dataset.id)));
  edges.forEach((edge) => edge.classList.toggle("hit", ids.has(edge.dataset.start) || ids.has(edge.dataset.end)));
}

search.addEventListener("input", () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const hits = words.length ? nodes.filter((node) => words.every((word) => node.dataset.text.includes(word))) : [];
  view.classList.toggle("searching", words.length > 0);
  mark(hits);
  found.textContent = words.length ? `${hits.length} found` : total;
  if (hits.length) center(hits[0]);
});

nodes.forEach((node) => node.addEventListener("click", () => {
  const chosen = view.classList.contains("searching") && node.classList.contains("hit") && !search.value;
  view.classList.toggle("searching", !chosen);
  mark(chosen ? [] : [node]);
}));

document.getElementById("fit").addEventListener("click", fit);
window.addEventListener("resize", fit);
fit();
