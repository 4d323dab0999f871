import type { Readable } from 'node:stream';
import { RequestError } from './parts.ts';

/**
 * Reads a request's body into a block that the caller owns.
 *
 * @returns how many bytes it has.
 * @throws {RequestError} 413 when the block is too small; the rest is then not read. 400 when the client goes away.
 */
export function readInto(block: Buffer, payload: Readable): Promise<number> {
  return new Promise((resolve, reject) => {
    // While the caller waited for its block: no event will tell of it any more.
    if (payload.destroyed) {
      reject(new RequestError(400, 'body: the request broke off'));
      return;
    }
    let length = 0;
    const settle = (error: Error | undefined): void => {
      payload.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      if (error === undefined) resolve(length);
      else reject(error);
    };
    const onData = (chunk: Buffer): void => {
      if (length + chunk.length > block.length) {
        payload.pause();
        settle(new RequestError(413, `body: expected at most ${block.length} bytes`));
        return;
      }
      length += chunk.copy(block, length);
    };
    const onEnd = (): void => {
      settle(undefined);
    };
    const onError = (): void => {
      settle(new RequestError(400, 'body: the request broke off'));
    };
    const onClose = onError;
    payload.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

/** @throws {RequestError} 400 when the text is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new RequestError(400, 'body: expected JSON');
  }
}
