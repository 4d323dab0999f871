/** Without keys, all of the region changed. With an id the sender waits for an acknowledgement. */
export type ChangeMessage = readonly [
  origin: string,
  region: string,
  keys: readonly string[] | null,
  confirmation?: string,
];

export function channelOf(namespace: string): string {
  return `${namespace}:changed`;
}

/** @returns `undefined` for what is none of ours. */
export function parseMessage(text: string): ChangeMessage | undefined {
  try {
    const message: unknown = JSON.parse(text);
    if (!Array.isArray(message) || typeof message[0] !== 'string' || typeof message[1] !== 'string')
      return undefined;
    if (message[2] !== null && !Array.isArray(message[2])) return undefined;
    if (message[3] !== undefined && typeof message[3] !== 'string') return undefined;
    return message as unknown as ChangeMessage;
  } catch {
    return undefined;
  }
}
