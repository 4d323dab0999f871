/** A busy machine answers late, which is no failure: what a test waits for without a limit of its own gets this long. */
import { vi } from 'vitest';

const TIMEOUT_MS = 20_000;

const { waitFor, waitUntil } = vi;
vi.waitFor = (callback, options) =>
  waitFor(callback, typeof options === 'number' ? options : { timeout: TIMEOUT_MS, ...options });
vi.waitUntil = (callback, options) =>
  waitUntil(callback, typeof options === 'number' ? options : { timeout: TIMEOUT_MS, ...options });
