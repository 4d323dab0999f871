import { QueryError } from '../errors.ts';

/** Words in quotes: in errors about data (class 22) they are the data. Greedy, and in the quotes of every language of the server. */
const QUOTED = /["'«»„“‚‘「『].*["'«»“”‘’」』]/su;

/** Makes the server's report an error whose message quotes no data. */
export function toQueryError(cause: Error): QueryError {
  const report = cause as unknown as Readonly<Record<string, unknown>>;
  const sqlState = typeof report['code'] === 'string' ? report['code'] : '';
  const message = sqlState.startsWith('22') ? cause.message.replace(QUOTED, '"…"') : cause.message;
  const position = Number(report['position']);
  return new QueryError(
    sqlState === '' ? message : `${message} (SQLSTATE ${sqlState})`,
    {
      sqlState,
      ...pick(report, 'severity'),
      ...pick(report, 'hint'),
      ...(position > 0 ? { position } : {}),
      ...pick(report, 'schema'),
      ...pick(report, 'table'),
      ...pick(report, 'column'),
      ...pick(report, 'dataType'),
      ...pick(report, 'constraint'),
      ...pick(report, 'routine'),
    },
    cause,
  );
}

function pick<Name extends string>(
  report: Readonly<Record<string, unknown>>,
  name: Name,
): { readonly [key in Name]?: string } {
  const value = report[name];
  return (typeof value === 'string' ? { [name]: value } : {}) as { readonly [key in Name]?: string };
}
