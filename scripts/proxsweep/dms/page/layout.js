// Where things lie on the canvases, in CSS pixels.

import { $ } from "./text.js";

export const PLOT = { left: 58, right: 10, profileTop: 12, profileBottom: 122, heatTop: 144, bottom: 36 };

/** A canvas at the screen's resolution: its context in CSS pixels, width and height. */
export function prepare(id) {
  const canvas = $(id), ratio = window.devicePixelRatio || 1, { width, height } = canvas.getBoundingClientRect();
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = "12px system-ui, 'DejaVu Sans', sans-serif";
  return { context, width, height, ratio };
}

/** The sites in view on a plot of this size: from site to pixel and back, and the size of a cell. */
export function frame({ data, state }, width, height) {
  const right = width - PLOT.right, span = state.view[1] - state.view[0];
  const x = site => PLOT.left + (site - state.view[0]) / span * (right - PLOT.left);
  const site = px => state.view[0] + (px - PLOT.left) / (right - PLOT.left) * span;
  const heatBottom = height - PLOT.bottom, row = (heatBottom - PLOT.heatTop) / data.letters.length;
  return { right, x, site, heatBottom, row, cell: (right - PLOT.left) / span };
}

/** Sites that fall on each of `count` columns of pixels: a function of the column to first and last + 1. */
export function columns({ data }, view, count) {
  const at = k => Math.floor(view[0] + k / count * (view[1] - view[0]) + 1e-9);
  return k => [at(k), Math.min(data.sites.length, Math.max(at(k) + 1, at(k + 1)))];
}

/** The first and last + 1 of the sites that the view touches. */
export function touched({ data, state }) {
  return [Math.floor(state.view[0]), Math.min(data.sites.length, Math.ceil(state.view[1]))];
}

/** A round step (1, 2 or 5 times a power of ten) that divides a range into no more than `most` parts. */
export function roundStep(range, most) {
  const rough = range / most, unit = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map(k => k * unit).find(step => step >= rough * 0.999);
}
