import { compressSync, uncompressSync } from 'snappy'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../../../lib/std/random.ts'
import { SnappyDecoder, SnappyError } from '../../../lib/kernels/snappy.ts'
import { buildKernels } from '../../../lib/kernels/build.ts'
import { chooseKernels } from '../../../lib/kernels/module.ts'
import { KERNEL_MODES, withKernels } from '../../support/kernels.ts'
import { fc } from '../../support/property.ts'
import { snappyCompress } from '../../support/snappy-compress.ts'

const MIB = 1 << 20
const decode = (source: Uint8Array): string => take(new SnappyDecoder(MIB), source).toString('latin1')
const take = (decoder: SnappyDecoder, source: Uint8Array): Buffer => {
  const length = decoder.decode(source)
  return Buffer.from(decoder.bytes.subarray(0, length))
}
const codeOf = (source: Uint8Array, maxBytes = MIB): string => {
  try {
    new SnappyDecoder(maxBytes).decode(source)
  } catch (error) {
    if (error instanceof SnappyError) return `${error.code} ${error.message}`
    throw error
  }
  return 'accepted'
}

describe.each(KERNEL_MODES)('SnappyDecoder in %s', (mode) => {
  beforeAll(() => {
    buildKernels(false)
    chooseKernels(mode)
  })
  afterAll(() => chooseKernels('auto'))

  it('decodes each element of the format description', () => {
    const f = (hex: string, want: string): void => expect(decode(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toBe(want)
    f('00', '')
    f('03 08 61 62 63', 'abc')
    // copy with a one-byte offset: length 4 + 2, offset 3
    f('09 08 61 62 63 09 03', 'abcabcabc')
    // overlapping copy, offset 1
    f('08 00 61 0d 01', 'aaaaaaaa')
    // copy with a two-byte offset: length 6, offset 3
    f('09 08 61 62 63 16 03 00', 'abcabcabc')
    // copy with a four-byte offset
    f('09 08 61 62 63 17 03 00 00 00', 'abcabcabc')
    // literal whose length is in one extra byte: 61 bytes
    f(`3d f0 3c ${'78'.repeat(61)}`, 'x'.repeat(61))
  })

  it('agrees with the native package on whatever it compresses', () => {
    const words = fc.array(fc.constantFrom('instance', 'job="node"', 'a', '\0\0\0\0\0\0\0\0\0', 'cpu', 'ÿ', 'x'.repeat(70)), { maxLength: 400 })
    const decoder = new SnappyDecoder(MIB)
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 3000 }), words.map((list) => Buffer.from(list.join('')))), (bytes) => {
      expect(take(decoder, compressSync(Buffer.from(bytes))).equals(Buffer.from(bytes))).toBe(true)
    }), { seed: 11, numRuns: 300 })
  })

  it('decodes a body that starts anywhere in its buffer', () => {
    const bytes = Buffer.from('monitor '.repeat(1000))
    const shifted = Buffer.concat([Buffer.from('xyz'), snappyCompress(bytes)]).subarray(3)
    expect(take(new SnappyDecoder(MIB), shifted).equals(bytes)).toBe(true)
  })

  it('refuses damage by name, and never reads or writes past an end', () => {
    const f = (hex: string, want: string): void => expect(codeOf(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toBe(`SNAPPY_CORRUPT snappy: ${want}`)
    f('', 'bad length header')
    f('80', 'bad length header')
    f('80 80 80 80 80 00', 'bad length header')
    f('03 08 61 62', 'literal runs past the input')
    f('02 08 61 62 63', 'literal runs past the decoded length')
    f('04 08 61 62 63', 'decoded 3 bytes, header says 4')
    f('09 08 61 62 63 09', 'copy cut off')
    f('09 08 61 62 63 16 03', 'copy cut off')
    f('09 08 61 62 63 09 00', 'copy from 0 bytes back at 3')
    f('09 08 61 62 63 09 04', 'copy from 4 bytes back at 3')
    f('08 08 61 62 63 09 03', 'copy runs past the decoded length')
    f('05 f4 01', 'literal length cut off')
    f('05 fc ff ff ff ff', 'literal runs past the input')
  })

  it('checks the claimed size before it takes memory', () => {
    expect(codeOf(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f), 32 * MIB)).toBe('SNAPPY_TOO_LARGE decoded size exceeds 32 MiB')
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 100; i++) codeOf(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f), 32 * MIB)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * MIB)
  })

  it('gives the memory of a huge body back at the next ordinary one', () => {
    const decoder = new SnappyDecoder(32 * MIB)
    decoder.decode(snappyCompress(new Uint8Array(20 * MIB)))
    expect(decoder.bytes.length).toBeGreaterThan(20 * MIB)
    decoder.decode(snappyCompress(new Uint8Array(1000)))
    expect(decoder.bytes.length).toBeLessThanOrEqual(4 * MIB)
  })

  it('survives flipped bits: a right length or a SnappyError', () => {
    const random = new Random(5)
    const source = Buffer.from(snappyCompress(Buffer.from('node_cpu_seconds_total{cpu="0",mode="idle"} '.repeat(50))))
    const decoder = new SnappyDecoder(MIB)
    for (let i = 0; i < 3000; i++) {
      const damaged = Buffer.from(source)
      damaged[random.int(damaged.length)]! ^= 1 << random.int(8)
      let want: Buffer | null = null
      try {
        want = uncompressSync(damaged) as Buffer
      } catch {
        want = null
      }
      if (want === null) expect(codeOf(damaged)).toMatch(/^SNAPPY_/)
      else expect(take(decoder, damaged).equals(want)).toBe(true)
    }
  })
})

describe('the snappy kernel and its twin', () => {
  /** What decoding gives: the bytes, or the error. */
  const outcome = (source: Uint8Array): string => {
    const decoder = new SnappyDecoder(MIB)
    try {
      return take(decoder, source).toString('hex')
    } catch (error) {
      if (error instanceof SnappyError) return `${error.code} ${error.message}`
      throw error
    }
  }
  const agree = (sources: readonly Uint8Array[]): void => {
    expect(withKernels('wasm', () => sources.map(outcome))).toEqual(withKernels('ts', () => sources.map(outcome)))
  }

  it('say the same of every cut of a block', () => {
    const block = Buffer.from(snappyCompress(Buffer.from('node_cpu_seconds_total{cpu="0",mode="idle"} '.repeat(40) + 'x'.repeat(100))))
    agree(Array.from({ length: block.length }, (_, n) => block.subarray(0, n)))
  })

  it('say the same of damaged blocks, of lengths that lie, and of any bytes', () => {
    const element = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 70 }).map((bytes) => Buffer.from([0xf0, bytes.length - 1, ...bytes])),
      fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from([(bytes.length - 1) << 2, ...bytes])),
      fc.tuple(fc.nat(7), fc.nat(2047)).map(([n, offset]) => Buffer.from([1 | (n << 2) | ((offset >> 8) << 5), offset & 255])),
      fc.tuple(fc.nat(63), fc.nat(300)).map(([n, offset]) => Buffer.from([2 | (n << 2), offset & 255, offset >> 8])),
      fc.tuple(fc.nat(63), fc.nat(300)).map(([n, offset]) => Buffer.from([3 | (n << 2), offset & 255, offset >> 8, 0, 0])),
      fc.constantFrom(...['f4ffff', 'f8ffffff', 'fcffffffff', 'fc00000080', 'ffffffffff'].map((hex) => Buffer.from(hex, 'hex'))),
      fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
    )
    const block = fc.tuple(fc.nat(4000), fc.array(element, { maxLength: 60 })).map(([length, elements]) => Buffer.concat([Buffer.from([(length & 127) | 128, length >> 7]), ...elements]))
    fc.assert(fc.property(fc.array(block, { maxLength: 100 }), agree), { numRuns: 60 })
  })

  it('write nothing past the room of what they decode', () => {
    withKernels('wasm', () => {
      const largest = 4 * MIB
      const decoder = new SnappyDecoder(8 * MIB)
      for (const size of [largest - 1, largest, largest + 1]) {
        const bytes = new Uint8Array(size).fill(7)
        expect(take(decoder, snappyCompress(bytes)).equals(bytes), String(size)).toBe(true)
      }
      // Other kernels' memory lies beside it.
      expect(decode(snappyCompress(Buffer.from('abc')))).toBe('abc')
    })
  })
})
