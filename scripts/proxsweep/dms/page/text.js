// Numbers and names as the page writes them, and the elements that hold them.

export const $ = id => document.getElementById(id);
export const minus = text => text.replace("-", "\u2212");
export const rowLabel = name => name.replace("-minus-", " \u2212 ");
export const spaced = name => name.replaceAll("_", " ");
export const whole = count => count.toLocaleString("en");

export function number(value) {
  if (Number.isNaN(value)) return "";
  if (value === 0) return "0";
  return minus(Math.abs(value) < 5e-4 ? value.toExponential(1) : value.toFixed(4));
}

export function weight(value) {
  if (value === 0) return "0";
  if (value >= 0.1 && value < 1000) return String(Number(value.toPrecision(3)));
  const [digits, power] = value.toExponential(2).split("e");
  return `${Number(digits)}e${Number(power)}`;
}

export function node(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** A row of a table: a heading, then cells. */
export function line(name, heading, values) {
  const scope = name === "th" ? "col" : "row";
  const cells = values.map(value => node(name, name === "th" ? { scope } : {}, value));
  return node("tr", {}, node("th", { scope }, heading), ...cells);
}
