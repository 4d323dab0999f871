/** Which node of a Redis Cluster serves which keys. Pure. */

/** Commands that one node takes, each for the keys (by index) of one slot. */
export type NodeShare = number[][];

/** CRC16 of CCITT in the variant XMODEM, a byte at a time: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/ */
const CRC: Uint16Array = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc & 0xffff;
});
const SLOT_COUNT = 16_384;

/** The slot of a key: of what is between its first `{` and the `}` after it, when that is not empty, else of all of it. */
export function slotOf(key: string): number {
  const open = key.indexOf('{');
  const close = open === -1 ? -1 : key.indexOf('}', open + 1);
  const hashed = close > open + 1 ? key.slice(open + 1, close) : key;
  let crc = 0;
  for (let i = 0; i < hashed.length; i++) {
    const code = hashed.charCodeAt(i);
    if (code > 0x7f) return slotOfBytes(Buffer.from(hashed));
    crc = ((crc << 8) & 0xffff) ^ CRC[(crc >> 8) ^ code]!;
  }
  return crc % SLOT_COUNT;
}

function slotOfBytes(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) crc = ((crc << 8) & 0xffff) ^ CRC[(crc >> 8) ^ byte]!;
  return crc % SLOT_COUNT;
}

/**
 * Shares keys out to nodes and there to slots; the order of keys of one slot stays. Linear in the keys.
 *
 * @param nodesOf - The nodes of each slot, as a cluster client knows them: ranges of slots share an array.
 * @returns `undefined` when some slot's node is not known.
 */
export function shareOut(
  keys: readonly string[],
  nodesOf: readonly (readonly string[] | undefined)[],
): NodeShare[] | undefined {
  const byNode = new Map<string, Map<number, number[]>>();
  const byRange = new Map<readonly string[], Map<number, number[]>>();
  for (let index = 0; index < keys.length; index++) {
    const slot = slotOf(keys[index]!);
    const nodes = nodesOf[slot];
    if (nodes === undefined || nodes.length === 0) return undefined;
    let slots = byRange.get(nodes);
    if (slots === undefined) {
      // All of them, replicas too, because a client lets no other slots share a pipeline.
      const node = nodes.join(';');
      slots = byNode.get(node) ?? new Map<number, number[]>();
      byNode.set(node, slots);
      byRange.set(nodes, slots);
    }
    const indices = slots.get(slot);
    if (indices === undefined) slots.set(slot, [index]);
    else indices.push(index);
  }
  return Array.from(byNode.values(), (slots) => [...slots.values()]);
}
