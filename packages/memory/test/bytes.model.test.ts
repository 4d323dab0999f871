import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bytes, BytesList, BytesMut, heap, payloadBytesCopied } from '@hotpath/memory';

/** A live handle and the plain bytes that it must show. */
interface Pair {
  handle: Bytes<ArrayBufferLike>;
  model: number[];
}

const index = fc.nat({ max: 20 });
const share = fc.double({ min: 0, max: 1, noNaN: true });
const at = (fraction: number, length: number) => Math.round(fraction * length);

test('random programs over Bytes agree with plain arrays after every step, and nothing leaks or is copied', () => {
  const step = fc.oneof(
    fc.record({ op: fc.constant('clone' as const), index }),
    fc.record({ op: fc.constant('slice' as const), index, a: share, b: share }),
    fc.record({ op: fc.constant('splitTo' as const), index, a: share }),
    fc.record({ op: fc.constant('splitOff' as const), index, a: share }),
    fc.record({ op: fc.constant('release' as const), index }),
  );
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.boolean(),
      fc.array(step, { maxLength: 60 }),
      (payload, shared, steps) => {
        let freed = 0;
        const used = heap().stats().usedBlockCount;
        const first: Bytes<ArrayBufferLike> = shared
          ? Bytes.copyFrom(payload, { shared: true })
          : Bytes.adopt(payload, () => freed++);
        const copied = payloadBytesCopied();
        const live: Pair[] = [{ handle: first, model: [...payload] }];
        for (const { op, index, ...where } of steps) {
          if (live.length === 0) break;
          const pair = live[index % live.length]!;
          const { handle, model } = pair;
          const a = 'a' in where ? at(where.a, model.length) : 0;
          if (op === 'clone') live.push({ handle: handle.clone(), model: [...model] });
          else if (op === 'slice') {
            const b = 'b' in where ? at(where.b, model.length) : 0;
            const [start, end] = a < b ? [a, b] : [b, a];
            live.push({ handle: handle.slice(start, end), model: model.slice(start, end) });
          } else if (op === 'splitTo') live.push({ handle: handle.splitTo(a), model: model.splice(0, a) });
          else if (op === 'splitOff') live.push({ handle: handle.splitOff(a), model: model.splice(a) });
          else {
            handle.release();
            live.splice(live.indexOf(pair), 1);
          }
          for (const { handle, model } of live) {
            expect([...handle]).toEqual(model);
            expect(handle.length).toBe(model.length);
            expect(handle.handleCount).toBe(live.length);
          }
        }
        expect(payloadBytesCopied()).toBe(copied);
        expect(freed).toBe(!shared && live.length === 0 ? 1 : 0);
        for (const { handle } of live) handle.release();
        if (!shared) expect(freed).toBe(1);
        expect(heap().stats().usedBlockCount).toBe(used);
      },
    ),
    { numRuns: 300 },
  );
});

test('searching, comparing and hashing agree with Buffer on random slices', () => {
  const small = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 40 });
  fc.assert(
    fc.property(small, small, share, share, fc.nat({ max: 40 }), (haystack, needle, a, b, from) => {
      const whole = Bytes.adopt(Uint8Array.from([9, ...haystack, 9])).slice(1, haystack.length + 1);
      const plain = Buffer.from(haystack);
      const [start, end] = [at(Math.min(a, b), plain.length), at(Math.max(a, b), plain.length)];
      const part = whole.slice(start, end);
      const plainPart = plain.subarray(start, end);
      const what = Buffer.from(needle.slice(0, 4));
      const position = Math.min(from, part.length);
      expect(part.indexOf(what, position)).toBe(plainPart.indexOf(what, position));
      expect(part.compare(Bytes.adopt(Buffer.from(needle)))).toBe(plainPart.compare(Buffer.from(needle)));
      expect(part.startsWith(what)).toBe(plainPart.subarray(0, what.length).equals(what));
      expect(part.endsWith(what)).toBe(
        plainPart.length >= what.length && plainPart.subarray(plainPart.length - what.length).equals(what),
      );
      expect(part.hash(7)).toBe(Bytes.copyFrom(plainPart).hash(7));
    }),
    { numRuns: 500 },
  );
});

test('random programs over BytesMut agree with plain arrays after every step', () => {
  const step = fc.oneof(
    fc.record({ op: fc.constant('put' as const), index, bytes: fc.uint8Array({ maxLength: 30 }) }),
    fc.record({
      op: fc.constant('text' as const),
      index,
      text: fc.string({ unit: 'binary', maxLength: 30 }),
    }),
    fc.record({ op: fc.constantFrom('splitTo' as const, 'splitOff' as const), index, a: share }),
    fc.record({ op: fc.constant('unsplit' as const), index, other: index }),
    fc.record({
      op: fc.constantFrom('advance' as const, 'truncate' as const, 'set' as const),
      index,
      a: share,
    }),
    fc.record({ op: fc.constant('reserve' as const), index, count: fc.nat({ max: 100 }) }),
    fc.record({ op: fc.constantFrom('reclaim' as const, 'freeze' as const, 'release' as const), index }),
  );
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { maxLength: 50 }), (shared, steps) => {
      const used = heap().stats().usedBlockCount;
      const make = (): BytesMut<ArrayBufferLike> =>
        shared ? BytesMut.withCapacity(16, { shared: true }) : BytesMut.withCapacity(16);
      const live: { handle: BytesMut<ArrayBufferLike>; model: number[] }[] = [{ handle: make(), model: [] }];
      const frozen: Pair[] = [];
      for (const step of steps) {
        if (live.length === 0) live.push({ handle: make(), model: [] });
        const pair = live[step.index % live.length]!;
        const { handle, model } = pair;
        const remove = (gone: typeof pair) => live.splice(live.indexOf(gone), 1);
        switch (step.op) {
          case 'put': {
            handle.putBytes(step.bytes);
            model.push(...step.bytes);
            break;
          }
          case 'text': {
            handle.putUtf8(step.text);
            model.push(...Buffer.from(step.text));
            break;
          }
          case 'splitTo': {
            const cut = at(step.a, model.length);
            live.push({ handle: handle.splitTo(cut), model: model.splice(0, cut) });
            break;
          }
          case 'splitOff': {
            const cut = at(step.a, model.length);
            live.push({ handle: handle.splitOff(cut), model: model.splice(cut) });
            break;
          }
          case 'unsplit': {
            const other = live[step.other % live.length]!;
            if (other === pair) break;
            handle.unsplit(other.handle);
            model.push(...other.model);
            remove(other);
            break;
          }
          case 'advance': {
            const cut = at(step.a, model.length);
            handle.advance(cut);
            model.splice(0, cut);
            break;
          }
          case 'truncate': {
            const cut = at(step.a, model.length);
            handle.truncate(cut);
            model.splice(cut);
            break;
          }
          case 'set': {
            if (model.length === 0) break;
            const where = Math.min(at(step.a, model.length), model.length - 1);
            handle.setUint8(where, 77);
            model[where] = 77;
            break;
          }
          case 'reserve': {
            handle.reserve(step.count);
            expect(handle.capacity).toBeGreaterThanOrEqual(model.length + step.count);
            break;
          }
          case 'reclaim': {
            handle.tryReclaim(40);
            break;
          }
          case 'freeze': {
            frozen.push({ handle: handle.freeze(), model });
            remove(pair);
            break;
          }
          case 'release': {
            handle.release();
            remove(pair);
            break;
          }
        }
        for (const { handle, model } of [...live, ...frozen]) expect([...handle]).toEqual(model);
      }
      for (const { handle } of [...live, ...frozen]) handle.release();
      expect(heap().stats().usedBlockCount).toBe(used);
    }),
    { numRuns: 300 },
  );
});

test('random programs over BytesList agree with a plain array after every step, and all blocks come back', () => {
  const step = fc.oneof(
    fc.record({
      op: fc.constantFrom('push' as const, 'unshift' as const),
      bytes: fc.uint8Array({ maxLength: 12 }),
    }),
    fc.record({ op: fc.constantFrom<'splitTo' | 'advance'>('splitTo', 'advance'), a: share }),
    fc.record({ op: fc.constant('slice' as const), a: share, b: share }),
    fc.record({ op: fc.constant('append' as const), bytes: fc.uint8Array({ maxLength: 12 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      let open = 0;
      const part = (bytes: Uint8Array<ArrayBuffer>) => {
        open++;
        return Bytes.adopt(bytes, () => open--);
      };
      const contentOf = (list: BytesList) => [...list].flatMap((bytes) => [...bytes]);
      const list = new BytesList();
      let model: number[] = [];
      for (const step of steps) {
        if (step.op === 'push' || step.op === 'unshift') {
          list[step.op](part(step.bytes));
          model = step.op === 'push' ? [...model, ...step.bytes] : [...step.bytes, ...model];
        } else if (step.op === 'append') {
          const other = new BytesList([part(step.bytes)]);
          list.append(other);
          model.push(...step.bytes);
          other.release();
        } else if (step.op === 'slice') {
          const [start, end] = [
            at(Math.min(step.a, step.b), model.length),
            at(Math.max(step.a, step.b), model.length),
          ];
          const slice = list.slice(start, end);
          expect(contentOf(slice)).toEqual(model.slice(start, end));
          slice.release();
        } else {
          const cut = at((step as { a: number }).a, model.length);
          const head = model.splice(0, cut);
          if (step.op === 'advance') list.advance(cut);
          else {
            const split = list.splitTo(cut);
            expect(contentOf(split)).toEqual(head);
            split.release();
          }
        }
        expect(contentOf(list)).toEqual(model);
        expect(list.length).toBe(model.length);
        const joined = list.toBytes();
        expect([...joined]).toEqual(model);
        joined.release();
        if (model.length > 0) expect(list.getUint8(model.length - 1)).toBe(model.at(-1));
      }
      list.release();
      expect(open).toBe(0);
    }),
    { numRuns: 300 },
  );
});
