// The profile of sites: all of them in the overview, those in view above the heatmap.

import { columns, PLOT, prepare, roundStep } from "./layout.js";

const AXIS = { sum: "sum of sizes", mean: "mean size", max: "largest size" };

const highest = ({ shown }) => Math.max(...shown.profile) || 1;

function drawBars(page, context, view, { right, top, bottom }) {
  const count = Math.round(right - PLOT.left), sites = columns(page, view, count), most = highest(page);
  context.fillStyle = "#555";
  for (let k = 0; k < count; k++) {
    const [first, last] = sites(k);
    let value = 0;
    for (let s = first; s < last; s++) value = Math.max(value, page.shown.profile[s]);
    const height = value / most * (bottom - top);
    if (height > 0) context.fillRect(PLOT.left + k, bottom - height, 1, height);
  }
}

export function drawOverview(page) {
  const { context, width, height } = prepare("overview"), right = width - PLOT.right, all = page.data.sites.length;
  context.clearRect(0, 0, width, height);
  context.fillStyle = "#222";
  context.textAlign = "right";
  context.fillText("all sites", PLOT.left - 6, height / 2 + 4);
  drawBars(page, context, [0, all], { right, top: 4, bottom: height - 3 });
  const [a, b] = page.state.view.map(s => PLOT.left + s / all * (right - PLOT.left));
  context.fillStyle = "rgba(0, 114, 178, .15)";
  context.fillRect(a, 1, b - a, height - 2);
  context.strokeStyle = "#0072b2";
  context.lineWidth = 2;
  context.strokeRect(a, 1, Math.max(2, b - a), height - 2);
}

export function drawProfile(page, context, at) {
  const most = highest(page), { profileTop: top, profileBottom: bottom } = PLOT;
  drawBars(page, context, page.state.view, { right: at.right, top, bottom });
  context.fillStyle = context.strokeStyle = "#222";
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(PLOT.left - 0.5, top);
  context.lineTo(PLOT.left - 0.5, bottom + 0.5);
  context.lineTo(at.right, bottom + 0.5);
  context.textAlign = "right";
  const step = roundStep(most, 3);
  for (let k = 0; k * step <= most * 1.001; k++) {
    const y = bottom - k * step / most * (bottom - top);
    context.moveTo(PLOT.left - 4, y);
    context.lineTo(PLOT.left, y);
    context.fillText(String(Number((k * step).toPrecision(6))), PLOT.left - 6, y + 4);
  }
  context.stroke();
  context.save();
  context.translate(12, (top + bottom) / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(AXIS[page.state.summary], 0, 0);
  context.restore();
}
