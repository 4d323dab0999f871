import { Buffer } from 'node:buffer';
import { Writable } from 'node:stream';
import type { Writer } from './writer.ts';

/** Options of {@link toNodeWritable} and {@link toWebWritable}. */
export interface AdapterOptions {
  /** Whether the end of the stream closes the writer (default) or only flushes it. Destroying or aborting follows suit. */
  readonly closeWriter?: boolean;
}

/**
 * A Node `Writable` in front of a writer, for `pipeline()` and for libraries that want a stream. Text in another
 * encoding than UTF-8 is converted. Each chunk costs what a stream costs: write to the writer itself where you can.
 */
export function toNodeWritable(writer: Writer, options: AdapterOptions = {}): Writable {
  const closeWriter = options.closeWriter ?? true;
  return new Writable({
    decodeStrings: false,
    write(chunk: string | Uint8Array, encoding: BufferEncoding, done): void {
      try {
        const hasRoom = writer.write(typeof chunk === 'string' ? recode(chunk, encoding) : chunk);
        if (hasRoom) done();
        else void tell(done, writer.ready());
      } catch (error) {
        done(error as Error);
      }
    },
    final(done): void {
      void tell(done, closeWriter ? writer.close() : writer.flush());
    },
    destroy(error, done): void {
      // Also while `final` waits for a descriptor that takes nothing; nothing where the writer is closed.
      if (closeWriter) writer.destroy(error ?? undefined);
      done(error);
    },
  });
}

/** A Web `WritableStream` in front of a writer. */
export function toWebWritable(
  writer: Writer,
  options: AdapterOptions = {},
): WritableStream<string | Uint8Array> {
  const closeWriter = options.closeWriter ?? true;
  let signal: AbortSignal;
  return new WritableStream<string | Uint8Array>({
    start(controller): void {
      // In the standard and in Node, not yet in its types.
      ({ signal } = controller as unknown as { readonly signal: AbortSignal });
    },
    write(chunk): Promise<void> | undefined {
      return writer.write(chunk) ? undefined : writer.ready({ signal });
    },
    close(): Promise<void> {
      if (!closeWriter) return writer.flush({ signal });
      // `abort` is not called meanwhile, and the descriptor may take nothing.
      signal.addEventListener('abort', () => writer.destroy(signal.reason), { once: true });
      return writer.close();
    },
    abort(reason): void {
      if (closeWriter) writer.destroy(reason);
    },
  });
}

function recode(text: string, encoding: BufferEncoding): string | Uint8Array {
  return encoding === 'utf8' || encoding === 'utf-8' ? text : Buffer.from(text, encoding);
}

async function tell(done: (error?: Error | null) => void, promise: Promise<void>): Promise<void> {
  try {
    await promise;
  } catch (error) {
    done(error as Error);
    return;
  }
  done();
}
