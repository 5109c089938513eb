// The controls above the drawing, and the buttons of the table below it.

import { chosenWeight, fitAt, lookUp, rows, selected } from "./selection.js";
import { $, node, rowLabel, spaced, weight } from "./text.js";
import { drawPlot, look, pick, update } from "./view.js";

function fill(select, texts, value) {
  select.replaceChildren(...texts.map(([key, text]) => node("option", { value: key }, text)));
  select.value = String(value);
}

/** A lasso weight, with what is to be said about its fits. */
function lassoText(page, k) {
  const fits = selected(page).map(r => fitAt(page, r, k));
  const chosen = k === chosenWeight(page) ? " (chosen)" : "";
  return weight(page.data.lasso[k]) + chosen + fault(fits);
}

function fault(fits) {
  if (fits.every(fit => !fit)) return ": no fit";
  if (fits.some(fit => !fit)) return ": a fit is missing";
  return fits.every(fit => fit.status === "converged") ? "" : ": not converged";
}

/** Fill the controls whose choices depend on others. */
function fillControls(page) {
  const { data, state } = page;
  const ofs = state.quantity === "effect" ? data.conditions : rows(page).map(row => rowLabel(row.name));
  if (state.of >= ofs.length) state.of = 0;
  fill($("of"), ofs.map((name, k) => [k, name]), state.of);
  fill($("lasso"), data.lasso.map((_, k) => [k, lassoText(page, k)]), state.lasso);
  $("limit").value = state.limits[state.quantity];
}

/** Let a control change the state, then draw anew. */
function connect(page, control, kind, change) {
  control.addEventListener(kind, event => {
    change(event.target);
    fillControls(page);
    update(page);
  });
}

function connectOthers(page) {
  const { data, state } = page;
  data.others.forEach((other, k) => {
    if (other.labels.length < 2) return;
    const select = node("select", { id: `other-${other.name}` });
    fill(select, other.labels.map((label, place) => [place, label]), state.others[k]);
    connect(page, select, "change", target => { state.others[k] = Number(target.value); });
    const name = spaced(other.name);
    $("replicate").parentElement.before(node("label", {}, name[0].toUpperCase() + name.slice(1) + " ", select));
  });
}

/** Another matrix keeps the row by name where it is still there. */
function changeMatrix(page, matrix) {
  const { state } = page, shift = state.quantity === "shift", before = shift ? rows(page)[state.of].name : null;
  state.matrix = matrix;
  if (shift) state.of = Math.max(0, rows(page).findIndex(row => row.name === before));
}

function connectQuantity(page) {
  const { data, state } = page;
  for (const input of document.querySelectorAll("[name=quantity]")) {
    input.checked = input.value === state.quantity;
    input.disabled = input.value === "shift" && data.matrices.every(matrix => !matrix.rows.length);
    connect(page, input, "change", target => { state.quantity = target.value; state.of = 0; });
  }
}

export function connectControls(page) {
  const { data, state } = page;
  fill($("matrix"), data.matrices.map((matrix, k) => [k, matrix.name]), state.matrix);
  const labels = data.replicates.map((label, r) => [r, `replicate ${label}`]);
  fill($("replicate"), [["mean", "mean of replicates"], ...labels], state.replicate);
  $("sites").append(...data.sites.map(site => node("option", { value: site })));
  connectOthers(page);
  connectQuantity(page);
  const keys = { of: Number, lasso: Number, replicate: String, summary: String, kinds: String };
  for (const [key, read] of Object.entries(keys)) {
    connect(page, $(key), "change", target => { state[key] = read(target.value); });
  }
  connect(page, $("matrix"), "change", target => changeMatrix(page, Number(target.value)));
  connect(page, $("minimum"), "input", target => { state.minimum = Math.max(0, Number(target.value) || 0); });
  connect(page, $("limit"), "change", target => {
    if (Number(target.value) > 0) state.limits[state.quantity] = Number(target.value);
  });
  $("find").addEventListener("change", event => find(page, event.target.value.trim()));
  $("controls").addEventListener("submit", event => event.preventDefault());
  $("largest").addEventListener("click", event => {
    const button = event.target.closest("[data-mutation]");
    if (button) pick(page, placeOf(data, button.dataset.mutation));
  });
  fillControls(page);
}

const placeOf = (data, m) => [data.site[m], data.letter[m]];

/** Show a site or a mutation and pick it. */
function find(page, text) {
  if (!text) return;
  const { data } = page, { site, m } = lookUp(data, text);
  if (site < 0 && m < 0) {
    page.state.cursor = null;
    $("details").replaceChildren(node("p", { class: "warn" }, `Neither a site nor a mutation of these data: ${text}`));
    drawPlot(page);
    return;
  }
  const cell = site >= 0 ? [site, data.letters.indexOf(data.wildtypes[site])] : placeOf(data, m);
  const centre = cell[0] + 0.5, half = Math.min(15.5, data.sites.length / 2);
  look(page, centre - half, centre + half);
  pick(page, cell);
}
