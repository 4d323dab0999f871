/** What reading a record can throw. */

/** The text or value is no record: not JSON, or a field is missing or has the wrong type. */
export class ReportFormatError extends TypeError {
  override readonly name: string = 'ReportFormatError';
  readonly code = 'ERR_HOTPATH_BENCHMARKS_REPORT_FORMAT';
  /** Where in the record, as one would write it in code: `rows[3].ratios[0].low`; empty for the whole. */
  readonly path: string;

  constructor(path: string, expected: string, got: unknown, options?: ErrorOptions) {
    super(`${path === '' ? 'the record' : path}: expected ${expected}, got ${describe(got)}`, options);
    this.path = path;
  }
}

/** A record of another version of the schema, which this program cannot read. */
export class ReportVersionError extends RangeError {
  override readonly name: string = 'ReportVersionError';
  readonly code = 'ERR_HOTPATH_BENCHMARKS_REPORT_VERSION';
  readonly found: number;
  readonly supported: number;

  constructor(found: number, supported: number) {
    const advice =
      found > supported
        ? 'read it with the newer program that wrote it'
        : 'measure again, or read it with the program that wrote it';
    super(`schema: expected version ${supported}, got version ${found}; ${advice}`);
    this.found = found;
    this.supported = supported;
  }
}

const SHOWN_CHARACTERS = 40;

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') {
    const shown = value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value;
    return `the string ${JSON.stringify(shown)}`;
  }
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`;
  return `a ${typeof value}`;
}
