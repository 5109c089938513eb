// How the page begins: the data are unpacked, what does not change is written, and everything is connected.

import { connectControls } from "./controls.js";
import { unpack } from "./data.js";
import { drawLargest } from "./largest.js";
import { connectDrawing } from "./pointer.js";
import { opened } from "./selection.js";
import { $, node, whole } from "./text.js";
import { drawView, update } from "./view.js";

function opening(data) {
  const counts = `${whole(data.size)} mutations at ${whole(data.sites.length)} sites, ${data.fits.length} fits.`;
  const bad = data.fits.filter(fit => fit.status !== "converged").length;
  const choice = data.chosen.some(one => one.lasso !== null) ? ""
    : " No lasso weight was chosen for this study; the page opens with the middle one.";
  return `${counts} ${bad ? `${bad} of them did not converge.` : "All converged."}${choice}`;
}

function notes(data) {
  return [
    "An effect is the change of the latent phenotype by a mutation in a condition; a shift is what a row of the "
      + "difference matrix makes of the effects. Both are in the reference's coordinates.",
    "White is exactly 0, as the lasso leaves it. Grey mutations were seen in fewer variants than asked for: of a "
      + "shift, in one of the conditions that the row compares; of an effect, in that condition. They count neither in "
      + "means nor in the profile.",
    "The mean is over the replicates that saw the mutation often enough. A star marks replicates left out of it.",
    "Sites without a mutation in the data have no column. Where a pixel holds several sites, the largest value is "
      + "drawn.",
    "A dashed frame and a warning mark selections with a fit that did not converge.",
    `Values are rounded for this page: none differs from the tables by more than ${data.error.toExponential(1)} latent `
      + "units, 0 is exactly 0, and nothing else became 0.",
  ];
}

/** The drawing at the width of a sheet while it is printed. */
function connectPrinting(page) {
  for (const [event, printing] of [["beforeprint", true], ["afterprint", false]]) {
    window.addEventListener(event, () => {
      document.body.classList.toggle("printing", printing);
      drawView(page);
      drawLargest(page);
    });
  }
}

async function start() {
  let data;
  try {
    data = await unpack($("payload").textContent);
  } catch (error) {
    $("opening").className = "warn";
    $("opening").textContent = `This page could not be unpacked (${error.message}). `
      + "It needs Chrome 110, Firefox 113, Safari 16.4 or later.";
    return;
  }
  if (!data.fits.length) { $("opening").textContent = "No fit finished: nothing to show."; return; }
  performance.mark("unpacked");
  const page = opened(data);
  window.page = page; // to look at, from the browser's console and from the tests
  $("opening").textContent = opening(data);
  $("reading").append(...notes(data).map(text => node("li", {}, text)));
  $("main").hidden = false;
  connectControls(page);
  update(page);
  connectDrawing(page);
  connectPrinting(page);
  drawLargest(page);
  performance.mark("ready");
  document.documentElement.dataset.ready = "true";
}

start();
