import pg from 'pg';
import QueryStream from 'pg-query-stream';
import { BATCH_ROWS, type OpenRowReader, type StreamedRow, Tally } from '../stream.bench.ts';

/** Rows in a readable stream over a cursor; its default of 100 rows a fetch is slower. */
export function openQueryStream(): OpenRowReader {
  return async (url, text) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return {
      async read() {
        const tally = new Tally();
        const rows = client.query(new QueryStream(text, [], { batchSize: BATCH_ROWS }));
        for await (const row of rows) tally.add(row as StreamedRow);
        return tally;
      },
      close: () => client.end(),
    };
  };
}
