// The heatmap: a column for each site, a row for each letter.

import { colour, NOTHING, RARE } from "./colours.js";
import { mutationAt, ownOf } from "./data.js";
import { columns, PLOT, roundStep, touched } from "./layout.js";
import { ABSENT, FEW, SHOWN } from "./selection.js";

/** How much a cell says: a value more than 0, 0 more than one seen too rarely, that more than none. */
function rank({ shown }, m) {
  if (m < 0) return -1;
  return shown.states[m] === SHOWN ? 2 + Math.abs(shown.values[m]) : shown.states[m];
}

/** Of the sites that share a pixel, first to last - 1, the one that is drawn: that whose cell says most. */
function drawnSite(page, [first, last], row) {
  let best = first, most = rank(page, mutationAt(page.data, first, row));
  for (let s = first + 1; s < last; s++) {
    const other = rank(page, mutationAt(page.data, s, row));
    if (other > most) { best = s; most = other; }
  }
  return best;
}

const pixels = (at, ratio) => Math.max(1, Math.round((at.right - PLOT.left) * ratio)); // across the heatmap

/** The site that is drawn at a place of the plot. */
export function siteOfPixel(page, at, x, row) {
  const ratio = window.devicePixelRatio || 1, count = pixels(at, ratio);
  const pixel = Math.min(count - 1, Math.floor((x - PLOT.left) * ratio));
  return drawnSite(page, columns(page, page.state.view, count)(pixel), row);
}

function paint({ shown }, m, limit) {
  if (m < 0 || shown.states[m] === ABSENT) return NOTHING;
  return shown.states[m] === FEW ? RARE : colour(shown.values[m], limit);
}

export function drawCells(page, context, at, ratio) {
  const { data, state } = page, count = pixels(at, ratio), letters = data.letters.length;
  const image = new ImageData(count, letters), sites = columns(page, state.view, count);
  const limit = state.limits[state.quantity];
  for (let k = 0; k < count; k++) {
    const shared = sites(k);
    for (let row = 0; row < letters; row++) {
      const [r, g, b] = paint(page, mutationAt(data, drawnSite(page, shared, row), row), limit);
      image.data.set([r, g, b, 255], 4 * (row * count + k));
    }
  }
  const small = document.createElement("canvas");
  small.width = count;
  small.height = letters;
  small.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, PLOT.left, PLOT.heatTop, at.right - PLOT.left, at.heatBottom - PLOT.heatTop);
}

/** Lines between cells that are large enough, and wildtypes; the caption says where they are left out. */
export function drawMarks(page, context, at) {
  const { data } = page, letters = data.letters.length, radius = Math.min(3, at.cell / 3), far = at.cell < 3;
  for (const key of document.querySelectorAll(".key.mark")) key.hidden = far;
  document.querySelector(".key.far").hidden = !far;
  if (at.cell >= 10) drawGrid(page, context, at);
  if (far) return;
  context.fillStyle = context.strokeStyle = "#222";
  context.lineWidth = 1.2;
  const [first, last] = touched(page);
  for (let s = first; s < last; s++) {
    for (let row = 0; row < letters; row++) {
      const m = mutationAt(data, s, row), wildtype = data.letters[row] === data.wildtypes[s];
      if (!wildtype && (m < 0 || !ownOf(data, m).length)) continue;
      context.beginPath();
      context.arc(at.x(s + 0.5), PLOT.heatTop + (row + 0.5) * at.row, radius, 0, 7);
      if (wildtype) context.fill(); else context.stroke();
    }
  }
}

function drawGrid({ data, state }, context, at) {
  context.strokeStyle = "rgba(0, 0, 0, .08)";
  context.lineWidth = 1;
  context.beginPath();
  for (let s = Math.ceil(state.view[0]); s <= state.view[1]; s++) {
    context.moveTo(at.x(s), PLOT.heatTop);
    context.lineTo(at.x(s), at.heatBottom);
  }
  for (let row = 0; row <= data.letters.length; row++) {
    context.moveTo(PLOT.left, PLOT.heatTop + row * at.row);
    context.lineTo(at.right, PLOT.heatTop + row * at.row);
  }
  context.stroke();
}

export function drawAxes(page, context, at) {
  const { data } = page, width = at.right - PLOT.left, [first, last] = touched(page);
  context.fillStyle = "#222";
  context.textAlign = "center";
  const middle = row => PLOT.heatTop + (row + 0.5) * at.row + 4;
  [...data.letters].forEach((letter, row) => context.fillText(letter, PLOT.left - 12, middle(row)));
  if (at.cell >= 9) {
    for (let s = first; s < last; s++) context.fillText(data.wildtypes[s], at.x(s + 0.5), PLOT.heatTop - 6);
  }
  const step = Math.max(1, roundStep(width / at.cell, width / 55));
  for (let s = first; s < last; s++) {
    if (!labelled(data, s, step) || at.x(s + 0.5) < PLOT.left || at.x(s + 0.5) > at.right) continue;
    context.fillRect(at.x(s + 0.5), at.heatBottom, 1, 4);
    context.fillText(data.sites[s], at.x(s + 0.5), at.heatBottom + 17);
  }
  context.fillText("Site", (PLOT.left + at.right) / 2, at.heatBottom + 32);
  context.strokeStyle = "#888";
  context.lineWidth = 1;
  context.strokeRect(PLOT.left - 0.5, PLOT.heatTop - 0.5, width + 1, at.heatBottom - PLOT.heatTop + 1);
}

/** Whether a site has a label: round numbers where names are numbers, else every so many. */
function labelled(data, s, step) {
  const named = Number(data.sites[s]);
  return Number.isInteger(named) ? named % step === 0 : /^\D/.test(data.sites[s]) && s % step === 0;
}

export function drawCursor({ state }, context, at) {
  if (!state.cursor) return;
  const [site, row] = state.cursor, x = at.x(site);
  if (x + at.cell <= PLOT.left || x >= at.right) return;
  context.strokeStyle = "#000";
  context.lineWidth = 2;
  context.strokeRect(x - 1, PLOT.heatTop + row * at.row - 1, Math.max(3, at.cell) + 2, at.row + 2);
}
