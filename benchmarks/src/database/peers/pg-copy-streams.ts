import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from } from 'pg-copy-streams';
import type { OpenUserWriter } from '../inserts.ts';
import type { NewUser } from '../users.ts';

function escape(text: string): string {
  return text.replaceAll(/[\\\n\r\t]/gu, (character) => `\\${character}`);
}

function* lines(users: readonly NewUser[]): Generator<string> {
  for (const { name, email } of users) yield `${escape(name)}\t${escape(email)}\n`;
}

const FRAME_CHARS = 65_536;

function* frames(users: readonly NewUser[]): Generator<string> {
  let frame = '';
  for (const line of lines(users)) {
    frame += line;
    if (frame.length < FRAME_CHARS) continue;
    yield frame;
    frame = '';
  }
  yield frame;
}

/** COPY from a stream of rows, a chunk each, or of 64 KiB frames, which its user has to think of. */
export function openCopyStreams(chunks: 'rows' | 'frames'): OpenUserWriter {
  return async (url, table) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return {
      async write(users) {
        const source = Readable.from(chunks === 'rows' ? lines(users) : frames(users), { objectMode: false });
        await pipeline(source, client.query(from(`COPY ${table} (name, email) FROM STDIN`)));
      },
      close: () => client.end(),
    };
  };
}
