/**
 * Without keys, all of the region changed. With an id the sender waits for an acknowledgement. A version is that of the
 * rows after the change.
 */
export type ChangeMessage = readonly [
  origin: string,
  region: string,
  keys: readonly string[] | null,
  confirmation?: string | null | undefined,
  version?: number | undefined,
];

export function channelOf(namespace: string): string {
  return `${namespace}:changed`;
}

export function textOf([origin, region, keys, confirmation, version]: ChangeMessage): string {
  if (version !== undefined) return JSON.stringify([origin, region, keys, confirmation ?? null, version]);
  return JSON.stringify(
    confirmation === undefined ? [origin, region, keys] : [origin, region, keys, confirmation],
  );
}

/** A load failed for which the token was the lease. */
export type FailureMessage = readonly [region: string, token: string, failure: string];

export function failureChannelOf(namespace: string): string {
  return `${namespace}:failed`;
}

export function parseFailure(text: string): FailureMessage | undefined {
  try {
    const message: unknown = JSON.parse(text);
    const isOurs =
      Array.isArray(message) && message.length === 3 && message.every((part) => typeof part === 'string');
    return isOurs ? (message as unknown as FailureMessage) : undefined;
  } catch {
    return undefined;
  }
}

/** @returns `undefined` for what is none of ours. */
export function parseMessage(text: string): ChangeMessage | undefined {
  try {
    const message: unknown = JSON.parse(text);
    if (!Array.isArray(message) || typeof message[0] !== 'string' || typeof message[1] !== 'string')
      return undefined;
    if (message[2] !== null && !Array.isArray(message[2])) return undefined;
    const [, , , confirmation = null, version] = message as unknown[];
    if (confirmation !== null && typeof confirmation !== 'string') return undefined;
    if (version !== undefined && typeof version !== 'number') return undefined;
    return message as unknown as ChangeMessage;
  } catch {
    return undefined;
  }
}
