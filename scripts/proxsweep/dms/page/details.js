// What is said in words: the line below the controls, and the table of one mutation.

import { mutationAt, nameAt, nameOf, ownOf, seen } from "./data.js";
import { chosenWeight, FEW, quantityName, readings, selected, SHOWN } from "./selection.js";
import { $, line, node, number, spaced, weight, whole } from "./text.js";

function convergence(page) {
  const { data, shown } = page;
  const missing = selected(page).filter(r => !shown.fits.has(r)).map(r => data.replicates[r]);
  const bad = [...shown.fits.values()].filter(fit => fit.status !== "converged");
  const residual = fit => (fit.relative_residual === null ? ""
    : `, relative residual ${fit.relative_residual.toExponential(1)}`);
  const said = bad.map(
    fit => `Replicate ${data.replicates[fit.replicate]} did not converge (${fit.status}${residual(fit)}).`);
  if (missing.length) said.push(`No fit of replicate ${missing.join(", ")} at this setting.`);
  if (!said.length) said.push(shown.fits.size === 1 ? "The fit converged." : `All ${shown.fits.size} fits converged.`);
  return { text: said.join(" "), bad: bad.length + missing.length > 0 };
}

export function drawStatus(page) {
  const { data, state, shown } = page, found = convergence(page);
  const of = state.replicate !== "mean" ? `replicate ${data.replicates[state.replicate]}`
    : `mean of ${shown.fits.size} replicate${shown.fits.size === 1 ? "" : "s"}`;
  const at = `${data.matrices[state.matrix].name}, lasso weight ${weight(data.lasso[state.lasso])}`;
  const mark = state.lasso === chosenWeight(page) ? " (chosen)" : "";
  const others = data.others.map((other, k) => `, ${spaced(other.name)} ${other.labels[state.others[k]]}`).join("");
  const warning = found.bad ? "\u26A0 " : "";
  $("status").textContent = `${warning}${quantityName(page)}, ${of}; ${at}${mark}${others}. ${found.text}`;
  for (const id of ["status", "chart"]) $(id).classList.toggle("unconverged", found.bad);
  drawCounts(page);
}

function drawCounts({ state, shown }) {
  const count = kept => shown.states.reduce((sum, one, m) => sum + (kept(one, shown.values[m]) ? 1 : 0), 0);
  const all = count(one => one === SHOWN), some = count((one, value) => one === SHOWN && value !== 0);
  const rare = count(one => one === FEW);
  $("counts").textContent = `${whole(all)} mutations shown, ${whole(some)} of them not 0; `
    + `${whole(rare)} seen too rarely (least ${state.minimum}).`;
}

/** Values of a mutation in every replicate, their mean, how often each condition saw it, and how the fits ended. */
function table(page, m) {
  const { data } = page, found = readings(page, m);
  const counted = found.filter(one => one.counted && !Number.isNaN(one.value));
  const mean = counted.length ? counted.reduce((sum, one) => sum + one.value, 0) / counted.length : NaN;
  const inData = one => data.conditions.some((_, d) => seen(data, one.replicate, d, m) > 0);
  const value = one => (Number.isNaN(one.value) ? (inData(one) ? "the fit diverged" : "not in its data")
    : number(one.value) + (one.counted ? "" : " (seen too rarely)"));
  const times = data.conditions.map((name, d) => {
    const counts = found.map(one => seen(data, one.replicate, d, m));
    return line("td", `Seen in ${name}`, [...counts, counts.reduce((a, b) => a + b, 0)].map(whole));
  });
  const statuses = found.map(one => one.fit.status.replace("_", " "));
  const ends = line("td", "Fit", [...statuses, `${counted.length} of ${found.length} counted`]);
  found.forEach((one, k) => { if (one.fit.status !== "converged") ends.cells[k + 1].className = "warn"; });
  const own = ownOf(data, m), note = own.length ? `; wildtype of ${own.join(", ")}` : "";
  const names = found.map(one => `Replicate ${data.replicates[one.replicate]}`);
  return node("table", {}, node("caption", {}, `${nameOf(data, m)}. ${quantityName(page)}, latent units${note}`),
    node("thead", {}, line("th", "", [...names, "Mean, sum"])),
    node("tbody", {}, line("td", "Value", [...found.map(value), number(mean)]), ...times, ends));
}

/** What there is to say about a cell. */
export function description(page, [site, row]) {
  const { data } = page, m = mutationAt(data, site, row);
  if (m >= 0) return table(page, m);
  const wildtype = data.letters[row] === data.wildtypes[site];
  return node("p", {}, wildtype ? `${data.letters[row]} is the wildtype at site ${data.sites[site]}.`
    : `${nameAt(data, site, row)} is not in the data.`);
}

export function drawDetails(page) {
  if (page.state.cursor) $("details").replaceChildren(description(page, page.state.cursor));
}
