import { closureRowCode } from './closure-row-code.ts';
import type { Field } from './fields.ts';
import { generateRowCode } from './generated-row-code.ts';
import type { RowCode } from './row-code.ts';

/**
 * The code of a layout. Where code generation is off (`--disallow-code-generation-from-strings`), closures do the same,
 * several times slower in cursors; loops over columns are as fast as ever.
 */
export function compileRowCode(fields: readonly Field[]): RowCode {
  try {
    return generateRowCode(fields);
  } catch (error) {
    if (!(error instanceof EvalError)) throw error;
    return closureRowCode(fields);
  }
}
