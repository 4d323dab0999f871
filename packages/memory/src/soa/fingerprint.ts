const FNV_OFFSET = 0xcbf2_9ce4_8422_2325n;
const FNV_PRIME = 0x100_0000_01b3n;

/** FNV-1a of the text's UTF-16 code units, 64 bits, in hexadecimal (http://www.isthe.com/chongo/tech/comp/fnv/). */
export function fingerprintOf(text: string): string {
  let hash = FNV_OFFSET;
  for (let i = 0; i < text.length; i++)
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * FNV_PRIME);
  return hash.toString(16).padStart(16, '0');
}
