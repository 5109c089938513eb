// The data of the page: the container that page.py describes, unpacked, and what it says of a mutation. A mutation is
// its place `m` in the arrays; sites, letters, conditions and replicates are places, too.

const MISSING = -32768;
const TYPES = { int16: Int16Array, uint16: Uint16Array, uint32: Uint32Array, uint8: Uint8Array };

/** The header, with arrays for what points to them, and `cells`: the mutation of each site and letter, or -1. */
export async function unpack(base64) {
  const packed = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const content = await new Response(stream).arrayBuffer();
  const start = 4 + new DataView(content).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(content, 4, start - 4)));
  const array = place => new TYPES[place.type](content, start + place.at, place.shape.reduce((a, b) => a * b, 1));
  if (!header.fits.length) return header;
  const site = array(header.mutations.site), letter = array(header.mutations.letter);
  const values = place => ({ steps: array(place), step: place.step });
  const fits = header.fits.map(fit => ({ ...fit, effects: values(fit.effects), shifts: values(fit.shifts) }));
  const cells = new Int32Array(header.sites.length * header.letters.length).fill(-1);
  site.forEach((s, m) => { cells[s * header.letters.length + letter[m]] = m; });
  const counts = header.times_seen.map(array);
  return { ...header, fits, site, letter, cells, counts, own: array(header.own), size: site.length };
}

/** A value of the effects or shifts of a fit, by its row (a condition, or a row of the difference matrix). */
export function valueAt(data, array, row, m) {
  const found = array.steps[row * data.size + m];
  return found === MISSING ? NaN : found * array.step;
}

export const mutationAt = (data, site, letter) => data.cells[site * data.letters.length + letter];

export const nameAt = (data, site, letter) => data.wildtypes[site] + data.sites[site] + data.letters[letter];

export const nameOf = (data, m) => nameAt(data, data.site[m], data.letter[m]);

export const seen = (data, replicate, condition, m) => data.counts[replicate][condition * data.size + m];

/** Conditions other than the reference whose own wildtype the mutant is. */
export const ownOf = (data, m) => data.conditions.filter((_, d) => data.own[d * data.size + m]);
