/**
 * The page: a picture, five points, and what a compiled model says of them. It knows faces and nothing of the network;
 * sizes, preparation, regions and outputs come from the compiled folder (`model/` beside this file, or `?model=ADDRESS`).
 */
import { apply, inputsOf, prepare } from "./face.mjs";

const { tf } = globalThis;
const POINTS = ["left eye", "right eye", "tip of the nose", "left corner of the mouth", "right corner of the mouth"];
const COLOURS = ["#e8710a", "#12a150", "#1a73e8", "#d01884", "#9334e6", "#00838f"];
const BACKENDS = { webgl: "the GPU (WebGL)", wasm: "the CPU (WebAssembly)", cpu: "the CPU (JavaScript)" };

/** Small pictures are drawn on this many pixels across, for sharp lines. */
const SHARP = 1280;

const at = (id) => document.getElementById(id);
const canvas = at("photo");
const pen = canvas.getContext("2d");
const folder = new URL(`${new URLSearchParams(location.search).get("model") ?? "model"}/`, location.href);

const state = {
  model: undefined,
  photo: undefined,
  pixels: undefined,
  points: [],
  cursor: undefined,
  shown: undefined,
};

async function start() {
  tf.wasm.setWasmPaths(new URL("../../node_modules/@tensorflow/tfjs-backend-wasm/dist/", import.meta.url).href);
  const wanted = new URLSearchParams(location.search).get("backend");
  for (const [name, text] of Object.entries(BACKENDS)) at("backend").append(new Option(text, name));
  for (const name of wanted ? [wanted] : Object.keys(BACKENDS)) if (await use(name)) break;
  await load();
  at("backend").disabled = false;
  at("backend").addEventListener("change", async () => {
    state.model?.dispose();
    if (!(await use(at("backend").value))) await use("cpu");
    await load();
    await predict();
  });
}
/** Sets a backend; one that rounds numbers to 16 bits is not taken. */
async function use(name) {
  const there = await tf.setBackend(name).catch(() => false);
  const exact = name !== "webgl" || tf.env().getBool("WEBGL_RENDER_FLOAT32_ENABLED");
  if (there && exact) at("backend").value = name;
  return there && exact;
}
async function load() {
  at("progress").hidden = false;
  const { create } = await import(new URL("index.mjs", folder));
  const onProgress = (bytes, all) => {
    if (all) at("progress").value = bytes / all;
    tell(`Loading the network: ${(bytes / 1e6).toFixed(1)} MB${all ? ` of ${(all / 1e6).toFixed(1)}` : ""}`);
  };
  state.model = await create({ tf, onProgress });
  inputsOf(state.model.description);
  at("progress").hidden = true;
  prompt();
}

function tell(text) {
  at("prompt").textContent = text;
}
function pointNames() {
  const { count } = inputsOf(state.model.description).points;
  return Array.from({ length: count }, (_, i) => POINTS[i] ?? `point ${i + 1}`);
}
/** What to do next, in words and in the list of points. */
function prompt() {
  if (!state.model) return;
  const names = pointNames();
  const next = state.points.length;
  at("points").replaceChildren(
    ...names.map((name, i) => {
      const item = document.createElement("li");
      item.textContent = name;
      if (i < next) [item.dataset.x, item.dataset.y] = state.points[i];
      item.className = i < next ? "set" : i === next && state.photo ? "next" : "";
      if (item.className === "next") item.setAttribute("aria-current", "step");
      return item;
    }),
  );
  at("undo").disabled = at("restart").disabled = next === 0;
  if (!state.photo) tell("Choose a picture with a face.");
  else if (next < names.length)
    tell(`Click the ${names[next]} (${next + 1} of ${names.length}), as the picture shows it.`);
  else tell("All points are set.");
  document.body.dataset.state = !state.photo ? "empty" : next < names.length ? "points" : "full";
}

async function open(file) {
  if (!file) return;
  try {
    show(await createImageBitmap(file));
  } catch {
    tell(`${file.name} cannot be read as a picture.`);
  }
}
function show(photo) {
  const whole = new OffscreenCanvas(photo.width, photo.height).getContext("2d", { willReadFrequently: true });
  whole.drawImage(photo, 0, 0);
  Object.assign(state, { photo, pixels: whole.getImageData(0, 0, photo.width, photo.height), cursor: undefined });
  state.scale = Math.max(1, SHARP / photo.width);
  canvas.width = Math.round(photo.width * state.scale);
  canvas.height = Math.round(photo.height * state.scale);
  at("drop").classList.add("filled");
  restart();
  canvas.focus({ preventScroll: true });
}
function restart() {
  setPoints([]);
}
function setPoints(points) {
  Object.assign(state, { points, shown: undefined });
  at("regions").replaceChildren();
  at("result").innerHTML = '<span class="quiet">Set all points first.</span>';
  at("time").textContent = "";
  draw();
  prompt();
}
async function add(point) {
  if (!state.model || !state.photo || state.points.length >= pointNames().length) return;
  setPoints([...state.points, point]);
  await predict();
}

async function predict() {
  const { model, photo, pixels, points } = state;
  if (!model || !photo || points.length < pointNames().length) return;
  at("result").textContent = "Computing …";
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  try {
    const { feeds, landmarks, toPicture } = prepare(model.description, pixels, points);
    const outlines = await model.regions(landmarks);
    const started = performance.now();
    const results = await model.predict(feeds);
    const time = performance.now() - started;
    if (state.points !== points) return;
    state.shown = Object.entries(outlines).map(([name, { data }], i) => ({
      name,
      colour: COLOURS[i % COLOURS.length],
      corners: [0, 2, 4, 6].map((k) => apply(toPicture, [data[k], data[k + 1]])),
    }));
    at("time").textContent = `in ${(time / 1000).toFixed(2)} s`;
    tellResults(results);
    draw();
    at("regions").replaceChildren(...state.shown.map(thumbnail));
    document.body.dataset.state = "done";
  } catch (error) {
    at("result").textContent = error.message;
  }
}
/** Every prediction that is one number. */
function tellResults(results) {
  const single = Object.entries(results).filter(([, { data }]) => data.length === 1);
  at("result").replaceChildren(
    ...single.map(([name, { data }]) => {
      const line = document.createElement("span");
      const number = document.createElement("strong");
      number.textContent = data[0].toFixed(1);
      number.dataset.value = data[0];
      line.append(number, ` ${name}`);
      return line;
    }),
  );
}

/** A pixel of the page in pixels of the picture, so that lines and dots look alike on every picture. */
const unit = () => state.photo.width / Math.max(1, canvas.clientWidth);

function draw() {
  if (!state.photo) return;
  const u = unit();
  pen.setTransform(state.scale, 0, 0, state.scale, 0, 0);
  pen.drawImage(state.photo, 0, 0);
  // To a canvas the centre of the first pixel is (0.5, 0.5), here it is (0, 0).
  pen.translate(0.5, 0.5);
  for (const { colour, corners } of state.shown ?? []) {
    pen.beginPath();
    corners.forEach(([x, y], i) => pen[i === 0 ? "moveTo" : "lineTo"](x, y));
    pen.closePath();
    stroke(colour, 2.5 * u, 5 * u);
  }
  state.points.forEach(([x, y], i) => {
    pen.beginPath();
    pen.arc(x, y, 5 * u, 0, 2 * Math.PI);
    pen.fillStyle = "#fff";
    pen.fill();
    stroke("#111", 2 * u, 2 * u);
    if (state.shown) return;
    pen.font = `600 ${14 * u}px system-ui, sans-serif`;
    pen.lineWidth = 4 * u;
    pen.strokeStyle = "#111";
    pen.strokeText(String(i + 1), x + 8 * u, y - 6 * u);
    pen.fillText(String(i + 1), x + 8 * u, y - 6 * u);
  });
  if (state.cursor) {
    const [x, y] = state.cursor;
    pen.beginPath();
    for (const [dx, dy] of [
      [1, 0],
      [0, 1],
    ]) {
      pen.moveTo(x - 12 * dx * u, y - 12 * dy * u);
      pen.lineTo(x + 12 * dx * u, y + 12 * dy * u);
    }
    stroke("#ffd60a", 2 * u, 4 * u);
  }
}
/** A line that shows on light and dark ground. */
function stroke(colour, width, around) {
  pen.lineWidth = around;
  pen.strokeStyle = "rgb(0 0 0 / 45%)";
  pen.stroke();
  pen.lineWidth = width;
  pen.strokeStyle = colour;
  pen.stroke();
}
/** A region as the network sees it: its corners taken to a square. */
function thumbnail({ name, colour, corners: [p, q, , r] }) {
  const size = 112;
  const small = document.createElement("canvas");
  small.width = small.height = size;
  small.style.borderColor = colour;
  small.setAttribute("aria-hidden", "true");
  const [ax, ay, bx, by] = [(q[0] - p[0]) / size, (q[1] - p[1]) / size, (r[0] - p[0]) / size, (r[1] - p[1]) / size];
  const det = ax * by - ay * bx;
  const [a, b, c, d] = [by / det, -ay / det, -bx / det, ax / det];
  const context = small.getContext("2d");
  context.setTransform(a, b, c, d, -(a * p[0] + c * p[1]), -(b * p[0] + d * p[1]));
  context.drawImage(state.photo, -0.5, -0.5);
  const item = document.createElement("li");
  item.append(small, name);
  return item;
}

/** Whole numbers are the centres of pixels. */
function pointOf(event) {
  const box = canvas.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * state.photo.width - 0.5;
  const y = ((event.clientY - box.top) / box.height) * state.photo.height - 0.5;
  return [x, y];
}
canvas.addEventListener("click", (event) => {
  state.cursor = undefined;
  if (state.photo) add(pointOf(event));
});
canvas.addEventListener("keydown", (event) => {
  if (!state.photo) return;
  const { width, height } = state.photo;
  const step = unit() * (event.shiftKey ? 10 : 1);
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  const move = moves[event.key];
  if (!move && event.key !== "Enter") return;
  event.preventDefault();
  const [x, y] = state.cursor ?? [width / 2, height / 2];
  const held = (value, size) => Math.min(Math.max(value, 0), size - 1);
  state.cursor = [held(x + (move?.[0] ?? 0), width), held(y + (move?.[1] ?? 0), height)];
  if (move) draw();
  else add(state.cursor);
});
at("file").addEventListener("change", () => open(at("file").files[0]));
at("undo").addEventListener("click", () => setPoints(state.points.slice(0, -1)));
at("restart").addEventListener("click", restart);
for (const type of ["dragover", "dragleave", "drop"])
  at("drop").addEventListener(type, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", type === "dragover");
    if (type === "drop") open(event.dataTransfer.files[0]);
  });

start().catch((error) => {
  at("progress").hidden = true;
  tell(`The network could not be loaded: ${error.message}`);
  document.body.dataset.state = "failed";
});
