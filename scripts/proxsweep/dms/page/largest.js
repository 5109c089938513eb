// The table of the largest values in view, and the range of sites that it is of.

import { nameOf, seen } from "./data.js";
import { readings, replicates, selected, SHOWN } from "./selection.js";
import { $, line, node, number, whole } from "./text.js";

const ROWS = 20;

const inView = ({ state }, s) => s + 0.5 >= state.view[0] && s + 0.5 <= state.view[1];

export function drawRange(page) {
  const { sites } = page.data, inside = (_, s) => inView(page, s);
  const first = sites.findIndex(inside), last = sites.findLastIndex(inside);
  const count = `${whole(last - first + 1)} of ${whole(sites.length)}`;
  $("view").textContent = `Sites ${sites[first]} to ${sites[last]} (${count})`;
}

export function drawLargest(page) {
  const { data, shown } = page, found = [];
  for (let m = 0; m < data.size; m++) {
    if (shown.states[m] === SHOWN && shown.values[m] !== 0 && inView(page, data.site[m])) found.push(m);
  }
  found.sort((a, b) => Math.abs(shown.values[b]) - Math.abs(shown.values[a]));
  const names = data.replicates.map(label => `Replicate ${label}`);
  const seenIn = data.conditions.map(name => `Seen in ${name}`);
  $("largest").tHead.replaceChildren(line("th", "Mutation", ["Shown", ...names, ...seenIn]));
  $("largest").tBodies[0].replaceChildren(...found.slice(0, ROWS).map(m => row(page, m)));
  $("top").textContent = found.length > ROWS
    ? `The ${ROWS} largest of ${whole(found.length)} in view that are not 0` : `In view and not 0: ${found.length}`;
}

function row(page, m) {
  const { data, shown } = page, read = new Map(readings(page, m).map(one => [one.replicate, one]));
  const values = replicates(page).map(r => reading(read.get(r)));
  const times = d => selected(page).reduce((sum, r) => sum + seen(data, r, d, m), 0);
  const counts = data.conditions.map((_, d) => whole(times(d)));
  const button = node("button", { type: "button", "data-mutation": m }, nameOf(data, m));
  return line("td", button, [number(shown.values[m]), ...values, ...counts]);
}

function reading(one) {
  return !one || Number.isNaN(one.value) ? "\u2013" : number(one.value) + (one.counted ? "" : " *");
}
