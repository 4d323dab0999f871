// Comparators and folds for the tests of parallel.sort and parallel.reduce.

export function downwards(a, b) {
  return b - a;
}

export function byHundreds(a, b) {
  return Math.floor(a / 100) - Math.floor(b / 100);
}

export function byBigHundreds(a, b) {
  return Number(a / 100n - b / 100n);
}

export function byKey(a, b) {
  return a.key - b.key;
}

export function byText(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function merge(a, b) {
  return { least: Math.min(a.least, b.least), count: a.count + b.count };
}

export function join(a, b) {
  return a + b;
}

/** Counts items that carry their index, and throws where another is given; sums of blocks carry none. */
export function inPlace(a, b, index) {
  if (b.at !== undefined && b.at !== index) throw new Error(`item ${b.at} was given as ${index}`);
  return { count: a.count + b.count };
}

export function contrary() {
  return Math.random() - 0.5;
}

export function words() {
  return 'less';
}

export function failing(a) {
  if (a === 77) throw new Error('seventy-seven');
  return 0;
}

export function failingAt5000(a, b) {
  if (a.key === 5000 || b.key === 5000) throw new Error('five thousand');
  return a.key - b.key;
}

export function failingAcrossRuns(a, b) {
  if (a.key >> 11 !== b.key >> 11) throw new Error('of two runs');
  return a.key - b.key;
}

export function failingFold(a, b) {
  if (b.count === 77) throw new Error('seventy-seven');
  return a;
}
