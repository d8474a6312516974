// Remote write 2.0 by the kernel and by its twin: byte by byte the same body of 1.0, the same words where there is none.
import { describe, expect, it } from 'vitest'
import { WriteRequestTranslator } from '../../../lib/format/remote-write-v2.ts'
import { RemoteWriteError } from '../../../lib/format/remote-write-wire.ts'
import { requestKernel } from '../../../lib/kernels/request.ts'
import { SnappyDecoder } from '../../../lib/kernels/snappy.ts'
import { Random } from '../../../lib/std/random.ts'
import { KERNEL_MODES, withKernels } from '../../support/kernels.ts'
import { fc } from '../../support/property.ts'
import { randomHistogram } from '../../support/random-histogram.ts'
import { field, nodeLabels, varint } from '../../support/remote-write-body.ts'
import { Symbols, exemplarV2, histogramV2, metadataV2, requestV2, sampleV2, type SeriesV2 } from '../../support/remote-write-v2-body.ts'
import { snappyCompress } from '../../support/snappy-compress.ts'

const T = 1_700_000_000_000
const histogram = histogramV2(randomHistogram(new Random(3)), T)

/** What both say of a request, in hex, or why there is no body; which of them the kernel has made. */
const said = { twin: '', kernel: '', isKernels: false }
function translate(request: Uint8Array): typeof said {
  const body = snappyCompress(request)
  const of = (): string => {
    const decoder = new SnappyDecoder(32 << 20)
    const length = decoder.decode(body)
    try {
      const { bytes, length: size } = new WriteRequestTranslator(32 << 20).translate({ bytes: decoder.bytes, view: decoder.view, length })
      said.isKernels = bytes === requestKernel()?.translated
      return Buffer.from(bytes.subarray(0, size)).toString('hex')
    } catch (error) {
      if (error instanceof RemoteWriteError) return error.message
      throw error
    }
  }
  const [twin, kernel] = KERNEL_MODES.map((mode) => withKernels(mode, of))
  return Object.assign(said, { twin, kernel })
}

const text = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('eu', '__name__', 'x'.repeat(70), 'y'.repeat(200)))
const part = fc.oneof(
  fc.double().map((value) => (): Uint8Array => sampleV2(value, T)),
  fc.constant((): Uint8Array => histogram),
  fc.constant((): Uint8Array => Buffer.concat([varint(0x30), varint(T)])),
  fc.tuple(fc.nat(7), text, text).map(([type, help, unit]) => (symbols: Symbols): Uint8Array => metadataV2(symbols, type, help, unit)),
)
const rows = fc.array(fc.record({ labels: fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 6 }), parts: fc.array(part, { maxLength: 4 }) }), { maxLength: 8 })
const requestOf = (given: { labels: [string, string][]; parts: ((symbols: Symbols) => Uint8Array)[] }[]): Uint8Array => {
  const symbols = new Symbols()
  return requestV2(symbols, given.map(({ labels, parts }): SeriesV2 => ({ labels, fields: parts.map((make) => make(symbols)) })))
}

describe('a request of remote write 2.0', () => {
  it('becomes the same body of 1.0 by the kernel, which takes all that senders usually send', () => {
    fc.assert(fc.property(rows, (given) => {
      const { twin, kernel, isKernels } = translate(requestOf(given))
      expect(kernel).toBe(twin)
      expect(isKernels).toBe(true)
    }), { numRuns: 100 })
  })

  it('is translated or refused alike, whatever was done to its bytes', () => {
    const edit = fc.record({ at: fc.nat(), byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 127, 128, 255, 0x0a, 0x12, 0x1a, 0x22, 0x2a, 0x30)) })
    fc.assert(fc.property(rows, fc.array(edit, { minLength: 1, maxLength: 4 }), fc.nat(), (given, edits, cut) => {
      const bytes = Buffer.from(requestOf(given))
      for (const { at, byte } of edits) if (bytes.length > 0) bytes[at % bytes.length] = byte
      const { twin, kernel } = translate(cut % 3 === 0 ? bytes.subarray(0, cut % (bytes.length + 1)) : bytes)
      expect(kernel).toBe(twin)
    }), { numRuns: 300 })
  })

  it('is left to the twin where it has exemplars, labels in an order of their own, or no room', () => {
    const symbols = new Symbols()
    const names = ['', '__name__', 'm'].map((name) => field(4, Buffer.from(name)))
    const f = (request: Uint8Array): void => {
      const { twin, kernel, isKernels } = translate(request)
      expect(kernel).toBe(twin)
      expect(isKernels).toBe(false)
    }
    f(requestV2(symbols, [{ labels: [['__name__', 'm']], fields: [sampleV2(1, T), exemplarV2(symbols, [['trace', 'x']], 0.5, T)] }]))
    f(Buffer.concat([...names, field(5, sampleV2(1, T), field(1, varint(1), varint(2)))]))
    f(Buffer.concat([...names, field(5, varint(8), varint(1), varint(8), varint(2), sampleV2(1, T))]))
    const large = field(4, Buffer.alloc(65_536, 'x'))
    f(Buffer.concat([...names, large, ...Array.from({ length: 70 }, () => field(5, field(1, varint(1), varint(3)), sampleV2(1, T)))]))
  })

  it('knows more symbols than have a byte, and lengths of several', () => {
    const symbols = new Symbols()
    const all = nodeLabels(400).map((labels, i): SeriesV2 => ({ labels: [...labels, ['n', String(i)]], fields: [sampleV2(i, T), metadataV2(symbols, 1, `help ${i}`, '')] }))
    const { twin, kernel, isKernels } = translate(requestV2(symbols, all))
    expect(kernel).toBe(twin)
    expect(isKernels).toBe(true)
  })
})
