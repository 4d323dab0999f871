import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { EXECUTE_SYNC_BYTES, encodeCall, encodeClose } from '../dist/pool/bind.js';
import { RowDecoders, compile, interpret } from '../dist/pool/decode.js';
import { pgTypes } from '../dist/pool/pg-internals.js';
import { onlyReads, tagChangesSession, textChangesSession } from '../dist/pool/session-state.js';
import { PreparedStatements, StatementTexts } from '../dist/pool/statement-texts.js';
import { toQueryError } from '../dist/pool/query-error.js';

/** Reads a Bind message back, as the server would. */
function readBind(buffer: Buffer): { name: string; values: (Buffer | null)[]; formats: number[] } {
  expect(String.fromCharCode(buffer[0]!)).toBe('B');
  const end = 1 + buffer.readInt32BE(1);
  let at = 5;
  const text = (): string => {
    const from = at;
    at = buffer.indexOf(0, at) + 1;
    return buffer.toString('latin1', from, at - 1);
  };
  expect(text()).toBe('');
  const name = text();
  const formats: number[] = [];
  const formatCount = buffer.readUInt16BE(at);
  at += 2;
  for (let i = 0; i < formatCount; i++, at += 2) formats.push(buffer.readUInt16BE(at));
  const count = buffer.readUInt16BE(at);
  at += 2;
  const values: (Buffer | null)[] = [];
  for (let i = 0; i < count; i++) {
    const bytes = buffer.readInt32BE(at);
    at += 4;
    values.push(bytes < 0 ? null : buffer.subarray(at, at + bytes));
    if (bytes > 0) at += bytes;
  }
  expect(buffer.readUInt16BE(at)).toBe(0);
  expect(at + 2).toBe(end);
  expect(buffer.subarray(end).toString('latin1')).toBe('E\0\0\0\u0009\0\0\0\0\0S\0\0\0\u0004');
  expect(buffer.length - end).toBe(EXECUTE_SYNC_BYTES);
  return { name, values, formats };
}

describe('a call’s messages', () => {
  test('hold any texts and bytes', () => {
    const value = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.uint8Array(),
      fc.constant(null),
      fc.integer(),
      fc.bigInt(),
      fc.boolean(),
    );
    fc.assert(
      fc.property(fc.array(value, { maxLength: 40 }), (values) => {
        const read = readBind(encodeCall('stmt', values));
        expect(read.name).toBe('stmt');
        expect(read.values.map((bytes) => bytes && [...bytes])).toEqual(
          values.map((v) =>
            v === null ? null : [...(v instanceof Uint8Array ? v : Buffer.from(String(v)))],
          ),
        );
        const binary = values.map((v) => (v instanceof Uint8Array ? 1 : 0));
        expect(read.formats).toEqual(binary.includes(1) ? binary : []);
      }),
    );
  });

  test('beyond the scratch are exactly as long as they are', () => {
    const long = 'é𝄞x'.repeat(50_000);
    const read = readBind(encodeCall('', [long, new Uint8Array(70_000).fill(7), 1]));
    expect(read.values[0]!.toString()).toBe(long);
    expect(read.values[1]!.length).toBe(70_000);
  });

  test('do not change when the next ones are made', () => {
    const first = encodeCall('', ['one']);
    const copy = Buffer.from(first);
    encodeCall('', ['another']);
    expect(first.equals(copy)).toBe(true);
  });

  test('take 65,535 values and not one more', () => {
    expect(readBind(encodeCall('', new Array(65_535).fill(null))).values).toHaveLength(65_535);
    expect(() => encodeCall('', new Array(65_536).fill(null))).toThrow(
      expect.objectContaining({ code: 'ERR_HOTPATH_DATABASE_ARGUMENT_RANGE' }),
    );
  });

  test('refuse what is no parameter, naming the place and not the value', () => {
    const loop: Record<string, unknown> = { secret: 's3cret' };
    loop['self'] = loop;
    for (const [value, message] of [
      [() => 's3cret', /^values\[1\]: .*function$/],
      [Symbol('s3cret'), /^values\[1\]: .*symbol$/],
      [new Date(Number.NaN), /^values\[1\]: expected a valid Date/],
      [loop, /^values\[1\]: cannot be made a parameter$/],
    ] as const) {
      expect(() => encodeCall('', [1, value])).toThrow(message);
    }
  });

  test('Close names its statement', () => {
    expect(encodeClose('ab').toString('latin1')).toBe('C\0\0\0\u0008Sab\0');
  });
});

/** A row's values as they are on the wire, with other bytes around them. */
function wire(values: readonly (string | null)[]): [bytes: Buffer, at: number, end: number] {
  const parts = values.flatMap((value) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(value === null ? -1 : Buffer.byteLength(value));
    return [length, Buffer.from(value ?? '')];
  });
  const bytes = Buffer.concat([Buffer.from('xx'), ...parts, Buffer.from('yyyy')]);
  return [bytes, 2, bytes.length - 4];
}

describe('decoding', () => {
  const parsers = [undefined, (text: string) => Number(text), undefined];
  const rows = [
    ['a', '1', null],
    ['', null, 'x'],
  ];

  for (const [how, make] of [
    ['compiled', compile],
    ['interpreted', interpret],
  ] as const) {
    test(`${how}: parses, keeps null, takes the last of two equal names`, () => {
      const decode = make(['s', 'n', 's'], parsers)!;
      expect(rows.map((row) => decode(...wire(row)))).toEqual([
        { s: null, n: 1 },
        { s: 'x', n: null },
      ]);
    });

    test(`${how}: a column may have any name`, () => {
      const names = ['__proto__', 'constructor', '"]:0}});throw 1//', '\u2028', ''];
      const row = make(
        names,
        names.map(() => undefined),
      )!(...wire(['a', 'b', 'c', 'd', 'e'])) as Record<string, unknown>;
      expect(Object.entries(row)).toEqual(names.map((name, i) => [name, 'abcde'[i]]));
      expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
    });
  }

  test('what is no row throws, and never makes half a row of it', () => {
    const decoders = [
      compile(['a', 'b'], [undefined, undefined])!,
      interpret(['a', 'b'], [undefined, undefined]),
    ];
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.string({ unit: 'binary' })), { minLength: 2, maxLength: 2 }),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: -6, max: 6 }),
        (values, changes, cut) => {
          const [bytes, at, end] = wire(values);
          for (const [where, to] of changes) bytes[at + (where % Math.max(1, end - at))] = to;
          const outcomes = decoders.map((decode) => {
            try {
              return decode(bytes, at, Math.max(at, end + cut));
            } catch (error) {
              return (error as Error).name;
            }
          });
          for (const outcome of outcomes) {
            if (typeof outcome !== 'string') expect(Object.keys(outcome)).toEqual(['a', 'b']);
            else expect(outcome).toBe('RangeError');
          }
          expect(outcomes[0]).toEqual(outcomes[1]);
        },
      ),
    );
  });

  test('integers and booleans are what pg makes of them, whatever comes', () => {
    const own = [16, 21, 23, 26].map((oid) => pgTypes.getTypeParser(oid, 'text'));
    const names = own.map((_, index) => `c${index}`);
    const compiled = compile(names, own)!;
    // That they are read without a string is seen by what is asked for.
    const [bytes, at, end] = wire(['t', '-12', '2147483647', '0']);
    const strings = vi.spyOn(bytes, 'utf8Slice' as 'toString');
    expect(compiled(bytes, at, end)).toEqual({ c0: true, c1: -12, c2: 2147483647, c3: 0 });
    expect(strings).not.toHaveBeenCalled();
    const text = fc.option(
      fc.oneof(
        fc.integer().map(String),
        fc.bigInt().map(String),
        fc.constantFrom(
          't',
          'f',
          'true',
          'y',
          '',
          '-',
          '-0',
          '007',
          '1e3',
          ' 5',
          '12345678901',
          '9'.repeat(400),
        ),
        fc.string(),
      ),
    );
    fc.assert(
      fc.property(fc.array(text, { minLength: 4, maxLength: 4 }), (values) => {
        expect(compiled(...wire(values))).toEqual(interpret(names, own)(...wire(values)));
      }),
    );
    const mine = compile(['a'], [(value: string) => `<${parseInt(value, 10)}>`])!;
    expect(mine(...wire(['5']))).toEqual({ a: '<5>' });
  });

  test('results that look the same share one decoder, which is compiled once it has decoded enough', () => {
    const decoders = new RowDecoders({ getTypeParser: () => (text) => text });
    const fields = [{ name: 'a', dataTypeID: 25 }];
    const shape = decoders.for(fields);
    expect(decoders.for([{ ...fields[0]! }])).toBe(shape);
    const loop = shape.decode;
    for (let row = 0; row < 1_000; row++) expect(shape.decode(...wire([`${row}`]))).toEqual({ a: `${row}` });
    expect(shape.decode).not.toBe(loop);
  });
});

describe('prepared statements', () => {
  test('the same text has the same name everywhere, and different texts have different ones', () => {
    const a = new StatementTexts(10);
    const b = new StatementTexts(10);
    expect(a.for('SELECT 1').name).toBe(b.for('SELECT 1').name);
    expect(a.for('SELECT 1').name).not.toBe(a.for('SELECT 2').name);
    expect(a.for('SELECT 1')).toBe(a.for('SELECT 1'));
  });

  test('the least recently used one goes first', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(fc.nat(7)), (capacity, uses) => {
        const cache = new PreparedStatements<never>(capacity);
        let model: string[] = [];
        for (const use of uses) {
          const name = `s${use}`;
          const known = model.includes(name);
          expect(cache.get(name)?.name).toBe(known ? name : undefined);
          model = [...model.filter((other) => other !== name), name];
          if (!known) expect(cache.add(name)).toBe(model.length > capacity ? model.shift() : undefined);
          expect(cache.count).toBe(model.length);
        }
      }),
    );
  });
});

test('what changes the session is told from what does not', () => {
  for (const [tag, text] of [
    ['SET', 'SET search_path = x'],
    ['LISTEN', 'LISTEN a'],
    ['PREPARE', 'PREPARE a AS SELECT 1'],
    ['DO', 'DO $$ BEGIN SET a.b = 1; END $$'],
    ['SET', 'SET LOCAL a.b = 1; SET c.d = 2'],
  ] as const) {
    expect(tagChangesSession(tag, text), text).toBe(true);
  }
  for (const text of ['SET LOCAL a = 1', 'SET LOCAL a = 1 ; ', ' set transaction read only']) {
    expect(tagChangesSession('SET', text), text).toBe(false);
  }
  for (const text of [
    'SELECT pg_advisory_lock(1)',
    'select pg_try_advisory_lock_shared ($1)',
    "SELECT set_config('a', 'b', false)",
    'CREATE TEMP TABLE a (b int)',
    'create local temporary table a (b int)',
    'SELECT 1 INTO TEMP a',
    'CREATE OR REPLACE TEMP VIEW a AS SELECT 1',
    'CREATE TABLE pg_temp.a (b int)',
    'DECLARE a CURSOR WITH HOLD FOR SELECT 1',
  ]) {
    expect(textChangesSession(text), text).toBe(true);
  }
  for (const text of [
    'SELECT temp FROM weather',
    'SELECT pg_advisory_xact_lock(1)',
    "SELECT set_config('app.user', $1, true)",
    'CREATE TABLE a (b int)',
  ]) {
    expect(textChangesSession(text), text).toBe(false);
  }
});

test('errors about data quote none of it, others keep their names', () => {
  const error = (code: string, message: string): Error => Object.assign(new Error(message), { code });
  expect(toQueryError(error('22P02', 'invalid input syntax for type integer: "s3cret"')).message).toBe(
    'invalid input syntax for type integer: "…" (SQLSTATE 22P02)',
  );
  expect(toQueryError(error('22P02', 'ungültig: »s3cret«, „s3cret“')).message).not.toContain('s3cret');
  const unique = toQueryError(
    Object.assign(error('23505', 'duplicate key value violates unique constraint "users_email_key"'), {
      detail: 'Key (email)=(s3cret) already exists.',
      constraint: 'users_email_key',
      table: 'users',
    }),
  );
  expect(unique).toMatchObject({ sqlState: '23505', constraint: 'users_email_key', table: 'users' });
  expect(unique.message).toContain('users_email_key');
  expect(JSON.stringify(Object.entries(unique))).not.toContain('s3cret');
});

test('what only reads is told from what does more', () => {
  for (const text of [
    'SELECT 1',
    ' -- a note\n/* another */ select * from t where id = $1',
    'WITH a AS (SELECT 1) SELECT * FROM a',
    'VALUES (1)',
    '(SELECT 1) UNION SELECT 2',
  ]) {
    expect([text, onlyReads(text)]).toEqual([text, true]);
  }
  for (const text of [
    'BEGIN',
    'SET work_mem = 1',
    'INSERT INTO t VALUES (1) RETURNING id',
    'WITH a AS (DELETE FROM t RETURNING id) SELECT * FROM a',
    'SELECT * INTO u FROM t',
    'SELECT * FROM t FOR NO KEY UPDATE',
    'SELECT * FROM t FOR KEY SHARE',
    'SELECT pg_advisory_lock($1)',
    'SELECT pg_sleep($1)',
    "SELECT set_config('a.b', $1, false)",
    'EXPLAIN ANALYZE SELECT 1',
    'DISCARD ALL',
  ]) {
    expect([text, onlyReads(text)]).toEqual([text, false]);
  }
});
