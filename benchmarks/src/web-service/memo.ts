/**
 * What one process of a run found out, for the processes after it: the comparison takes a minute, and each row of the
 * report asks for another figure of the same one. It lives in the run's own database and goes with it.
 */

import pg from 'pg';

/** The value under this key; `make` makes it when it is asked for the first time. Plain data only. */
export async function memo<Value>(
  databaseUrl: string,
  key: string,
  make: () => Promise<Value>,
): Promise<Value> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    await client.query(
      'CREATE TABLE IF NOT EXISTS public.w1_memo (key text PRIMARY KEY, value jsonb NOT NULL)',
    );
    const { rows } = await client.query<{ value: Value }>('SELECT value FROM public.w1_memo WHERE key = $1', [
      key,
    ]);
    if (rows[0] !== undefined) return rows[0].value;
    const value = await make();
    await client.query('INSERT INTO public.w1_memo VALUES ($1, $2)', [key, JSON.stringify(value)]);
    return value;
  } finally {
    await client.end();
  }
}
