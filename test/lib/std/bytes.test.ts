import { describe, expect, it } from 'vitest'
import { equalBytes, hashBytes } from '../../../lib/std/bytes.ts'

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

describe('equalBytes', () => {
  it('sees a difference at every place of every length', () => {
    for (let length = 0; length < 40; length++) {
      const a = Buffer.from(Array.from({ length: length + 3 }, (_, i) => i * 7))
      const b = Buffer.concat([Buffer.from('pad'), a.subarray(1)])
      expect(equalBytes(view(a), 1, view(b), 3, length)).toBe(true)
      for (let i = 0; i < length; i++) {
        const other = Buffer.from(b)
        other[3 + i]! ^= 0x80
        expect(equalBytes(view(a), 1, view(other), 3, length)).toBe(false)
      }
    }
  })

  it('tells NaN payloads apart', () => {
    const a = Uint8Array.of(2, 0, 0, 0, 0, 0, 0xf0, 0x7f)
    const b = Uint8Array.of(1, 0, 0, 0, 0, 0, 0xf8, 0x7f)
    expect(equalBytes(view(a), 0, view(a), 0, 8)).toBe(true)
    expect(equalBytes(view(a), 0, view(b), 0, 8)).toBe(false)
  })
})

describe('hashBytes', () => {
  it('is MurmurHash3_x86_32', () => {
    // Vectors published with the algorithm's ports (Wikipedia, "MurmurHash").
    const f = (text: string, seed: number, want: number): void => expect(hashBytes(view(Buffer.from(text)), 0, Buffer.byteLength(text), seed)).toBe(want)
    f('', 0, 0)
    f('', 1, 0x514e28b7)
    f('', 0xffffffff, 0x81f16f39)
    f('test', 0, 0xba6bd213)
    f('test', 0x9747b28c, 0x704b81dc)
    f('Hello, world!', 0, 0xc0363e43)
    f('Hello, world!', 0x9747b28c, 0x24884cba)
    f('The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723)
    f('The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd)
  })
})
