import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeCall } from '../dist/pool/bind.js';
import { GROUP_MAX, exchangesOf, expectCalls, goApart, joinCalls } from '../dist/pool/groups.js';
import { readFields, readReport, readSelected, readTag } from '../dist/pool/server-messages.js';
import { callsOnlyKnown } from '../dist/pool/session-state.js';
import { type Request, Statement } from '../dist/pool/statement.js';

function statement(name: string, group: Request['group'], value: unknown = 1): Statement {
  const request = {
    text: `of ${name}`,
    call: encodeCall(name, [value]),
    name,
    changesSession: false,
    shareable: true,
    group,
  };
  const ignore = (): void => {};
  return new Statement(request, 'pool', ignore, ignore);
}

describe('what goes out together', () => {
  test('shares a Sync within its text, where it is prepared and may; nothing is lost or doubled', () => {
    const kinds = ['a', 'b', 'unprepared', 'ungrouped'];
    const mix = fc.array(fc.constantFrom(...kinds), { maxLength: 3 * GROUP_MAX });
    fc.assert(
      fc.property(mix, (names) => {
        const groups = new Map(
          kinds.map((name) => [
            name,
            name === 'ungrouped' ? undefined : { alone: 0, callMs: 0, most: GROUP_MAX },
          ]),
        );
        const statements = names.map((name) => statement(name, groups.get(name)));
        const exchanges = exchangesOf(statements, (name) => name !== 'unprepared');
        expect(new Set(exchanges.flat())).toEqual(new Set(statements));
        expect(exchanges.flat()).toHaveLength(statements.length);
        for (const exchange of exchanges) {
          const [first] = exchange;
          expect(exchange.length).toBeLessThanOrEqual(GROUP_MAX);
          expect(new Set(exchange.map(({ request }) => request.name)).size).toBe(1);
          if (['unprepared', 'ungrouped'].includes(first!.request.name)) expect(exchange).toHaveLength(1);
        }
        for (const name of ['a', 'b']) {
          const count = names.filter((other) => other === name).length;
          const own = exchanges.filter(([first]) => first!.request.name === name);
          expect(own).toHaveLength(Math.ceil(count / GROUP_MAX));
        }
      }),
    );
  });

  test('goes apart for a while after trouble, then together again', () => {
    const group = { alone: 5, callMs: 0, most: GROUP_MAX };
    const sizes = (): number[] =>
      exchangesOf(
        Array.from({ length: 4 }, () => statement('a', group)),
        () => true,
      ).map(({ length }) => length);
    expect(sizes()).toEqual([1, 1, 1, 1]);
    expect(sizes()).toEqual([1, 3]);
    expect(sizes()).toEqual([4]);
  });

  test('the longer a text took, the fewer of it share a Sync; the expectation rises at once and falls slowly', () => {
    const group = { alone: 0, callMs: 0, most: GROUP_MAX };
    const sizes = (): number[] =>
      exchangesOf(
        Array.from({ length: 40 }, () => statement('a', group)),
        () => true,
      ).map(({ length }) => length);
    expect(sizes()).toEqual([GROUP_MAX, 40 - GROUP_MAX]);
    expectCalls(group, 1, 0.5);
    expect(sizes()).toEqual([10, 10, 10, 10]);
    expectCalls(group, 10, 25);
    expect(sizes()).toEqual(new Array(20).fill(2));
    expectCalls(group, 2, 10_000);
    expect(sizes()).toEqual(new Array(40).fill(1));
    let quick = 0;
    while (sizes().length > 2) {
      expectCalls(group, 1, 0.01);
      quick++;
    }
    expect(quick).toBeGreaterThan(5);
    expect(quick).toBeLessThan(50);
  });

  test('a group is at most twice as large as any before it of its text, and small again after trouble', () => {
    const group = { alone: 0, callMs: 0, most: 1 };
    const sizes = (): number[] =>
      exchangesOf(
        Array.from({ length: GROUP_MAX }, () => statement('a', group)),
        () => true,
      ).map(({ length }) => length);
    for (let most = 1; most <= GROUP_MAX; most *= 2) {
      expect(new Set(sizes())).toEqual(new Set([most]));
      expectCalls(group, most, 0.01);
      // What goes alone in between does not make it smaller.
      expectCalls(group, 1, 0.01);
    }
    expect(sizes()).toEqual([GROUP_MAX]);
    goApart(group);
    // One that was under way behind it.
    expectCalls(group, GROUP_MAX, 0.01);
    expect(new Set(sizes())).toEqual(new Set([1]));
    group.alone = 0;
    expectCalls(group, 1, 0.01);
    expect(new Set(sizes())).toEqual(new Set([2]));
  });

  test('a long call has its own', () => {
    const group = { alone: 0, callMs: 0, most: GROUP_MAX };
    const list = [statement('a', group), statement('a', group, 'x'.repeat(10_000)), statement('a', group)];
    const exchanges = exchangesOf(list, () => true);
    expect(exchanges.map((exchange) => exchange.map((one) => list.indexOf(one)))).toEqual([[0, 2], [1]]);
  });

  test('is its calls with one Sync at the end', () => {
    const list = ['é', 22, null].map((value) => statement('a', { alone: 0, callMs: 0, most: 1 }, value));
    const calls = list.map(({ request }) => request.call!.toString('latin1'));
    const sync = 'S\0\0\0\u0004';
    expect(joinCalls(list).toString('latin1')).toBe(
      calls.map((call) => call.slice(0, -sync.length)).join('') + sync,
    );
  });
});

test('a long word or a long gap is read once, and not once a character', () => {
  expect(callsOnlyKnown(`SELECT '${'a'.repeat(1_000_000)}'`)).toBe(true);
  expect(callsOnlyKnown(`SELECT 1${' '.repeat(1_000_000)}AS a`)).toBe(true);
  expect(callsOnlyKnown(`SELECT ${'a'.repeat(1_000_000)}${' '.repeat(1_000_000)}(1)`)).toBe(false);
});

test('what calls nothing of the users’ is told from what may', () => {
  for (const text of [
    'SELECT id, name FROM users WHERE id = $1',
    'SELECT count(*), max ( a ) FROM t WHERE a IN ($1, $2) AND (b = 1 OR (c))',
    'WITH x AS (SELECT 1 AS a) SELECT a * (a + 1) FROM x WHERE EXISTS (SELECT 1)',
    'SELECT $1::varchar(20), coalesce(a, (b)) FROM t',
    'VALUES (1, 2), (3, 4)',
  ]) {
    expect(callsOnlyKnown(text), text).toBe(true);
  }
  for (const text of [
    'SELECT charge($1)',
    'SELECT charge ($1)',
    'SELECT app.lower($1)',
    'SELECT app . lower($1)',
    'SELECT "count"($1)',
    'SELECT charge/**/($1)',
    'SELECT charge -- *\n($1)',
    'SELECT zähle($1)',
    'SELECT a FROM t JOIN charge_all($1) ON true',
    'SELECT U&"count" UESCAPE \'!\'($1)',
  ]) {
    expect(callsOnlyKnown(text), text).toBe(false);
  }
});

describe('the server’s messages', () => {
  const text = (value: string): Buffer => Buffer.from(`${value}\0`);
  const report = Buffer.concat([
    ...['SERROR', 'VERROR', 'C22012', 'Mdivision by zero', 'Rint4div', 'Xunknown'].map(text),
    Buffer.from([0]),
  ]);
  const field = (name: string, oid: number): Buffer => {
    const rest = Buffer.alloc(18);
    rest.writeUInt32BE(oid, 6);
    return Buffer.concat([text(name), rest]);
  };
  const fields = Buffer.concat([Buffer.from([0, 2]), field('é', 23), field('', 0xffff_fffe)]);

  test('are read as they are', () => {
    expect(readReport(report, 0, report.length)).toMatchObject({
      message: 'division by zero',
      severity: 'ERROR',
      code: '22012',
      routine: 'int4div',
    });
    expect(readFields(fields, 0, fields.length)).toEqual([
      { name: 'é', dataTypeID: 23 },
      { name: '', dataTypeID: 0xffff_fffe },
    ]);
    for (const [tag, selected] of [
      ['SELECT 0', 0],
      ['SELECT 1234567890123', 1_234_567_890_123],
      ['INSERT 0 5', -1],
      ['SELECTED', -1],
      ['', -1],
    ] as const) {
      const bytes = Buffer.concat([Buffer.from('xx'), text(tag), Buffer.from('1')]);
      expect(readSelected(bytes, 2, bytes.length - 1)).toBe(selected);
      expect(readTag(bytes, 2, bytes.length - 1)).toBe(tag);
    }
  });

  test('mangled, are read within their bounds or refused', () => {
    const change = fc.tuple(fc.nat(500), fc.nat(255));
    const reads = [readReport, readFields, readTag, readSelected];
    fc.assert(
      fc.property(fc.constantFrom(report, fields), fc.array(change), fc.nat(60), (whole, changes, length) => {
        const bytes = Buffer.from(whole);
        for (const [at, to] of changes) bytes[at % bytes.length] = to;
        const end = Math.min(length, bytes.length);
        for (const readIt of reads) {
          // What is behind the end must make no difference.
          const outcomes = [0x41, 0].map((fill) => {
            const padded = Buffer.concat([bytes.subarray(0, end), Buffer.alloc(40, fill)]);
            try {
              const read = readIt(padded, 0, end);
              return read instanceof Error ? [read.message, Object.entries(read)] : read;
            } catch (error) {
              return String(error);
            }
          });
          expect(outcomes[0]).toEqual(outcomes[1]);
        }
      }),
    );
  });
});
