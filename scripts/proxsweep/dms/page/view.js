// The sites in view and the cell that is picked: moving them, and drawing what depends on them.

import { drawScale } from "./colours.js";
import { drawDetails, drawStatus } from "./details.js";
import { drawAxes, drawCells, drawCursor, drawMarks } from "./heatmap.js";
import { drawLargest, drawRange } from "./largest.js";
import { frame, prepare } from "./layout.js";
import { drawOverview, drawProfile } from "./profile.js";
import { compute } from "./selection.js";

export function drawPlot(page) {
  const { context, width, height, ratio } = prepare("plot"), at = frame(page, width, height);
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  drawProfile(page, context, at);
  drawCells(page, context, at, ratio);
  drawMarks(page, context, at);
  drawAxes(page, context, at);
  drawCursor(page, context, at);
}

/** Draw what depends on the view: now what moves with the pointer, the table once it rests. */
export function drawView(page) {
  drawRange(page);
  drawOverview(page);
  drawPlot(page);
  clearTimeout(page.timer);
  page.timer = setTimeout(() => drawLargest(page), 60);
}

/** Compute and draw everything, after a change of what is selected. */
export function update(page) {
  page.shown = compute(page);
  drawStatus(page);
  drawScale(page);
  drawDetails(page);
  drawView(page);
}

/** Show the sites from `first` to `last` (places), kept within the protein and no fewer than five. */
export function look(page, first, last) {
  const count = page.data.sites.length, span = Math.min(count, Math.max(Math.min(5, count), last - first));
  const start = Math.min(Math.max(0, (first + last - span) / 2), count - span);
  page.state.view = [start, start + span];
  drawView(page);
}

export function zoom(page, factor, centre = middle(page)) {
  const [first, last] = page.state.view, span = Math.max(last - first, 1e-9) * factor;
  const share = (centre - first) / (last - first);
  look(page, centre - share * span, centre + (1 - share) * span);
}

export const middle = ({ state }) => (state.view[0] + state.view[1]) / 2;

function move(page, share) {
  const [first, last] = page.state.view, by = share * (last - first);
  look(page, first + by, last + by);
}

/** What the buttons, the keys and a double click do. */
export const ZOOMS = {
  in: page => zoom(page, 0.5),
  out: page => zoom(page, 2),
  left: page => move(page, -0.5),
  right: page => move(page, 0.5),
  all: page => look(page, 0, page.data.sites.length),
};

/** Pick a cell (site, letter) and say what it is; the view follows. */
export function pick(page, cursor) {
  const [site] = cursor, [first, last] = page.state.view, span = last - first;
  page.state.cursor = cursor;
  if (site < first) look(page, site, site + span);
  else if (site + 1 > last) look(page, site + 1 - span, site + 1);
  else drawPlot(page);
  drawDetails(page);
}
