import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Far longer than any other in CI: begun last, they would run alone at the end, while the other workers have nothing left. */
const LONGEST = /\/(?:chaos|web-service\/faults)\.int\.test\.ts$/u;

/** Begins with the longest files; the others are in vitest's own order. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => Number(LONGEST.test(b.moduleId)) - Number(LONGEST.test(a.moduleId)));
  }
}
