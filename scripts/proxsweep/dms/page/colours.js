// Colours of values: ColorBrewer's RdBu without its white middle, which is left to values of exactly 0.

import { $, minus } from "./text.js";

const RED = ["#fddbc7", "#f4a582", "#d6604d", "#b2182b", "#67001f"];
const BLUE = ["#d1e5f0", "#92c5de", "#4393c3", "#2166ac", "#053061"];
const ZERO = [255, 255, 255];
export const RARE = channels("#c9c5bd");
export const NOTHING = channels("#efede8");
const NEGATIVE = shades(RED), POSITIVE = shades(BLUE);

function channels(shade) {
  return [1, 3, 5].map(k => parseInt(shade.slice(k, k + 2), 16));
}

function shades(stops) {
  return Array.from({ length: 256 }, (_, k) => {
    const place = k / 255 * (stops.length - 1) * 0.97, low = Math.floor(place), part = place - low;
    const [a, b] = [channels(stops[low]), channels(stops[Math.min(low + 1, stops.length - 1)])];
    return a.map((value, c) => Math.round(value + part * (b[c] - value)));
  });
}

export function colour(value, limit) {
  if (value === 0) return ZERO;
  const place = Math.min(255, Math.floor(Math.abs(value) / limit * 255));
  return (value < 0 ? NEGATIVE : POSITIVE)[place];
}

/** The scale below the drawing. */
export function drawScale({ state }) {
  const limit = state.limits[state.quantity];
  const stops = list => list.map(shade => `rgb(${shade})`).filter((_, k) => k % 51 === 0);
  const shown = [...stops([...NEGATIVE].reverse()), ...stops(POSITIVE)];
  $("gradient").style.background = `linear-gradient(to right, ${shown})`;
  $("low").textContent = minus(`\u2264 -${limit}`);
  $("high").textContent = `\u2265 ${limit}`;
  $("unit").textContent = `${state.quantity}, latent units`;
}
