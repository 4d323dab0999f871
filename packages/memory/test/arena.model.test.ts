import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Arena, type ArenaHandle, type ArenaMark, heap } from '@hotpath/memory';

interface Block {
  handle: ArenaHandle;
  size: number;
  byte: number;
}

test('random programs: live blocks keep their bytes, dead handles are refused, after every step', () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        op: fc.constant('allocate' as const),
        size: fc.nat({ max: 1500 }),
        shift: fc.nat({ max: 6 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ op: fc.constant('intern' as const), text: fc.string({ maxLength: 5 }) }),
    },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('mark' as const) }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('rewind' as const), index: fc.nat({ max: 10 }) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constantFrom<'reset' | 'trim'>('reset', 'trim') }) },
  );
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { maxLength: 60 }), (isLent, steps) => {
      const used = heap().stats().usedBlockCount;
      const arena: Arena<ArrayBufferLike> = isLent
        ? new Arena({ memory: { buffer: new ArrayBuffer(200_000) } })
        : new Arena({ chunkBytes: 2048 });
      let live: Block[] = [];
      let texts: [ArenaHandle, string][] = [];
      let marks: { mark: ArenaMark; blocks: number; texts: number }[] = [];
      const dead: ArenaHandle[] = [];
      let byte = 0;
      const cut = (blocks: number, textCount: number) => {
        dead.push(
          ...live.slice(blocks).map((block) => block.handle),
          ...texts.slice(textCount).map(([handle]) => handle),
        );
        live = live.slice(0, blocks);
        texts = texts.slice(0, textCount);
      };
      for (const step of steps) {
        if (step.op === 'allocate') {
          byte = (byte % 255) + 1;
          const handle = arena.allocate(step.size, 2 ** step.shift);
          expect(arena.offsetOf(handle) % 2 ** step.shift).toBe(0);
          arena.fill(handle, step.size, byte);
          live.push({ handle, size: step.size, byte });
        } else if (step.op === 'intern') {
          const handle = arena.intern(step.text);
          const known = texts.find(([, text]) => text === step.text);
          if (known === undefined) texts.push([handle, step.text]);
          else expect(handle).toBe(known[0]);
        } else if (step.op === 'mark')
          marks.push({ mark: arena.mark(), blocks: live.length, texts: texts.length });
        else if (step.op === 'rewind') {
          if (marks.length === 0) continue;
          const index = step.index % marks.length;
          const { mark, blocks, texts: textCount } = marks[index]!;
          arena.rewind(mark);
          cut(blocks, textCount);
          marks = marks.slice(0, index + 1);
        } else if (step.op === 'reset') {
          arena.reset();
          cut(0, 0);
          marks = [];
        } else arena.trim();
        for (const block of live) {
          const view = arena.view('u8', block.handle, block.size);
          if (!view.every((value) => value === block.byte))
            throw new Error(`block ${block.byte} was overwritten`);
        }
        for (const [handle, text] of texts) expect(arena.text(handle)).toBe(text);
        for (const handle of dead.slice(-20)) {
          expect(() => arena.offsetOf(handle)).toThrow(
            expect.objectContaining({ code: 'ERR_HOTPATH_MEMORY_STALE_HANDLE' }),
          );
        }
        expect(arena.stats().internedCount).toBe(texts.length);
      }
      arena.release();
      expect(heap().stats().usedBlockCount).toBe(used);
    }),
    { numRuns: 300 },
  );
});
