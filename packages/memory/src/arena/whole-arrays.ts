import type { ElementViews } from './arena-memory.ts';

/**
 * The arrays over an arena's whole memory, by element type. Read them after allocating: growth replaces them, and the
 * old ones stay valid for what was there.
 */
export abstract class WholeArrays<B extends ArrayBufferLike> {
  /** Set by the arena before anything reads it. */
  declare protected views: ElementViews<B>;

  /** Whole memory as bytes: index it with what `offsetOf` returns. */
  get u8(): Uint8Array<B> {
    return this.views.u8;
  }

  get i8(): Int8Array<B> {
    return this.views.i8;
  }

  /** Whole memory as 16-bit integers: index it with what `indexOf` returns, as all that follow. */
  get u16(): Uint16Array<B> {
    return this.views.u16;
  }

  get i16(): Int16Array<B> {
    return this.views.i16;
  }

  get u32(): Uint32Array<B> {
    return this.views.u32;
  }

  get i32(): Int32Array<B> {
    return this.views.i32;
  }

  get f32(): Float32Array<B> {
    return this.views.f32;
  }

  get f64(): Float64Array<B> {
    return this.views.f64;
  }

  get u64(): BigUint64Array<B> {
    return this.views.u64;
  }

  get i64(): BigInt64Array<B> {
    return this.views.i64;
  }
}
