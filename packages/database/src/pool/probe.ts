import type { PgConnection } from './pg-internals.ts';
import { type Request, Statement } from './statement.ts';

const SYNC = Buffer.from([0x53, 0, 0, 0, 4]);

const REQUEST: Request = { text: '', call: SYNC, name: '', changesSession: false, shareable: true };

const ignore = (): void => {};

/** A Sync alone, which the server answers at once, before it reads what was sent behind: it measures the way (see round-trip.ts). */
export class Probe extends Statement {
  constructor() {
    super(REQUEST, 'internal', ignore, ignore);
  }

  override submit({ stream }: PgConnection): null {
    stream.write(SYNC);
    return null;
  }
}
