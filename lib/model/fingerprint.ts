// The fingerprint of a label set, by which Alertmanager and all who read its messages know an alert: FNV-1a of 64 bits
// over name, 0xff, value, 0xff of each label in order (prometheus/common model/signature.go). In two halves of 32 bits,
// as products of BigInt would take ten times as long.
import type { Labels } from './labels.ts'

const OFFSET_HIGH = 0xcbf29ce4
const OFFSET_LOW = 0x84222325
/** The prime is 2^40 + 0x1b3. */
const PRIME_LOW = 0x1b3
const SEPARATOR = 0xff

const encoder = new TextEncoder()

/** 16 hex digits. */
export function fingerprint(labels: Labels): string {
  let high = OFFSET_HIGH
  let low = OFFSET_LOW
  for (const text of labels) {
    // Fast path: what is ASCII is its own bytes.
    const bytes = isAscii(text) ? null : encoder.encode(text)
    const length = bytes === null ? text.length : bytes.length
    for (let i = 0; i <= length; i++) {
      const byte = i === length ? SEPARATOR : bytes === null ? text.charCodeAt(i) : bytes[i]!
      const mixed = (low ^ byte) >>> 0
      const product = mixed * PRIME_LOW
      // The carry of the low half, the high half's own product, and what 2^40 lifts from the low half.
      high = (Math.imul(high, PRIME_LOW) + Math.floor(product / 4294967296) + (mixed << 8)) >>> 0
      low = product >>> 0
    }
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0')
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false
  return true
}
