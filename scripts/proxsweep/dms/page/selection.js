// What is selected, and what of the data is shown for it. One object, `page`, holds everything and is passed to the
// functions: `data` (see data.js), `state` (what the controls and the pointer change), `shown` (values, states of
// cells, profile and fits of the selection), `drag` (what a pressed pointer does: where it began, and the view then)
// and `timer` (of the table, which is drawn once the view rests).

import { nameOf, seen, valueAt } from "./data.js";
import { rowLabel } from "./text.js";

// States of a cell.
export const ABSENT = 0;
export const FEW = 1;
export const SHOWN = 2;

const same = (a, b) => a.every((value, k) => value === b[k]);

/** The page as it opens: at the chosen fits, or those of the middle weight. */
export function opened(data) {
  const first = data.chosen.find(one => one.main) || data.chosen[0]
    || { matrix: 0, others: data.others.map(() => 0), lasso: null };
  const state = {
    quantity: data.matrices[first.matrix].rows.length ? "shift" : "effect", of: 0,
    matrix: first.matrix, others: [...first.others], replicate: "mean",
    lasso: first.lasso === null ? Math.floor(data.lasso.length / 2) : first.lasso,
    minimum: 1, summary: "sum", kinds: "substitutions", limits: { ...data.limits },
    view: [0, data.sites.length], cursor: null,
  };
  return { data, state, shown: null, drag: null, timer: 0 };
}

export const rows = ({ data, state }) => data.matrices[state.matrix].rows;

export const replicates = ({ data }) => data.replicates.map((_, r) => r);

export const selected = page => (page.state.replicate === "mean" ? replicates(page) : [Number(page.state.replicate)]);

export function fitAt({ data, state }, replicate, lasso = state.lasso) {
  return data.fits.find(fit => fit.matrix === state.matrix && fit.lasso === lasso && fit.replicate === replicate
    && same(fit.others, state.others));
}

export function chosenWeight({ data, state }) {
  const row = data.chosen.find(one => one.matrix === state.matrix && same(one.others, state.others));
  return row ? row.lasso : null;
}

export function quantityName(page) {
  const { data, state } = page;
  return state.quantity === "effect" ? `Effect in ${data.conditions[state.of]}`
    : `Shift ${rowLabel(rows(page)[state.of].name)}`;
}

/** Whether a replicate saw a mutation often enough in every condition that the selected quantity needs. */
function passes(page, replicate, m) {
  const { data, state } = page;
  const needed = state.quantity === "effect" ? [state.of] : rows(page)[state.of].compared;
  return needed.every(condition => seen(data, replicate, condition, m) >= state.minimum);
}

function valueOf({ data, state }, fit, m) {
  return valueAt(data, state.quantity === "effect" ? fit.effects : fit.shifts, state.of, m);
}

/** Of each replicate with a fit: the fit, the value of a mutation, and whether it counts. */
export function readings(page, m) {
  return replicates(page).map(r => ({ replicate: r, fit: fitAt(page, r) })).filter(one => one.fit)
    .map(one => ({ ...one, value: valueOf(page, one.fit, m), counted: passes(page, one.replicate, m) }));
}

/** Value of every mutation, the mean over the selected replicates that saw it often enough, and states of cells. */
export function compute(page) {
  const { data } = page;
  const fits = new Map(selected(page).map(r => [r, fitAt(page, r)]).filter(([, fit]) => fit));
  const values = new Float64Array(data.size).fill(NaN), states = new Uint8Array(data.size);
  for (let m = 0; m < data.size; m++) {
    let sum = 0, count = 0;
    for (const [replicate, fit] of fits) {
      const value = valueOf(page, fit, m);
      if (Number.isNaN(value)) continue;
      states[m] = Math.max(states[m], FEW);
      if (!passes(page, replicate, m)) continue;
      sum += value;
      count++;
    }
    if (count) { values[m] = sum / count; states[m] = SHOWN; }
  }
  return { fits, values, states, profile: profile(page, values) };
}

function profile({ data, state }, values) {
  const sums = new Float64Array(data.sites.length), counts = new Uint32Array(data.sites.length);
  const largest = new Float64Array(data.sites.length);
  for (let m = 0; m < data.size; m++) {
    const letter = data.letters[data.letter[m]], size = Math.abs(values[m]);
    if (Number.isNaN(size) || (state.kinds === "substitutions" && (letter === "*" || letter === "-"))) continue;
    sums[data.site[m]] += size;
    counts[data.site[m]]++;
    largest[data.site[m]] = Math.max(largest[data.site[m]], size);
  }
  if (state.summary === "max") return largest;
  return state.summary === "sum" ? sums : sums.map((sum, s) => (counts[s] ? sum / counts[s] : 0));
}

/** Places of a site and a mutation by name, -1 where there is none. */
export function lookUp(data, text) {
  const wanted = text.toUpperCase();
  const site = data.sites.findIndex(name => name.toUpperCase() === wanted);
  return { site, m: data.site.findIndex((_, k) => nameOf(data, k).toUpperCase() === wanted) };
}
