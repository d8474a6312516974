// Sizes of data as Prometheus' configuration writes them: powers of two, `1KB` = `1KiB` = 1024 bytes, sums (`1GB512MB`)
// and fractions (`1.5GB`) allowed. Source: alecthomas/units ParseBase2Bytes.

export class SizeError extends Error {
  readonly code = 'BAD_SIZE'
}

const UNITS: readonly string[] = ['B', 'KB', 'MB', 'GB', 'TB', 'PB', 'EB']

/** Bytes. Throws SizeError; a unit is required, but for `0`. */
export function parseSize(text: string): number {
  if (text === '0') return 0
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:[KMGTPE]i?)?B)+$/.test(text)) {
    throw new SizeError(`not a valid size: ${JSON.stringify(text)} (for example 512MB; units ${UNITS.join(', ')})`)
  }
  let sizeBytes = 0
  for (const [, count, unit] of text.matchAll(/([\d.]+)([KMGTPE]?)i?B/g)) {
    sizeBytes += Number(count) * 1024 ** UNITS.indexOf(`${unit}B`)
  }
  if (sizeBytes > Number.MAX_SAFE_INTEGER) throw new SizeError(`size out of range: ${JSON.stringify(text)}`)
  return Math.floor(sizeBytes)
}

/** The largest unit that leaves no rest: `512MB`, `1536B`. */
export function formatSize(sizeBytes: number): string {
  let power = 0
  while (sizeBytes !== 0 && power < UNITS.length - 1 && sizeBytes % 1024 === 0) {
    sizeBytes /= 1024
    power++
  }
  return `${sizeBytes}${UNITS[power]}`
}
