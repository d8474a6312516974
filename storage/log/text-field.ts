// Texts in definitions (FORMAT.md, "Series file").
import { writeVarint } from '../codec/bits.ts'

/** A text's length, as a varint, and its UTF-8; returns the place behind. */
export function writeText(out: Buffer, at: number, text: string): number {
  const n = text.length
  if (n < 128) {
    // Fast path: short ASCII, as nearly all labels are. A call into Node costs more.
    let i = 0
    for (; i < n; i++) {
      const c = text.charCodeAt(i)
      if (c >= 128) break
      out[at + 1 + i] = c
    }
    if (i === n) {
      out[at] = n
      return at + 1 + n
    }
  }
  const textAt = writeVarint(out, at, Buffer.byteLength(text, 'utf8'))
  return textAt + out.write(text, textAt, 'utf8')
}
