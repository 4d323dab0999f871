/** What a run leaves behind in files. */

import { writeWhole } from '../files.ts';
import type { Report } from './record.ts';
import type { Stacks } from './write-page.ts';
import { writePage } from './write-page.ts';

/** Files that were asked for. */
export interface Outputs {
  readonly save?: string | undefined;
  readonly json?: string | undefined;
  readonly html?: string | undefined;
}

/**
 * Writes each output by itself, the record first: an hour's figures are not lost because one of their files cannot be written.
 *
 * @param tell is told where the record is.
 * @returns why those failed that did.
 */
export function writeOutputs(
  { save, json, html }: Outputs,
  report: Report,
  stacks: Stacks,
  tell: (text: string) => void,
): Error[] {
  const failures: Error[] = [];
  const attempt = (write: () => void): void => {
    try {
      write();
    } catch (error) {
      failures.push(error as Error);
    }
  };
  const text = `${JSON.stringify(report, null, 2)}\n`;
  if (save !== undefined) {
    attempt(() => {
      writeWhole('--save', save, text);
      tell(`Saved ${save}`);
    });
  }
  if (json !== undefined) {
    attempt(() => {
      writeWhole('--json', json, text);
    });
  }
  if (html !== undefined) {
    attempt(() => {
      writePage(html, report, stacks);
    });
  }
  return failures;
}
