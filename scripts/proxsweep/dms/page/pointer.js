// Pointer, wheel and keys on the drawing, and the tooltip that follows the pointer.

import { description } from "./details.js";
import { siteOfPixel } from "./heatmap.js";
import { frame, PLOT } from "./layout.js";
import { $, node, number } from "./text.js";
import { drawPlot, drawView, look, middle, pick, zoom, ZOOMS } from "./view.js";

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = { "+": ZOOMS.in, "=": ZOOMS.in, "-": ZOOMS.out, 0: ZOOMS.all };

const within = (value, count) => Math.min(count - 1, Math.max(0, value));

function pressKey(page, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const step = STEPS[event.key], { data, state } = page;
  if (!step && !KEYS[event.key]) return;
  event.preventDefault();
  hideTip();
  if (!step) { KEYS[event.key](page); return; }
  const [site, row] = state.cursor || [Math.round(middle(page)) - 1, 0], by = state.cursor ? step : [0, 0];
  pick(page, [within(site + by[0], data.sites.length), within(row + by[1], data.letters.length)]);
}

/** Where a pointer is on the plot: its frame, the part, and the cell below it if any. */
function locate(page, event) {
  const box = $("plot").getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
  const at = frame(page, box.width, box.height), inside = x >= PLOT.left && x < at.right;
  const row = Math.floor((y - PLOT.heatTop) / at.row), onMap = inside && row >= 0 && row < page.data.letters.length;
  const cell = onMap ? [siteOfPixel(page, at, x, row), row] : null;
  return { at, x, y, site: at.site(x), cell, onProfile: inside && y <= PLOT.heatTop };
}

function hideTip() { $("tip").hidden = true; }

function showTip(event, content) {
  const tip = $("tip");
  tip.replaceChildren(content);
  tip.hidden = false;
  tip.style.left = tip.style.top = "0"; // where nothing squeezes it while it is measured
  const box = tip.getBoundingClientRect(), width = document.documentElement.clientWidth;
  const right = event.clientX + 14 + box.width < width;
  const left = right ? event.clientX + 14 : Math.max(0, event.clientX - box.width - 14);
  const below = event.clientY + 14 + box.height < window.innerHeight;
  const top = below ? event.clientY + 14 : Math.max(4, event.clientY - box.height - 14);
  tip.style.left = `${left + window.scrollX}px`;
  tip.style.top = `${top + window.scrollY}px`;
}

function hover(page, event) {
  const { data, shown } = page, place = locate(page, event);
  if (place.cell) { showTip(event, description(page, place.cell)); return; }
  if (!place.onProfile) { hideTip(); return; }
  const site = within(Math.floor(place.site), data.sites.length);
  showTip(event, node("p", {}, `Site ${data.sites[site]}: ${number(shown.profile[site])}`));
}

function press(page, event) {
  const place = locate(page, event);
  if (event.button !== 0 || !(place.cell || place.onProfile)) return;
  page.drag = { from: place, view: [...page.state.view], brush: place.onProfile, moved: false };
  $("plot").setPointerCapture(event.pointerId);
}

function pull(page, event) {
  const { drag } = page;
  if (!drag) { hover(page, event); return; }
  const place = locate(page, event);
  drag.moved ||= Math.abs(place.x - drag.from.x) > 3;
  if (!drag.moved) return;
  hideTip();
  if (drag.brush) { drawBrush(page, place.x); return; }
  const by = (drag.from.x - place.x) / place.at.cell;
  look(page, drag.view[0] + by, drag.view[1] + by);
}

function drawBrush(page, x) {
  drawPlot(page);
  const context = $("plot").getContext("2d"), from = page.drag.from.x;
  context.fillStyle = "rgba(0, 114, 178, .25)";
  context.fillRect(from, PLOT.profileTop, x - from, PLOT.profileBottom - PLOT.profileTop);
}

function release(page, event) {
  const { drag } = page;
  if (!drag) return;
  const place = locate(page, event);
  page.drag = null;
  if (!drag.moved && place.cell) pick(page, place.cell);
  if (drag.moved && drag.brush) look(page, Math.min(drag.from.site, place.site), Math.max(drag.from.site, place.site));
}

function turnWheel(page, event) {
  const overview = event.target === $("overview"), place = overview ? null : locate(page, event);
  if (!overview && !place.onProfile && !event.ctrlKey) return;
  event.preventDefault();
  hideTip();
  const factor = Math.exp(Math.sign(event.deltaY) * Math.min(0.25, Math.abs(event.deltaY) / 400));
  zoom(page, factor, overview ? middle(page) : place.site);
}

/** Move the frame of the overview. */
function slide(page, event) {
  if (!(event.buttons & 1)) return;
  const box = $("overview").getBoundingClientRect(), width = box.width - PLOT.left - PLOT.right;
  const site = (event.clientX - box.left - PLOT.left) / width * page.data.sites.length;
  const half = (page.state.view[1] - page.state.view[0]) / 2;
  look(page, site - half, site + half);
}

export function connectDrawing(page) {
  const plot = $("plot"), overview = $("overview");
  const on = (target, kind, action) => target.addEventListener(kind, event => action(page, event));
  on(plot, "pointerdown", press);
  on(plot, "pointermove", pull);
  on(plot, "pointerup", release);
  on(plot, "pointercancel", () => { page.drag = null; });
  on(plot, "pointerleave", hideTip);
  on(plot, "keydown", pressKey);
  for (const kind of ["pointerdown", "pointermove"]) on(overview, kind, slide);
  for (const canvas of [plot, overview]) {
    on(canvas, "dblclick", ZOOMS.all);
    canvas.addEventListener("wheel", event => turnWheel(page, event), { passive: false });
  }
  for (const button of document.querySelectorAll("[data-zoom]")) on(button, "click", ZOOMS[button.dataset.zoom]);
  let width = 0;
  new ResizeObserver(() => {
    if ($("chart").clientWidth === width) return;
    width = $("chart").clientWidth;
    drawView(page);
  }).observe($("chart"));
}
