import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../dist/insert/byte-writer.js';
import { copyEncoding, unnestEncoding } from '../dist/insert/encodings.js';
import type { ColumnPlan } from '../dist/insert/sql.js';

/** Short and long ones, of ASCII and of more, with everything that COPY would misread. */
const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'binary-ascii', minLength: 55, maxLength: 75 }),
  fc.stringMatching(/^[\\\t\n\r.N,"{}é€ ]*$/),
  fc.constantFrom('', '\\N', '\\.', 'NULL', '\u{1f600}', `${'x'.repeat(63)}é`, '\\'.repeat(70)),
);
const rows = fc.array(fc.tuple(fc.option(texts), fc.option(texts)), { minLength: 1, maxLength: 40 });

const column = (name: string, textOid: number, kind: ColumnPlan['kind'] = 'plain'): ColumnPlan => ({
  name,
  type: 'text',
  direct: true,
  textOid,
  kind,
  copies: true,
});

/** The lines of a CopyData message, as the server reads them. */
function readCopy(frame: Buffer): (string | null)[][] {
  expect(frame[0]).toBe(0x64);
  expect(frame.readInt32BE(1)).toBe(frame.length - 1);
  const lines = frame.subarray(5).toString('utf8').split('\n');
  expect(lines.pop()).toBe('');
  const letters: Record<string, string> = { t: '\t', n: '\n', r: '\r', '\\': '\\' };
  return lines.map((line) =>
    line
      .split('\t')
      .map((value) =>
        value === '\\N' ? null : value.replace(/\\(.)/gu, (_, letter: string) => letters[letter]!),
      ),
  );
}

/** The elements of an array's binary form. */
function readArray(bytes: Buffer, oid: number, version?: number): (string | null)[] {
  expect([0, 8, 16].map((at) => bytes.readInt32BE(at))).toEqual([1, oid, 1]);
  const elements: (string | null)[] = [];
  let at = 20;
  for (let left = bytes.readInt32BE(12); left > 0; left--) {
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length < 0) {
      elements.push(null);
      continue;
    }
    if (version !== undefined) expect(bytes[at]).toBe(version);
    elements.push(bytes.toString('utf8', at + (version === undefined ? 0 : 1), at + length));
    at += length;
  }
  expect(at).toBe(bytes.length);
  return elements;
}

describe('a buffer', () => {
  test('is not as large as the largest value ever after', () => {
    const frame = copyEncoding([column('a', 25)]);
    const take = (text: string): Buffer => {
      frame.add(text, 0);
      return frame.take()[0] as Buffer;
    };
    take('x'.repeat(20e6));
    take('x');
    expect(take('x').buffer.byteLength).toBeLessThan(100_000);
  });

  test('takes no more than the server does, so that a length is never cut off', () => {
    const bytes = new ByteWriter(16, 100);
    bytes.text('x'.repeat(60));
    expect(() => {
      bytes.copyText('x'.repeat(41));
    }).toThrow('expected less than 101 bytes in one row');
  });
});

describe('rows on the wire', () => {
  test('lines of a COPY hold any texts and nulls', () => {
    fc.assert(
      fc.property(rows, rows, (first, second) => {
        const encoding = copyEncoding([column('a', 25), column('b', 25)]);
        // A second frame, of a buffer of its own: the first is still being sent.
        const frames = [first, second].map((part) => {
          for (const row of part) row.forEach((value, index) => encoding.add(value, index));
          return encoding.take()[0] as Buffer;
        });
        expect(frames.map(readCopy)).toEqual([first, second]);
      }),
    );
  });

  test('arrays of texts hold any texts and nulls', () => {
    fc.assert(
      fc.property(rows, rows, (first, second) => {
        const encoding = unnestEncoding([column('a', 25), column('b', 1043)], true);
        const taken = [first, second].map((part) => {
          for (const row of part) row.forEach((value, index) => encoding.add(value, index));
          return encoding.take() as Buffer[];
        });
        expect(taken.map(([a, b]) => [readArray(a!, 25), readArray(b!, 1_043)])).toEqual(
          [first, second].map((part) => [part.map(([a]) => a), part.map(([, b]) => b)]),
        );
      }),
    );
  });

  test('a large frame and a large array grow', () => {
    const large = 'ü'.repeat(100_000);
    const copy = copyEncoding([column('a', 25)]);
    copy.add(large, 0);
    expect(copy.size).toBeGreaterThan(copy.maxSize);
    expect(readCopy(copy.take()[0] as Buffer)).toEqual([[large]]);
    const unnest = unnestEncoding([column('a', 25)], true);
    for (let n = 0; n < 3; n++) unnest.add(large, 0);
    expect(unnest.size).toBeGreaterThan(600_000);
    expect(readArray(unnest.take()[0] as Buffer, 25)).toEqual([large, large, large]);
  });

  test('JSON is written as JSON, with the version of jsonb before it', () => {
    const encoding = unnestEncoding([column('a', 114, 'json'), column('b', 3802, 'json')], true);
    for (const value of ['text', { 'ä"': [1, null] }, null]) {
      encoding.add(value, 0);
      encoding.add(value, 1);
    }
    const expected = ['"text"', '{"ä\\"":[1,null]}', null];
    const [json, jsonb] = encoding.take() as Buffer[];
    expect(readArray(json!, 114)).toEqual(expected);
    expect(readArray(jsonb!, 3_802, 1)).toEqual(expected);
  });

  test('is a literal where the other side may not know that bytes are binary, or the type has a form of its own', () => {
    for (const encoding of [
      unnestEncoding([column('a', 25)], false),
      unnestEncoding([column('a', 0)], true),
    ]) {
      encoding.add('x', 0);
      encoding.add(null, 0);
      expect(encoding.take()).toEqual(['{"x",NULL}']);
    }
  });
});
