import { HeapCorruptionError } from '../errors.ts';
import { firstOther, POISON } from '../heap/poison.ts';
import { isDebugMode } from '../heap/process-heap.ts';
import type { Block, BlockHome, BlockSource } from './block.ts';
import type { ResolvedPoolOptions } from './options.ts';
import type { PoolTrim } from './pool-calls.ts';
import type { ShareTable } from './share-table.ts';

/**
 * The blocks that a pool owns: a stack of idle ones for each size class, and the limits.
 *
 * In the heap's debug mode an idle block is filled, with zeros if the pool clears on release and else with
 * {@link POISON}, and checked when it is taken again: whoever wrote to it kept its bytes beyond the release.
 *
 * Invariant: `ownedBlocks` and `ownedBytes` count idle and leased blocks without overflow ones, and are within the limits.
 */
export class BlockStock<B extends ArrayBufferLike> {
  /** By class, the block released last at the end. The core pops and pushes here itself when nothing is to be done besides. */
  readonly idle: Block<B>[][];
  readonly #home: BlockHome<B>;
  readonly #options: ResolvedPoolOptions;
  readonly #source: BlockSource<B>;
  readonly #shares: ShareTable | undefined;
  /** What idle blocks are filled with; −1 when nothing is. */
  readonly #idleByte: number;
  readonly #isGuarded: boolean;
  #ownedBlocks = 0;
  #ownedBytes = 0;
  #created = 0;

  constructor(
    home: BlockHome<B>,
    options: ResolvedPoolOptions,
    source: BlockSource<B>,
    shares: ShareTable | undefined,
  ) {
    this.idle = options.classes.map(() => []);
    this.#home = home;
    this.#options = options;
    this.#source = source;
    this.#shares = shares;
    this.#isGuarded = isDebugMode();
    this.#idleByte = options.clearsOnRelease ? 0 : this.#isGuarded ? POISON : -1;
  }

  /** Whether blocks are filled or checked on their way in or out. */
  get touchesBlocks(): boolean {
    return this.#idleByte >= 0 || this.#options.clearsOnAcquire;
  }

  get ownedBytes(): number {
    return this.#ownedBytes;
  }

  get createdCount(): number {
    return this.#created;
  }

  get idleCount(): number {
    let count = 0;
    for (const idle of this.idle) count += idle.length;
    return count;
  }

  get idleBytes(): number {
    let bytes = 0;
    for (const [classIndex, idle] of this.idle.entries())
      bytes += idle.length * this.#options.classes[classIndex]!;
    return bytes;
  }

  /** Makes `count` idle blocks of a class, as far as the limits allow. */
  preallocate(classIndex: number, count: number): void {
    for (let i = 0; i < count; i++) {
      const block = this.#make(classIndex);
      if (block === undefined) return;
      this.idle[classIndex]!.push(block);
    }
  }

  /**
   * An idle block of the class, or a new one if the limits allow, ready to be leased.
   *
   * @throws HeapCorruptionError in debug mode, when the block was written to while it was idle; it is dropped.
   */
  take(classIndex: number): Block<B> | undefined {
    const idle = this.idle[classIndex]!.pop();
    if (idle?.isGuarded === true) this.#checkUntouched(idle);
    const block = idle ?? this.#make(classIndex);
    if (block !== undefined && this.#options.clearsOnAcquire) this.#source.fill(block, 0);
    return block;
  }

  /** A block that is dropped when it comes back. */
  makeOverflow(blockBytes: number): Block<B> {
    return this.#source.make(this.#home, blockBytes, -1, this.#isZeroed)!;
  }

  /** Makes a block idle that came back. */
  put(block: Block<B>): void {
    if (this.#idleByte >= 0) this.#source.fill(block, this.#idleByte);
    block.isGuarded = this.#isGuarded;
    this.idle[block.classIndex]!.push(block);
  }

  /** Lets go of a block. */
  drop(block: Block<B>): void {
    this.forget(block);
    this.#source.drop(block);
  }

  /** Counts a block no more, and leaves its memory to whoever may hold it. */
  forget(block: Block<B>): void {
    if (block.classIndex === -1) return;
    this.#ownedBlocks--;
    this.#ownedBytes -= block.blockBytes;
    this.#shares?.remove(block as unknown as Block<SharedArrayBuffer>);
  }

  /** Drops idle blocks until at most `keepBytes` are idle: the largest class first, in it the block idle longest. */
  trim(keepBytes: number): PoolTrim {
    let idleBytes = this.idleBytes;
    const before = idleBytes;
    for (let classIndex = this.idle.length - 1; classIndex >= 0; classIndex--) {
      const idle = this.idle[classIndex]!;
      const blockBytes = this.#options.classes[classIndex]!;
      const excess = Math.min(idle.length, Math.ceil(Math.max(0, idleBytes - keepBytes) / blockBytes));
      for (const block of idle.splice(0, excess)) this.drop(block);
      idleBytes -= excess * blockBytes;
    }
    return { reclaimedBytes: before - idleBytes };
  }

  get #isZeroed(): boolean {
    return this.#options.clearsOnAcquire || this.#options.clearsOnRelease;
  }

  #make(classIndex: number): Block<B> | undefined {
    const blockBytes = this.#options.classes[classIndex]!;
    if (!this.#makeRoom(blockBytes)) return undefined;
    const make = (): Block<B> | undefined =>
      this.#source.make(this.#home, blockBytes, classIndex, this.#isZeroed);
    let block = make();
    // Lent memory may be in pieces that are too small.
    while (block === undefined && this.#dropIdle()) block = make();
    if (block === undefined) return undefined;
    this.#ownedBlocks++;
    this.#ownedBytes += blockBytes;
    this.#created++;
    this.#shares?.add(block as unknown as Block<SharedArrayBuffer>);
    return block;
  }

  /** Drops idle blocks, the largest first, until one of `blockBytes` is within the limits; drops none in vain. */
  #makeRoom(blockBytes: number): boolean {
    const leasedBlocks = this.#ownedBlocks - this.idleCount;
    const leasedBytes = this.#ownedBytes - this.idleBytes;
    if (!this.#isWithinLimits(leasedBlocks, leasedBytes + blockBytes)) return false;
    while (!this.#isWithinLimits(this.#ownedBlocks, this.#ownedBytes + blockBytes)) this.#dropIdle();
    return true;
  }

  /** Drops the block that is idle longest of the largest class that has one; false when nothing is idle. */
  #dropIdle(): boolean {
    const block = this.idle.findLast((idle) => idle.length > 0)?.shift();
    if (block === undefined) return false;
    this.drop(block);
    return true;
  }

  /** Whether one more than `blocks` may be owned, with `bytes` in all. */
  #isWithinLimits(blocks: number, bytes: number): boolean {
    return blocks < this.#options.maxBlocks && bytes <= this.#options.maxBytes;
  }

  #checkUntouched(block: Block<B>): void {
    block.isGuarded = false;
    const at = firstOther(block.bytes, this.#idleByte, 0, block.blockBytes);
    if (at < 0) return;
    this.drop(block);
    throw new HeapCorruptionError(
      `A block of the pool '${this.#options.name}' was written to at offset ${at} after its lease was released`,
    );
  }
}
