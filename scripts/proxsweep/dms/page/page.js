"use strict";

// ---- unpacking: see page.py for the container --------------------------------------------------------------------

const MISSING = -32768;
const TYPES = { int16: Int16Array, uint16: Uint16Array, uint32: Uint32Array, uint8: Uint8Array };

async function unpack(base64) {
  const packed = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const content = await new Response(stream).arrayBuffer();
  const start = 4 + new DataView(content).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(content, 4, start - 4)));
  const array = place => new TYPES[place.type](content, start + place.at, place.shape.reduce((a, b) => a * b, 1));
  if (!header.fits.length) return header;
  const site = array(header.mutations.site), letter = array(header.mutations.letter);
  const values = place => ({ whole: array(place), step: place.step });
  const fits = header.fits.map(fit => ({ ...fit, effects: values(fit.effects), shifts: values(fit.shifts) }));
  const cells = new Int32Array(header.sites.length * header.letters.length).fill(-1);
  site.forEach((s, m) => { cells[s * header.letters.length + letter[m]] = m; });
  const counts = header.times_seen.map(array);
  return { ...header, fits, site, letter, cells, counts, own: array(header.own), size: site.length };
}

// ---- words -------------------------------------------------------------------------------------------------------

const $ = id => document.getElementById(id);
const minus = text => text.replace("-", "\u2212");
const rowLabel = name => name.replace("-minus-", " \u2212 ");
const whole = count => count.toLocaleString("en");

function number(value) {
  if (Number.isNaN(value)) return "";
  if (value === 0) return "0";
  return minus(Math.abs(value) < 5e-4 ? value.toExponential(1) : value.toFixed(4));
}

function weight(value) {
  if (value === 0) return "0";
  if (value >= 0.1 && value < 1000) return String(Number(value.toPrecision(3)));
  const [digits, power] = value.toExponential(2).split("e");
  return `${Number(digits)}e${Number(power)}`;
}

function node(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// ---- what is selected ----------------------------------------------------------------------------------------------

let data;
const state = { quantity: "shift", of: 0, matrix: 0, lasso: 0, others: [], replicate: "mean", minimum: 1,
  summary: "sum", kinds: "substitutions", limits: {}, view: [0, 1], cursor: null };
let shown; // values, states of cells, profile and fits of the selection

const ABSENT = 0, FEW = 1, SHOWN = 2; // states of a cell

const same = (a, b) => a.every((value, k) => value === b[k]);
const rows = () => data.matrices[state.matrix].rows;
const replicates = () => data.replicates.map((_, r) => r);
const selected = () => (state.replicate === "mean" ? replicates() : [Number(state.replicate)]);
const mutation = (site, letter) => data.wildtypes[site] + data.sites[site] + data.letters[letter];
const nameOf = m => mutation(data.site[m], data.letter[m]);

function fitAt(replicate, lasso = state.lasso) {
  return data.fits.find(fit => fit.matrix === state.matrix && fit.lasso === lasso && fit.replicate === replicate
    && same(fit.others, state.others));
}

function chosenWeight() {
  const row = data.chosen.find(one => one.matrix === state.matrix && same(one.others, state.others));
  return row ? row.lasso : null;
}

/** Conditions in which a mutation has to be seen for the selected quantity. */
const needed = () => (state.quantity === "effect" ? [state.of] : rows()[state.of].compared);

const seen = (replicate, condition, m) => data.counts[replicate][condition * data.size + m];

function passes(replicate, m) {
  return needed().every(condition => seen(replicate, condition, m) >= state.minimum);
}

function valueOf(fit, m) {
  const array = state.quantity === "effect" ? fit.effects : fit.shifts;
  const found = array.whole[state.of * data.size + m];
  return found === MISSING ? NaN : found * array.step;
}

/** Value of every mutation, the mean over the selected replicates that saw it often enough, and states of cells. */
function compute() {
  const fits = new Map(selected().map(r => [r, fitAt(r)]).filter(([, fit]) => fit));
  const values = new Float64Array(data.size).fill(NaN), states = new Uint8Array(data.size);
  for (let m = 0; m < data.size; m++) {
    let sum = 0, count = 0;
    for (const [replicate, fit] of fits) {
      const value = valueOf(fit, m);
      if (Number.isNaN(value)) continue;
      states[m] = Math.max(states[m], FEW);
      if (!passes(replicate, m)) continue;
      sum += value;
      count++;
    }
    if (count) { values[m] = sum / count; states[m] = SHOWN; }
  }
  return { fits, values, states, profile: profile(values) };
}

function profile(values) {
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

// ---- colours: ColorBrewer's RdBu without its white middle, which is left to values of exactly 0 ------------------------

const RED = ["#fddbc7", "#f4a582", "#d6604d", "#b2182b", "#67001f"];
const BLUE = ["#d1e5f0", "#92c5de", "#4393c3", "#2166ac", "#053061"];
const channels = colour => [1, 3, 5].map(k => parseInt(colour.slice(k, k + 2), 16));
const few = channels("#c9c5bd"), absent = channels("#efede8"), zero = [255, 255, 255];

function shades(stops) {
  return Array.from({ length: 256 }, (_, k) => {
    const place = k / 255 * (stops.length - 1) * 0.97, low = Math.floor(place), part = place - low;
    const [a, b] = [channels(stops[low]), channels(stops[Math.min(low + 1, stops.length - 1)])];
    return a.map((value, c) => Math.round(value + part * (b[c] - value)));
  });
}

const NEGATIVE = shades(RED), POSITIVE = shades(BLUE);

function colour(value, limit) {
  if (value === 0) return zero;
  const place = Math.min(255, Math.floor(Math.abs(value) / limit * 255));
  return (value < 0 ? NEGATIVE : POSITIVE)[place];
}

// ---- drawing ---------------------------------------------------------------------------------------------------------

const PLOT = { left: 58, right: 10, profileTop: 12, profileBottom: 122, heatTop: 144, bottom: 36 };

/** A canvas at the screen's resolution: its context in CSS pixels, width and height. */
function prepare(id) {
  const canvas = $(id), ratio = window.devicePixelRatio || 1, { width, height } = canvas.getBoundingClientRect();
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = "12px system-ui, 'DejaVu Sans', sans-serif";
  return { context, width, height, ratio };
}

function frame(width, height) {
  const right = width - PLOT.right, span = state.view[1] - state.view[0];
  const x = site => PLOT.left + (site - state.view[0]) / span * (right - PLOT.left);
  const site = px => state.view[0] + (px - PLOT.left) / (right - PLOT.left) * span;
  const heatBottom = height - PLOT.bottom, row = (heatBottom - PLOT.heatTop) / data.letters.length;
  return { right, x, site, heatBottom, row, cell: (right - PLOT.left) / span };
}

/** Sites that fall on each of `count` columns of pixels: functions of the column to first and last + 1. */
function columns(view, count) {
  const at = k => Math.floor(view[0] + k / count * (view[1] - view[0]) + 1e-9);
  return k => [at(k), Math.min(data.sites.length, Math.max(at(k) + 1, at(k + 1)))];
}

function bars(context, profileValues, view, left, right, top, bottom, most) {
  const count = Math.round(right - left), sites = columns(view, count);
  context.fillStyle = "#555";
  for (let k = 0; k < count; k++) {
    const [first, last] = sites(k);
    let value = 0;
    for (let s = first; s < last; s++) value = Math.max(value, profileValues[s]);
    const height = value / most * (bottom - top);
    if (height > 0) context.fillRect(left + k, bottom - height, 1, height);
  }
}

function drawOverview() {
  const { context, width, height } = prepare("overview"), right = width - PLOT.right, all = [0, data.sites.length];
  const most = Math.max(...shown.profile) || 1, x = s => PLOT.left + s / all[1] * (right - PLOT.left);
  context.clearRect(0, 0, width, height);
  context.fillStyle = "#222";
  context.textAlign = "right";
  context.fillText("all sites", PLOT.left - 6, height / 2 + 4);
  bars(context, shown.profile, all, PLOT.left, right, 4, height - 3, most);
  const [a, b] = state.view.map(x);
  context.fillStyle = "rgba(0, 114, 178, .15)";
  context.fillRect(a, 1, b - a, height - 2);
  context.strokeStyle = "#0072b2";
  context.lineWidth = 2;
  context.strokeRect(a, 1, Math.max(2, b - a), height - 2);
}

function niceStep(range, most) {
  const rough = range / most, unit = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map(k => k * unit).find(step => step >= rough * 0.999);
}

function drawProfile(context, at) {
  const most = Math.max(...shown.profile) || 1, { profileTop: top, profileBottom: bottom } = PLOT;
  bars(context, shown.profile, state.view, PLOT.left, at.right, top, bottom, most);
  context.fillStyle = context.strokeStyle = "#222";
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(PLOT.left - 0.5, top);
  context.lineTo(PLOT.left - 0.5, bottom + 0.5);
  context.lineTo(at.right, bottom + 0.5);
  context.textAlign = "right";
  const step = niceStep(most, 3);
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
  context.fillText({ sum: "sum of sizes", mean: "mean size", max: "largest size" }[state.summary], 0, 0);
  context.restore();
}

/** Of the cells that fall on one pixel the one that says most: a value over 0, 0 over too few, that over none. */
function rank(m) {
  if (m < 0) return -1;
  return shown.states[m] === SHOWN ? 2 + Math.abs(shown.values[m]) : shown.states[m];
}

function paint(m, limit) {
  if (m < 0 || shown.states[m] === ABSENT) return absent;
  return shown.states[m] === FEW ? few : colour(shown.values[m], limit);
}

function drawCells(context, at, ratio) {
  const count = Math.max(1, Math.round((at.right - PLOT.left) * ratio)), letters = data.letters.length;
  const image = new ImageData(count, letters), sites = columns(state.view, count), limit = state.limits[state.quantity];
  for (let k = 0; k < count; k++) {
    const [first, last] = sites(k);
    for (let row = 0; row < letters; row++) {
      let best = data.cells[first * letters + row];
      for (let s = first + 1; s < last; s++) {
        const other = data.cells[s * letters + row];
        if (rank(other) > rank(best)) best = other;
      }
      const [r, g, b] = paint(best, limit);
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

/** Conditions other than the reference whose own wildtype the mutant is. */
const ownOf = m => data.conditions.filter((_, d) => data.own[d * data.size + m]);

function drawMarks(context, at) {
  const letters = data.letters.length, radius = Math.min(3, at.cell / 3);
  const far = at.cell < 3;
  for (const key of document.querySelectorAll(".key.mark")) key.hidden = far;
  document.querySelector(".key.far").hidden = !far;
  if (at.cell >= 10) drawLines(context, at);
  if (far) return;
  context.fillStyle = context.strokeStyle = "#222";
  context.lineWidth = 1.2;
  for (let s = Math.floor(state.view[0]); s < Math.min(data.sites.length, Math.ceil(state.view[1])); s++) {
    for (let row = 0; row < letters; row++) {
      const m = data.cells[s * letters + row], wildtype = data.letters[row] === data.wildtypes[s];
      if (!wildtype && (m < 0 || !ownOf(m).length)) continue;
      context.beginPath();
      context.arc(at.x(s + 0.5), PLOT.heatTop + (row + 0.5) * at.row, radius, 0, 7);
      if (wildtype) context.fill(); else context.stroke();
    }
  }
}

function drawLines(context, at) {
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

function drawAxes(context, at) {
  context.fillStyle = "#222";
  context.textAlign = "center";
  [...data.letters].forEach((letter, row) => context.fillText(letter, PLOT.left - 12, PLOT.heatTop + (row + 0.5) * at.row + 4));
  const [first, last] = [Math.floor(state.view[0]), Math.min(data.sites.length, Math.ceil(state.view[1]))];
  if (at.cell >= 9) {
    for (let s = first; s < last; s++) context.fillText(data.wildtypes[s], at.x(s + 0.5), PLOT.heatTop - 6);
  }
  const step = Math.max(1, niceStep((at.right - PLOT.left) / at.cell, (at.right - PLOT.left) / 55));
  for (let s = first; s < last; s++) {
    if (!tick(s, step) || at.x(s + 0.5) < PLOT.left || at.x(s + 0.5) > at.right) continue;
    context.fillRect(at.x(s + 0.5), at.heatBottom, 1, 4);
    context.fillText(data.sites[s], at.x(s + 0.5), at.heatBottom + 17);
  }
  context.fillText("Site", (PLOT.left + at.right) / 2, at.heatBottom + 32);
  context.strokeStyle = "#888";
  context.lineWidth = 1;
  context.strokeRect(PLOT.left - 0.5, PLOT.heatTop - 0.5, at.right - PLOT.left + 1, at.heatBottom - PLOT.heatTop + 1);
}

/** Sites with a label: round numbers where names are numbers, else every so many. */
function tick(s, step) {
  const named = Number(data.sites[s]);
  return Number.isInteger(named) ? named % step === 0 : /^\D/.test(data.sites[s]) && s % step === 0;
}

function drawCursor(context, at) {
  if (!state.cursor) return;
  const [site, row] = state.cursor, x = at.x(site);
  if (x + at.cell <= PLOT.left || x >= at.right) return;
  context.strokeStyle = "#000";
  context.lineWidth = 2;
  context.strokeRect(x - 1, PLOT.heatTop + row * at.row - 1, Math.max(3, at.cell) + 2, at.row + 2);
}

function drawPlot() {
  const { context, width, height, ratio } = prepare("plot"), at = frame(width, height);
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  drawProfile(context, at);
  drawCells(context, at, ratio);
  drawMarks(context, at);
  drawAxes(context, at);
  drawCursor(context, at);
}

function drawLegend() {
  const limit = state.limits[state.quantity], stops = list => list.map(shade => `rgb(${shade})`).filter((_, k) => k % 51 === 0);
  $("gradient").style.background = `linear-gradient(to right, ${[...stops([...NEGATIVE].reverse()), ...stops(POSITIVE)]})`;
  $("low").textContent = minus(`\u2264 -${limit}`);
  $("high").textContent = `\u2265 ${limit}`;
  $("unit").textContent = `${state.quantity}, latent units`;
}

// ---- text beside the drawing ----------------------------------------------------------------------------------------------

function what() {
  return state.quantity === "effect" ? `Effect in ${data.conditions[state.of]}` : `Shift ${rowLabel(rows()[state.of].name)}`;
}

const residual = fit => (fit.relative_residual === null ? "" : `, relative residual ${fit.relative_residual.toExponential(1)}`);

function convergence() {
  const absentFits = selected().filter(r => !shown.fits.has(r)).map(r => data.replicates[r]);
  const bad = [...shown.fits.values()].filter(fit => fit.status !== "converged");
  const said = bad.map(fit => `Replicate ${data.replicates[fit.replicate]} did not converge (${fit.status}${residual(fit)}).`);
  if (absentFits.length) said.push(`No fit of replicate ${absentFits.join(", ")} at this setting.`);
  if (!said.length) said.push(shown.fits.size === 1 ? "The fit converged." : `All ${shown.fits.size} fits converged.`);
  return { text: said.join(" "), bad: bad.length + absentFits.length > 0 };
}

function drawStatus() {
  const found = convergence(), mean = state.replicate === "mean";
  const of = mean ? `mean of ${shown.fits.size} replicate${shown.fits.size === 1 ? "" : "s"}` : `replicate ${data.replicates[state.replicate]}`;
  const at = `${data.matrices[state.matrix].name}, lasso weight ${weight(data.lasso[state.lasso])}`;
  const mark = state.lasso === chosenWeight() ? " (chosen)" : "";
  const others = data.others.map((other, k) => `, ${other.name.replaceAll("_", " ")} ${other.labels[state.others[k]]}`).join("");
  $("status").textContent = `${found.bad ? "\u26A0 " : ""}${what()}, ${of}; ${at}${mark}${others}. ${found.text}`;
  for (const id of ["status", "chart"]) $(id).classList.toggle("unconverged", found.bad);
  const count = kept => shown.states.reduce((sum, one, m) => sum + (kept(one, shown.values[m]) ? 1 : 0), 0);
  const all = count(one => one === SHOWN), some = count((one, value) => one === SHOWN && value !== 0);
  const rare = count(one => one === FEW);
  $("counts").textContent = `${whole(all)} mutations shown, ${whole(some)} of them not 0; ${whole(rare)} seen too rarely (least ${state.minimum}).`;
}

function readings(m) {
  return replicates().map(r => ({ replicate: r, fit: fitAt(r) })).filter(one => one.fit).map(one => (
    { ...one, value: valueOf(one.fit, m), counted: passes(one.replicate, m) }));
}

/** A row of a table: a heading, then cells. */
function line(name, heading, values) {
  const scope = name === "th" ? "col" : "row";
  return node("tr", {}, node("th", { scope }, heading), ...values.map(value => node(name, name === "th" ? { scope } : {}, value)));
}

/** Values of a mutation in every replicate, their mean, how often each condition saw it, and how the fits ended. */
function table(m) {
  const found = readings(m), counted = found.filter(one => one.counted && !Number.isNaN(one.value));
  const mean = counted.length ? counted.reduce((sum, one) => sum + one.value, 0) / counted.length : NaN;
  const value = one => (Number.isNaN(one.value) ? "not in its data" : number(one.value) + (one.counted ? "" : " (seen too rarely)"));
  const times = data.conditions.map((name, d) => {
    const counts = found.map(one => seen(one.replicate, d, m));
    return line("td", `Seen in ${name}`, [...counts, counts.reduce((a, b) => a + b, 0)].map(whole));
  });
  const ends = line("td", "Fit", [...found.map(one => one.fit.status.replace("_", " ")), `${counted.length} of ${found.length} counted`]);
  found.forEach((one, k) => { if (one.fit.status !== "converged") ends.cells[k + 1].className = "warn"; });
  const own = ownOf(m), note = own.length ? `; wildtype of ${own.join(", ")}` : "";
  return node("table", {}, node("caption", {}, `${nameOf(m)}. ${what()}, latent units${note}`),
    node("thead", {}, line("th", "", [...found.map(one => `Replicate ${data.replicates[one.replicate]}`), "Mean, sum"])),
    node("tbody", {}, line("td", "Value", [...found.map(value), number(mean)]), ...times, ends));
}

function description([site, row]) {
  const m = data.cells[site * data.letters.length + row];
  if (m >= 0) return table(m);
  const wildtype = data.letters[row] === data.wildtypes[site];
  return node("p", {}, wildtype ? `${data.letters[row]} is the wildtype at site ${data.sites[site]}.`
    : `${mutation(site, row)} is not in the data.`);
}

function drawDetails() {
  if (state.cursor) $("details").replaceChildren(description(state.cursor));
}

const reading = one => (!one || Number.isNaN(one.value) ? "\u2013" : number(one.value) + (one.counted ? "" : " *"));

const inView = s => s + 0.5 >= state.view[0] && s + 0.5 <= state.view[1];

function drawLargest() {
  const found = [];
  for (let m = 0; m < data.size; m++) if (shown.states[m] === SHOWN && shown.values[m] !== 0 && inView(data.site[m])) found.push(m);
  found.sort((a, b) => Math.abs(shown.values[b]) - Math.abs(shown.values[a]));
  const names = data.replicates.map(label => `Replicate ${label}`), seenIn = data.conditions.map(name => `Seen in ${name}`);
  const body = found.slice(0, 20).map(m => {
    const button = node("button", { type: "button" }, nameOf(m)), read = new Map(readings(m).map(one => [one.replicate, one]));
    button.addEventListener("click", () => pick([data.site[m], data.letter[m]]));
    const values = replicates().map(r => reading(read.get(r)));
    const counts = data.conditions.map((_, d) => whole(selected().reduce((sum, r) => sum + seen(r, d, m), 0)));
    return line("td", button, [number(shown.values[m]), ...values, ...counts]);
  });
  $("largest").tHead.replaceChildren(line("th", "Mutation", ["Shown", ...names, ...seenIn]));
  $("largest").tBodies[0].replaceChildren(...body);
  $("top").textContent = found.length > 20 ? `The 20 largest of ${whole(found.length)} in view that are not 0` : `In view and not 0: ${found.length}`;
}

function drawRange() {
  const first = data.sites.findIndex((_, s) => inView(s)), last = data.sites.findLastIndex((_, s) => inView(s));
  $("view").textContent = `Sites ${data.sites[first]} to ${data.sites[last]} (${whole(last - first + 1)} of ${whole(data.sites.length)})`;
}

let waiting = 0;

/** Draw what depends on the view: now what moves with the pointer, the table once it rests. */
function drawView() {
  drawRange();
  drawOverview();
  drawPlot();
  clearTimeout(waiting);
  waiting = setTimeout(drawLargest, 60);
}

function update() {
  shown = compute();
  drawStatus();
  drawLegend();
  drawDetails();
  drawView();
}

// ---- controls ----------------------------------------------------------------------------------------------------------------

function fill(select, texts, value) {
  select.replaceChildren(...texts.map(([key, text]) => node("option", { value: key }, text)));
  select.value = String(value);
}

function lassoText(k) {
  const fits = selected().map(r => fitAt(r, k)), good = fits.every(fit => fit && fit.status === "converged");
  const note = fits.every(fit => !fit) ? ": no fit" : good ? "" : fits.every(fit => fit) ? ": not converged" : ": a fit is missing";
  return weight(data.lasso[k]) + (k === chosenWeight() ? " (chosen)" : "") + note;
}

function fillControls() {
  const ofs = state.quantity === "effect" ? data.conditions : rows().map(row => rowLabel(row.name));
  if (state.of >= ofs.length) state.of = 0;
  fill($("of"), ofs.map((name, k) => [k, name]), state.of);
  fill($("lasso"), data.lasso.map((_, k) => [k, lassoText(k)]), state.lasso);
  $("limit").value = state.limits[state.quantity];
}

function changed(change) {
  return event => {
    change(event.target);
    fillControls();
    update();
  };
}

function otherControls() {
  data.others.forEach((other, k) => {
    if (other.labels.length < 2) return;
    const select = node("select", { id: `other-${other.name}` });
    fill(select, other.labels.map((label, place) => [place, label]), state.others[k]);
    select.addEventListener("change", changed(target => { state.others[k] = Number(target.value); }));
    const name = other.name.replaceAll("_", " ");
    $("replicate").parentElement.before(node("label", {}, name[0].toUpperCase() + name.slice(1) + " ", select));
  });
}

/** A change of quantity or matrix keeps the row or condition by name where it is still there. */
function keepRow(change) {
  return target => {
    const before = state.quantity === "shift" ? rows()[state.of].name : null;
    change(target);
    state.of = state.quantity === "shift" ? Math.max(0, rows().findIndex(row => row.name === before)) : state.of;
  };
}

function connectControls() {
  fill($("matrix"), data.matrices.map((matrix, k) => [k, matrix.name]), state.matrix);
  const labels = data.replicates.map((label, r) => [r, `replicate ${label}`]);
  fill($("replicate"), [["mean", "mean of replicates"], ...labels], state.replicate);
  $("sites").append(...data.sites.map(site => node("option", { value: site })));
  otherControls();
  for (const input of document.querySelectorAll("[name=quantity]")) {
    input.checked = input.value === state.quantity;
    input.disabled = input.value === "shift" && data.matrices.every(matrix => !matrix.rows.length);
    input.addEventListener("change", changed(target => { state.quantity = target.value; state.of = 0; }));
  }
  const keys = { of: Number, lasso: Number, replicate: String, summary: String, kinds: String };
  for (const [key, read] of Object.entries(keys)) $(key).addEventListener("change", changed(target => { state[key] = read(target.value); }));
  $("matrix").addEventListener("change", changed(keepRow(target => { state.matrix = Number(target.value); })));
  $("minimum").addEventListener("input", changed(target => { state.minimum = Math.max(0, Number(target.value) || 0); }));
  $("limit").addEventListener("change", changed(target => {
    if (Number(target.value) > 0) state.limits[state.quantity] = Number(target.value);
  }));
  $("find").addEventListener("change", event => find(event.target.value.trim()));
  $("controls").addEventListener("submit", event => event.preventDefault());
}

function find(text) {
  if (!text) return;
  const wanted = text.toUpperCase(), site = data.sites.findIndex(name => name.toUpperCase() === wanted);
  const m = data.site.findIndex((_, k) => nameOf(k).toUpperCase() === wanted);
  if (site < 0 && m < 0) {
    state.cursor = null;
    $("details").replaceChildren(node("p", { class: "warn" }, `Neither a site nor a mutation of these data: ${text}`));
    drawPlot();
    return;
  }
  const centre = site >= 0 ? site : data.site[m], half = Math.min(15.5, data.sites.length / 2);
  look(centre + 0.5 - half, centre + 0.5 + half);
  pick(site >= 0 ? [site, data.letters.indexOf(data.wildtypes[site])] : [centre, data.letter[m]]);
}

// ---- moving about ---------------------------------------------------------------------------------------------------------------

/** Show the sites from `first` to `last` (places), kept within the protein and no fewer than five. */
function look(first, last) {
  const count = data.sites.length, span = Math.min(count, Math.max(Math.min(5, count), last - first));
  const start = Math.min(Math.max(0, (first + last - span) / 2), count - span);
  state.view = [start, start + span];
  drawView();
}

function zoom(factor, centre = (state.view[0] + state.view[1]) / 2) {
  const [first, last] = state.view, span = Math.max(last - first, 1e-9) * factor;
  const share = (centre - first) / (last - first);
  look(centre - share * span, centre + (1 - share) * span);
}

function move(share) {
  const by = share * (state.view[1] - state.view[0]);
  look(state.view[0] + by, state.view[1] + by);
}

function pick(cursor) {
  state.cursor = cursor;
  const [site] = cursor, span = state.view[1] - state.view[0];
  if (site < state.view[0]) look(site, site + span);
  else if (site + 1 > state.view[1]) look(site + 1 - span, site + 1);
  else drawPlot();
  drawDetails();
}

const ZOOMS = {
  in: () => zoom(0.5), out: () => zoom(2), left: () => move(-0.5), right: () => move(0.5),
  all: () => look(0, data.sites.length),
};
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = { "+": ZOOMS.in, "=": ZOOMS.in, "-": ZOOMS.out, 0: ZOOMS.all };

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const step = STEPS[event.key];
  if (!step && !KEYS[event.key]) return;
  event.preventDefault();
  hideTip();
  if (!step) { KEYS[event.key](); return; }
  const [site, row] = state.cursor || [Math.round((state.view[0] + state.view[1]) / 2) - 1, 0];
  const limit = (value, most) => Math.min(most - 1, Math.max(0, value));
  const by = state.cursor ? step : [0, 0];
  pick([limit(site + by[0], data.sites.length), limit(row + by[1], data.letters.length)]);
}

/** Where a pointer is on the plot: its frame, the part, and the cell below it if any. */
function locate(event) {
  const box = $("plot").getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
  const at = frame(box.width, box.height), inside = x >= PLOT.left && x < at.right;
  const row = Math.floor((y - PLOT.heatTop) / at.row), onMap = inside && row >= 0 && row < data.letters.length;
  const cell = onMap ? [cellOfPixel(at, x, row), row] : null;
  return { at, x, y, site: at.site(x), cell, onProfile: inside && y <= PLOT.heatTop };
}

/** The site that the pixel shows: where several share it, the one drawn. */
function cellOfPixel(at, x, row) {
  const ratio = window.devicePixelRatio || 1, count = Math.max(1, Math.round((at.right - PLOT.left) * ratio));
  const [first, last] = columns(state.view, count)(Math.min(count - 1, Math.floor((x - PLOT.left) * ratio)));
  const letters = data.letters.length;
  let best = first;
  for (let s = first + 1; s < last; s++) if (rank(data.cells[s * letters + row]) > rank(data.cells[best * letters + row])) best = s;
  return best;
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

function hover(event) {
  const place = locate(event);
  if (place.cell) { showTip(event, description(place.cell)); return; }
  if (!place.onProfile) { hideTip(); return; }
  const site = Math.min(data.sites.length - 1, Math.max(0, Math.floor(place.site)));
  showTip(event, node("p", {}, `Site ${data.sites[site]}: ${number(shown.profile[site])}`));
}

let drag = null; // what a pressed pointer does: where it began, and the view then

function press(event) {
  const place = locate(event);
  if (event.button !== 0 || !(place.cell || place.onProfile)) return;
  drag = { from: place, view: [...state.view], brush: place.onProfile, moved: false };
  $("plot").setPointerCapture(event.pointerId);
}

function pull(event) {
  if (!drag) { hover(event); return; }
  const place = locate(event);
  drag.moved ||= Math.abs(place.x - drag.from.x) > 3;
  if (!drag.moved) return;
  hideTip();
  if (drag.brush) {
    drawPlot();
    const context = $("plot").getContext("2d");
    context.fillStyle = "rgba(0, 114, 178, .25)";
    context.fillRect(drag.from.x, PLOT.profileTop, place.x - drag.from.x, PLOT.profileBottom - PLOT.profileTop);
    return;
  }
  const by = (drag.from.x - place.x) / place.at.cell;
  look(drag.view[0] + by, drag.view[1] + by);
}

function release(event) {
  if (!drag) return;
  const place = locate(event), done = drag;
  drag = null;
  if (!done.moved && place.cell) pick(place.cell);
  if (done.moved && done.brush) look(Math.min(done.from.site, place.site), Math.max(done.from.site, place.site));
}

function wheel(event) {
  const overview = event.target === $("overview"), place = overview ? null : locate(event);
  if (!overview && !place.onProfile && !event.ctrlKey) return;
  event.preventDefault();
  hideTip();
  const centre = overview ? (state.view[0] + state.view[1]) / 2 : place.site;
  zoom(Math.exp(Math.sign(event.deltaY) * Math.min(0.25, Math.abs(event.deltaY) / 400)), centre);
}

function slide(event) {
  if (!(event.buttons & 1)) return;
  const box = $("overview").getBoundingClientRect(), width = box.width - PLOT.left - PLOT.right;
  const site = (event.clientX - box.left - PLOT.left) / width * data.sites.length, half = (state.view[1] - state.view[0]) / 2;
  look(site - half, site + half);
}

function connectDrawing() {
  const plot = $("plot"), overview = $("overview");
  plot.addEventListener("pointerdown", press);
  plot.addEventListener("pointermove", pull);
  plot.addEventListener("pointerup", release);
  plot.addEventListener("pointercancel", () => { drag = null; });
  plot.addEventListener("pointerleave", hideTip);
  plot.addEventListener("dblclick", ZOOMS.all);
  plot.addEventListener("keydown", key);
  for (const canvas of [plot, overview]) canvas.addEventListener("wheel", wheel, { passive: false });
  for (const kind of ["pointerdown", "pointermove"]) overview.addEventListener(kind, slide);
  overview.addEventListener("dblclick", ZOOMS.all);
  for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", ZOOMS[button.dataset.zoom]);
  let width = 0;
  new ResizeObserver(() => {
    if ($("chart").clientWidth === width) return;
    width = $("chart").clientWidth;
    drawView();
  }).observe($("chart"));
}

/** The drawing at the width of a sheet while it is printed. */
function connectPrinting() {
  for (const [event, printing] of [["beforeprint", true], ["afterprint", false]]) {
    window.addEventListener(event, () => {
      document.body.classList.toggle("printing", printing);
      drawView();
      drawLargest();
    });
  }
}

// ---- beginning -------------------------------------------------------------------------------------------------------------------

function begin() {
  const first = data.chosen.find(one => one.main) || data.chosen[0] || { matrix: 0, others: data.others.map(() => 0), lasso: null };
  state.matrix = first.matrix;
  state.others = [...first.others];
  state.lasso = first.lasso === null ? Math.floor(data.lasso.length / 2) : first.lasso;
  state.limits = { ...data.limits };
  state.view = [0, data.sites.length];
  if (!rows().length) state.quantity = "effect";
}

function opening() {
  const counts = `${whole(data.size)} mutations at ${whole(data.sites.length)} sites, ${data.fits.length} fits.`;
  const bad = data.fits.filter(fit => fit.status !== "converged").length;
  const choice = data.chosen.some(one => one.lasso !== null) ? "" : " No lasso weight was chosen for this study; the page opens with the middle one.";
  return `${counts} ${bad ? `${bad} of them did not converge.` : "All converged."}${choice}`;
}

function notes() {
  const error = data.error.toExponential(1);
  return [
    "An effect is the change of the latent phenotype by a mutation in a condition; a shift is what a row of the difference matrix makes of the effects. Both are in the reference's coordinates.",
    "White is exactly 0, as the lasso leaves it. Grey mutations were seen in fewer variants than asked for: of a shift, in one of the conditions that the row compares; of an effect, in that condition. They count neither in means nor in the profile.",
    "The mean is over the replicates that saw the mutation often enough. A star marks replicates left out of it.",
    "Sites without a mutation in the data have no column. Where a pixel holds several sites, the largest value is drawn.",
    "A dashed frame and a warning mark selections with a fit that did not converge.",
    `Values are rounded for this page: none differs from the tables by more than ${error} latent units, 0 is exactly 0, and nothing else became 0.`,
  ];
}

async function start() {
  try {
    data = await unpack($("payload").textContent);
  } catch (error) {
    $("opening").className = "warn";
    $("opening").textContent = `This page could not be unpacked (${error.message}). It needs Chrome 110, Firefox 113, Safari 16.4 or later.`;
    return;
  }
  if (!data.fits.length) { $("opening").textContent = "No fit finished: nothing to show."; return; }
  performance.mark("unpacked");
  begin();
  $("opening").textContent = opening();
  $("reading").append(...notes().map(text => node("li", {}, text)));
  $("main").hidden = false;
  connectControls();
  fillControls();
  update();
  connectDrawing();
  connectPrinting();
  drawLargest();
  performance.mark("ready");
  document.documentElement.dataset.ready = "true";
}

start();
