import fs from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readHistogram } from '../../../lib/format/remote-write-histogram.ts'
import { RemoteWriteError } from '../../../lib/format/remote-write-wire.ts'
import { HINT_GAUGE, HINT_UNKNOWN, isSameHistogram, type Buckets, type CounterResetHint, type FloatHistogram } from '../../../lib/model/histogram.ts'
import { Random } from '../../../lib/std/random.ts'
import { STALE_NAN, varint } from '../../support/remote-write-body.ts'
import { histogramField } from '../../support/remote-write-histogram.ts'
import { randomHistogram } from '../../support/random-histogram.ts'

/** A line of the golden file: a message and what Prometheus 3.14 makes of it (test/golden/record-histograms.go). */
interface Recorded {
  Wire: string
  Error: string
  Time: number
  Schema: number
  ZeroThreshold: number
  ZeroCount: number
  Count: number
  SumBits: string
  Hint: 'UNKNOWN' | 'YES' | 'NO' | 'GAUGE'
  Positive: { Index: number; Count: number }[] | null
  Negative: { Index: number; Count: number }[] | null
  Custom: number[] | null
}

const file = new URL('../../golden/remote-write-histograms.jsonl.gz', import.meta.url)
const recorded = gunzipSync(fs.readFileSync(file)).toString().trimEnd().split('\n').map((line) => JSON.parse(line) as Recorded)

function read(wire: Uint8Array): ReturnType<typeof readHistogram> {
  return readHistogram(wire, new DataView(wire.buffer, wire.byteOffset, wire.length), 0, wire.length)
}

const buckets = (list: Recorded['Positive']): Buckets => ({
  index: Int32Array.from(list ?? [], ({ Index }) => Index), count: Float64Array.from(list ?? [], ({ Count }) => Count),
})

/** What senders say of resets is not taken over. */
const hintOf = (hint: Recorded['Hint']): CounterResetHint => (hint === 'GAUGE' ? HINT_GAUGE : HINT_UNKNOWN)

function wanted(r: Recorded): FloatHistogram {
  return {
    schema: r.Schema, zeroThreshold: r.ZeroThreshold, zeroCount: r.ZeroCount, count: r.Count, hint: hintOf(r.Hint),
    sum: Buffer.from(r.SumBits, 'hex').readDoubleLE(), positive: buckets(r.Positive), negative: buckets(r.Negative),
    customValues: Float64Array.from(r.Custom ?? []),
  }
}

describe('a Histogram message', () => {
  it('is to us what it is to Prometheus', () => {
    const good = recorded.filter(({ Error: error }) => error === '')
    expect(good.length).toBeGreaterThan(1000)
    for (const r of good) {
      const { timeMs, histogram, fault } = read(Buffer.from(r.Wire, 'hex'))
      expect([timeMs, fault]).toEqual([r.Time, ''])
      if (!isSameHistogram(histogram!, wanted(r))) expect(histogram).toEqual(wanted(r))
    }
  })

  it('is refused where Prometheus refuses it, in its words', () => {
    const bad = recorded.filter(({ Error: error }) => error !== '')
    expect(bad.length).toBeGreaterThan(300)
    for (const { Wire: wire, Error: error } of bad) {
      const { histogram, fault } = read(Buffer.from(wire, 'hex'))
      expect([histogram, fault]).toEqual([null, error])
    }
  })

  it('reads packed and single numbers, in any order, the last of repeated ones', () => {
    const random = new Random(5)
    for (let round = 0; round < 300; round++) {
      const h = randomHistogram(random)
      const content = histogramField(h, 1_700_000_000_000 + round)
      const message = content.subarray(content.length - contentLength(content))
      const { fault, histogram } = read(message)
      const again = read(Buffer.concat([message.subarray(0, 0), Uint8Array.of(0x20, 10), message]))
      expect(again).toEqual({ fault, histogram, timeMs: 1_700_000_000_000 + round, isStale: false, bucketCount: again.bucketCount })
    }
    const single = Buffer.from('0803 1900000000000000 00 20 02 5a 04 0800 1002 60 02 60 02 7805'.replaceAll(' ', ''), 'hex')
    const packed = Buffer.from('7805 62 02 0202 5a 04 0800 1002 20 02 1900000000000000 00 0809 0803'.replaceAll(' ', ''), 'hex')
    expect(read(single)).toEqual(read(packed))
    expect(read(single).histogram).toMatchObject({ schema: 1, count: 3, positive: { index: Int32Array.of(0, 1), count: Float64Array.of(1, 2) } })
  })

  it('is a marker by the bits of its sum', () => {
    const marker = Buffer.concat([Uint8Array.of(0x19), STALE_NAN, Uint8Array.of(0x78), varint(1_700_000_000_000)])
    expect(read(marker)).toEqual({ timeMs: 1_700_000_000_000, isStale: true, histogram: null, fault: '', bucketCount: 0 })
  })

  it('keeps integers exact up to 2^53, and close beyond', () => {
    const message = (count: bigint): Uint8Array => Buffer.concat([
      Uint8Array.of(0x08), varint(count), Uint8Array.from([0x5a, 2, 0x10, 1, 0x60]), varint(count * 2n), Uint8Array.of(0x78, 1),
    ])
    expect(read(message(2n ** 53n - 1n)).histogram!.positive.count[0]).toBe(2 ** 53 - 1)
    expect(read(message(2n ** 62n + 1n)).histogram!.positive.count[0]).toBe(2 ** 62)
  })

  it('never hangs or throws anything but RemoteWriteError on damage', () => {
    const random = new Random(6)
    for (let round = 0; round < 20_000; round++) {
      const wire = Buffer.from(random.pick(recorded).Wire, 'hex')
      for (let k = random.int(4); k >= 0; k--) wire[random.int(wire.length)] = random.int(256)
      try {
        read(wire)
      } catch (error) {
        expect(error).toBeInstanceOf(RemoteWriteError)
      }
    }
  })
})

/** Length of a length-delimited field's content; its tag takes a byte. */
function contentLength(bytes: Uint8Array): number {
  let length = 0
  for (let i = 1, scale = 1; ; i++, scale *= 128) {
    length += (bytes[i]! & 127) * scale
    if (bytes[i]! < 128) return length
  }
}
