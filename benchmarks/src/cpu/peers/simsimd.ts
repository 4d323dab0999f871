import { createRequire } from 'node:module';

import type { Operation } from '../../harness/case.ts';

interface Simsimd {
  dot(a: Float32Array, b: Float32Array): number;
}

/** Its ES module falls back to plain JavaScript without a word; the CommonJS build finds the native binary, which is asked. */
function load(): Simsimd {
  const api = createRequire(import.meta.url)('simsimd') as Simsimd;
  if (!isNative()) {
    throw new Error('simsimd runs its JavaScript fallback');
  }
  return api;
}

/** Whether a native library of its prebuilds was loaded into this process. */
function isNative(): boolean {
  const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] };
  return sharedObjects.some((path) => path.endsWith('.node') && path.includes('simsimd'));
}

export function simsimdDot(a: Float32Array, b: Float32Array): Operation {
  const api = load();
  const run = (): number => api.dot(a, b);
  return { run, answer: run };
}

/** One query against the rows: it has no call for that, so one call a row. */
export function simsimdRows(query: Float32Array, matrix: Float32Array): Operation {
  const api = load();
  const width = query.length;
  const rows = Array.from({ length: matrix.length / width }, (_, r) =>
    matrix.subarray(r * width, (r + 1) * width),
  );
  const out = new Float32Array(rows.length);
  const run = (): number => {
    for (let r = 0; r < rows.length; r++) out[r] = api.dot(query, rows[r]!);
    return out[0]!;
  };
  return {
    run,
    answer() {
      run();
      return [...out];
    },
  };
}
