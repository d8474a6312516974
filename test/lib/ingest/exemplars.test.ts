// Exemplars by remote write 1.0: beside samples, and alone, as Prometheus sends them.
import { describe, expect, it, onTestFinished } from 'vitest'
import { RemoteWriteReceiver, type RemoteWriteResult } from '../../../lib/ingest/remote-write.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { snappyCompress } from '../../support/snappy-compress.ts'
import { exemplarTexts } from '../../support/exemplars.ts'
import { field, label, sample, varint } from '../../support/remote-write-body.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { NOW as T, open } from '../../storage/store.ts'

function exemplar(labels: readonly (readonly [string | Uint8Array, string | Uint8Array])[], value: number, timeMs: number | bigint): Uint8Array {
  const double = Buffer.alloc(8)
  double.writeDoubleLE(value)
  return field(3, ...labels.map(([name, text]) => label(name, text)), Uint8Array.of(0x11), double, Uint8Array.of(0x18), varint(timeMs))
}

const named = (name: string): Uint8Array => label('__name__', name)

function setup() {
  const db = open(tempFolder(), { exemplarsMax: 100 })
  onTestFinished(() => db.close())
  const receiver = new RemoteWriteReceiver(db, new Metrics(), 1)
  const write = (...series: Uint8Array[][]): Promise<RemoteWriteResult> => receiver.write(snappyCompress(Buffer.concat(series.map((parts) => field(1, ...parts)))))
  const texts = (): string[] => exemplarTexts(db, '{__name__!=""}').map((text) => text.replaceAll(/@(\d+)/g, (_, ms: string) => `@${Number(ms) - T}`))
  return { db, write, texts }
}

describe('pushed exemplars', () => {
  it('come beside samples and alone, of new series and known ones, in any order of fields', async () => {
    const { write, texts } = setup()
    const ok = { status: 204, message: '', histogramsWritten: 0 }
    expect(await write(
      [named('a'), sample(1, T), exemplar([['id', '1']], 1, T)],
      [named('b'), exemplar([['z', '1'], ['id', '2']], 2, T), sample(1, T), exemplar([], 3, T + 1)],
      [sample(1, T), exemplar([['id', '3']], 4, T), named('c')],
      [named('a'), exemplar([['id', '4']], 5, T + 2)],
    )).toEqual({ ...ok, samplesWritten: 3, exemplarsWritten: 5 })
    const first = ['a: 1@0{id:1} 5@2{id:4}', 'b: 2@0{id:2,z:1} 3@1{}', 'c: 4@0{id:3}']
    expect(texts()).toEqual(first)
    // Before its sample, which makes the series, in one body; known from an earlier one, labels elsewhere.
    expect(await write(
      [named('d'), exemplar([], 6, T)], [named('d'), sample(1, T)],
      [exemplar([], 7, T + 1), named('c')],
      [named('a'), exemplar([['id', '4']], 5, T + 2)],
    )).toEqual({ ...ok, samplesWritten: 1, exemplarsWritten: 3 })
    expect(texts()).toEqual([first[0], first[1], 'c: 4@0{id:3} 7@1{}', 'd: 6@0{}'])
  })

  it('of series that nobody knows are refused, make none, and fail nothing', async () => {
    const { db, write, texts } = setup()
    expect(await write([named('ghost'), exemplar([['id', '1']], 1, T)])).toEqual({ status: 204, message: '', samplesWritten: 0, histogramsWritten: 0, exemplarsWritten: 0 })
    expect(db.seriesCount).toBe(0)
    await write([named('ghost'), sample(1, T)])
    expect(texts()).toEqual([])
    expect(await write([named('ghost'), exemplar([['id', '1']], 1, T)])).toMatchObject({ status: 204, exemplarsWritten: 1 })
    expect(texts()).toEqual(['ghost: 1@0{id:1}'])
  })

  it('that are hostile fail no sample', async () => {
    const { db, write, texts } = setup()
    const result = await write([
      named('a'), sample(1, T),
      exemplar([['id', 'x'.repeat(126)]], 1, T), exemplar([['id', 'x'.repeat(5000)]], 1, T), exemplar([['a', '1'], ['a', '2']], 1, T),
      exemplar([['id', Uint8Array.of(0xff)]], 1, T), exemplar([['', 'x']], 1, T), exemplar([['a', '1']], 1, T - 5), exemplar([['a', '1']], 1, T + 1e9),
      exemplar([['a', '1']], 1, -(2n ** 63n)),
    ])
    expect(result).toEqual({ status: 204, message: '', samplesWritten: 1, histogramsWritten: 0, exemplarsWritten: 1 })
    expect(texts()).toEqual([`a: 1@0{id:${'x'.repeat(126)}}`])
    expect([...db.exemplars!.ring.counts]).toEqual([1, 0, 2, 1, 1, 3, 0])
  })

  it('that are no protobuf are a malformed body, of which nothing is kept', async () => {
    const { write, texts, db } = setup()
    const f = async (bytes: number[], want: RegExp): Promise<void> => {
      const { status, message } = await write([named('a'), sample(1, T), field(3, Uint8Array.from(bytes))])
      expect([status, message]).toEqual([400, expect.stringMatching(want)])
    }
    await f([0x78], /varint runs past its end/)
    await f([0x08, 1], /field 1 of exemplar has wire type 0, not 2/)
    await f([0x12, 0], /field 2 of exemplar has wire type 2, not 1/)
    await f([0x19, 0, 0, 0, 0, 0, 0, 0, 0], /field 3 of exemplar has wire type 1, not 0/)
    await f([0x11, 0, 0], /field 2 runs past its end/)
    await f([0x0a, 2, 0x08, 1], /field 1 of label has wire type 0, not 2/)
    expect(db.seriesCount).toBe(0)
    expect(texts()).toEqual([])
    const many = Buffer.alloc(2 * 140_000, Uint8Array.of(0x1a, 0))
    expect(await write([named('a'), sample(1, T), many])).toMatchObject({ status: 413, message: 'more than 131072 exemplars in one request' })
  })
})
