import { heap } from '@hotpath/memory';
import fc from 'fast-check';
import { expect, test } from 'vitest';

/** What the program believes: which blocks it has, and the byte that it filled each with. */
interface Model {
  readonly blocks: { address: number; size: number; tag: number }[];
  readonly freed: number[];
}

const size = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.integer({ min: 0, max: 10_000 }),
  fc.integer({ min: 8000, max: 300_000 }),
);

const command = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('allocate' as const), size }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('free' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('free again' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('free inside' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trim' as const) }) },
);

function bytesAt(address: number, length: number): Uint8Array {
  return new Uint8Array(heap().memory.buffer, address, length);
}

test('blocks never overlap, keep what is written to them, and faulty frees change nothing', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 150, size: 'max' }), (commands) => {
      const model: Model = { blocks: [], freed: [] };
      let tag = 0;
      for (const step of commands) {
        if (step.kind === 'allocate') {
          const address = heap().allocate(step.size);
          tag = (tag + 1) & 0xff;
          expect(address % 64).toBe(0);
          bytesAt(address, step.size).fill(tag);
          model.blocks.push({ address, size: step.size, tag });
          model.freed.splice(0, model.freed.length, ...model.freed.filter((freed) => freed !== address));
        } else if (step.kind === 'free' && model.blocks.length > 0) {
          const [block] = model.blocks.splice(step.at % model.blocks.length, 1);
          expect(bytesAt(block!.address, block!.size).every((byte) => byte === block!.tag)).toBe(true);
          heap().free(block!.address);
          model.freed.push(block!.address);
        } else if (step.kind === 'free again' && model.freed.length > 0) {
          const address = model.freed[step.at % model.freed.length]!;
          // Another block may have taken the place in the meantime, with other bounds.
          if (model.blocks.some((block) => block.address === address)) continue;
          expect(() => heap().free(address)).toThrowError();
        } else if (step.kind === 'free inside' && model.blocks.length > 0) {
          const block = model.blocks[step.at % model.blocks.length]!;
          if (heap().sizeOf(block.address) > 64) expect(() => heap().free(block.address + 64)).toThrowError();
        } else if (step.kind === 'trim') heap().trim();
        heap().checkInvariants();
        let usedBytes = 0;
        for (const block of model.blocks) usedBytes += heap().sizeOf(block.address);
        expect(heap().stats()).toMatchObject({ usedBlockCount: model.blocks.length, usedBytes });
      }
      for (const block of model.blocks) {
        expect(bytesAt(block.address, block.size).every((byte) => byte === block.tag)).toBe(true);
        heap().free(block.address);
      }
      heap().checkInvariants();
      expect(heap().stats().usedBytes).toBe(0);
    }),
    { numRuns: 150 },
  );
});
