// CRC-32C (Castagnoli polynomial, reflected 0x82f63b78; RFC 3720 B.4), which node:zlib lacks. Prometheus' files use it.

const TABLE = makeTable()

function makeTable(): Uint32Array {
  const table = new Uint32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let c = byte
    for (let k = 0; k < 8; k++) c = (c >>> 1) ^ ((c & 1) === 1 ? 0x82f63b78 : 0)
    table[byte] = c
  }
  return table
}

/** CRC-32C of bytes[from, to); u32. */
export function crc32c(bytes: Uint8Array, from: number, to: number): number {
  let c = 0xffffffff
  for (let i = from; i < to; i++) c = TABLE[(c ^ bytes[i]!) & 255]! ^ (c >>> 8)
  return (c ^ 0xffffffff) >>> 0
}
