import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPostgresTool } from '../../services/postgres-binaries.ts';
import type { OpenUserWriter } from '../inserts.ts';

export function psqlMissing(): string | undefined {
  return findPostgresTool('psql') === undefined ? 'there is no psql' : undefined;
}

/** `\copy` of a file that is written beforehand, by a psql that is connected already. */
export function openPsqlCopy(folder: string): OpenUserWriter {
  return async (url, table) => {
    const psql = spawn(findPostgresTool('psql')!, ['-X', '-q', '-d', url, '-v', 'ON_ERROR_STOP=1'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const file = join(folder, 'users.tsv');
    let written: unknown;
    let answered: (error?: Error) => void = () => {};
    psql.stdout.on('data', () => {
      answered();
    });
    psql.on('close', (code) => {
      answered(new Error(`psql ended with ${code}`));
    });
    return {
      async write(users) {
        if (written !== users) {
          writeFileSync(file, users.map(({ name, email }) => `${name}\t${email}\n`).join(''));
          written = users;
        }
        await new Promise<void>((resolve, reject) => {
          answered = (error) => {
            if (error === undefined) resolve();
            else reject(error);
          };
          psql.stdin.write(`\\copy ${table} (name, email) from '${file}'\n\\echo done\n`);
        });
      },
      async close() {
        const closed = new Promise((resolve) => psql.once('close', resolve));
        psql.stdin.end();
        await closed;
      },
    };
  };
}
