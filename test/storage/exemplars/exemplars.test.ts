// The ring of exemplars: Prometheus' rules of order (tsdb/exemplar_test.go), what is written over, what a restart finds.
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { EXEMPLAR_VERDICTS } from '../../../lib/model/exemplar.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { Random } from '../../../lib/std/random.ts'
import type { Database } from '../../../storage/database.ts'
import { ExemplarRing } from '../../../storage/exemplars/exemplar-ring.ts'
import { readExemplars } from '../../../storage/exemplars/exemplar-reader.ts'
import { FRAME_OVERHEAD_BYTES, TYPE_EXEMPLARS, sealFrame } from '../../../storage/log/frame.ts'
import type { Finding } from '../../../storage/repair/finding.ts'
import { repairFolder } from '../../../storage/repair/repair.ts'
import { askExemplars, columnsOf, exemplarTexts, pushExemplars, type GivenExemplar } from '../../support/exemplars.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { NOW, abandon, open } from '../store.ts'
import { CAN_SWAP, swapFile } from '../swapped-file.ts'

const named = (db: Database, name: string): number => db.series(['__name__', name])
const e = (value: number, timeMs: number, labels: Record<string, string> = { id: 'a' }): GivenExemplar => ({ labels, value, timeMs })

async function withDb(options: Parameters<typeof open>[1], test: (db: Database, folder: string) => Promise<void> | void): Promise<void> {
  const folder = tempFolder()
  const db = open(folder, options)
  try {
    await test(db, folder)
  } finally {
    await db.close()
  }
}

describe('exemplars of a series', () => {
  it('are taken in order of time, value and labels, and once', () => withDb({ exemplarsMax: 10 }, (db) => {
    const f = (...steps: [given: GivenExemplar, want: string][]): void => {
      const ref = named(db, `m${db.seriesCount}`)
      for (const [given, want] of steps) expect(pushExemplars(db, ref, given), JSON.stringify(given)).toEqual([want])
    }
    f([e(1, NOW), 'stored'], [e(1, NOW), 'duplicate'], [e(1, NOW + 1), 'stored'], [e(1, NOW), 'out_of_order'])
    f([e(2, NOW), 'stored'], [e(1, NOW), 'out_of_order'], [e(3, NOW), 'stored'])
    f([e(1, NOW, { id: 'b' }), 'stored'], [e(1, NOW, { id: 'a' }), 'out_of_order'], [e(1, NOW, { id: 'c' }), 'stored'])
    f([e(1, NOW), 'stored'], [e(1, NOW, { id: 'a', b: '' }), 'duplicate'], [e(1, NOW + 5, {}), 'stored'])
    f([e(NaN, NOW), 'stored'], [e(NaN, NOW), 'duplicate'])
    // Without times of their own: the same again, however much later.
    const untimed = (value: number, sampleMs: number): GivenExemplar => ({ labels: { id: 'a' }, value, sampleMs })
    f([untimed(1, NOW), 'stored'], [untimed(1, NOW + 1000), 'duplicate'], [untimed(2, NOW + 2000), 'stored'], [untimed(1, NOW + 3000), 'stored'])
    f([untimed(1, NOW), 'stored'], [e(1, NOW + 1000), 'stored'])
    f([e(1, NOW + 600_000), 'stored'], [e(1, NOW + 600_001), 'future'], [e(1, NaN), 'future'])
  }))

  it('have at most 128 characters of labels, each name once', () => withDb({ exemplarsMax: 10 }, (db) => {
    const f = (labels: Record<string, string>, want: string): void => expect(pushExemplars(db, named(db, `m${db.seriesCount}`), e(1, NOW, labels))).toEqual([want])
    f({ a: 'x'.repeat(127) }, 'stored')
    f({ a: 'x'.repeat(128) }, 'too_long')
    f({ é: '語'.repeat(127) }, 'stored')
    f({ '😀': '😀'.repeat(127) }, 'stored')
    f({ '😀': '😀'.repeat(128) }, 'too_long')
    f(Object.fromEntries(Array.from({ length: 64 }, (_, i) => [String.fromCharCode(0x4e00 + i), 'x'])), 'stored')
    f(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [String.fromCharCode(0x4e00 + i), 'x'])), 'too_long')
    f({ a: 'x'.repeat(1 << 20) }, 'too_long')
    f({ '': 'x' }, 'invalid_labels')
    f({}, 'stored')
    expect(pushExemplars(db, 0, e(1, NOW))).toEqual(['unknown_series'])
    const { counts } = db.exemplars!.ring
    expect(Object.fromEntries(EXEMPLAR_VERDICTS.map((name, verdict) => [name, counts[verdict]]))).toEqual({
      stored: 5, duplicate: 0, out_of_order: 0, future: 0, too_long: 4, invalid_labels: 1, unknown_series: 1,
    })
  }))
})

describe('a snapshot', () => {
  it('has the exemplars', async () => {
    const folder = tempFolder()
    await (async (db: Database) => {
      pushExemplars(db, named(db, 'a'), e(1, NOW))
      await db.close()
    })(open(folder, { exemplarsMax: 10 }))
    const db = open(folder, { exemplarsMax: 10 })
    await db.blocks.snapshot('x', true)
    pushExemplars(db, named(db, 'a'), e(2, NOW + 1))
    await db.close()
    const copy = open(`${folder}/snapshots/x`, { exemplarsMax: 10 })
    expect(exemplarTexts(copy, 'a')).toEqual([`a: 1@${NOW}{id:a}`])
    await copy.close()
  })
})

describe('the ring', () => {
  it('keeps the newest of all series, and counts what it keeps', () => withDb({ exemplarsMax: 3 }, (db) => {
    const [a, b] = [named(db, 'a'), named(db, 'b')]
    pushExemplars(db, a, e(1, NOW), e(2, NOW + 1))
    pushExemplars(db, b, e(3, NOW))
    const { ring } = db.exemplars!
    expect([ring.count, ring.seriesCount, ring.oldestTimeMs]).toEqual([3, 2, NOW])
    pushExemplars(db, b, e(4, NOW + 2))
    expect(exemplarTexts(db, '{__name__=~"a|b"}')).toEqual([`a: 2@${NOW + 1}{id:a}`, `b: 3@${NOW}{id:a} 4@${NOW + 2}{id:a}`])
    pushExemplars(db, b, e(5, NOW + 3))
    expect(exemplarTexts(db, '{__name__=~"a|b"}')).toEqual([`b: 3@${NOW}{id:a} 4@${NOW + 2}{id:a} 5@${NOW + 3}{id:a}`])
    expect([ring.count, ring.seriesCount, ring.oldestTimeMs]).toEqual([3, 1, NOW])
    // What went is forgotten: no order to keep any more.
    expect(pushExemplars(db, a, e(1, NOW))).toEqual(['stored'])
    expect([ring.count, ring.seriesCount]).toEqual([3, 2])
  }))

  it('takes no more memory for series whose refs are high: they are never given twice', () => {
    const ring = new ExemplarRing(2)
    const before = process.memoryUsage().arrayBuffers
    for (const ref of [2_000_000_000, 2_000_000_001, 2_000_000_002]) ring.append(columnsOf([{ ref, labels: {}, value: 1, timeMs: 1 }]), Infinity)
    expect([2_000_000_000, 2_000_000_001, 2_000_000_002].map((ref) => ring.has(ref))).toEqual([false, true, true])
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20)
    expect([ring.count, ring.seriesCount]).toEqual([2, 2])
  })

  it('holds what a plain list of the newest would, whatever their labels take', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Random(seed)
      const capacity = 1 + random.int(20)
      const ring = new ExemplarRing(capacity)
      const all: { ref: number; text: string }[] = []
      const every = Uint32Array.of(1, 2, 3, 4)
      for (let i = 0; i < 200; i++) {
        const ref = 1 + random.int(4)
        // Labels of 0 to 500 bytes: the bytes of the ring run out before its slots.
        const labels = random.int(5) === 0 ? {} : { a: '語'.repeat(1 + random.int(random.int(4) === 0 ? 126 : 8)) }
        ring.append(columnsOf([{ ref, labels, value: i, timeMs: i }]), Infinity)
        all.push({ ref, text: `${i}${JSON.stringify(Object.entries(labels).flat())}` })
        const kept = all.slice(-ring.count)
        const want = [1, 2, 3, 4].map((one) => kept.filter((given) => given.ref === one).map(({ text }) => text))
        const found = new Map(readExemplars(ring.buffer, [every], -Infinity, Infinity).map((one) => [one.ref, one.exemplars]))
        expect(Array.from(every, (one) => (found.get(one) ?? []).map(({ value, labels: texts }) => `${value}${JSON.stringify(texts)}`))).toEqual(want)
        expect(ring.seriesCount).toBe(want.filter((list) => list.length > 0).length)
        expect(ring.count).toBeGreaterThanOrEqual(1)
        expect(ring.count).toBeLessThanOrEqual(capacity)
        // Exemplars of ordinary size all have room.
        if (kept.every(({ text }) => Buffer.byteLength(text) < 100)) expect(ring.count).toBe(Math.min(capacity, i + 1, kept.length))
      }
    }
  })
})

describe('after a restart', () => {
  const texts = (db: Database): string[] => exemplarTexts(db, '{__name__!=""}')

  it('exemplars are there again, and so is their order', async () => {
    const folder = tempFolder()
    const db = open(folder, { exemplarsMax: 10 })
    pushExemplars(db, named(db, 'a'), e(1, NOW), { labels: { z: '1', a: 'é' }, value: NaN, sampleMs: NOW + 1 })
    pushExemplars(db, named(db, 'b'), e(-0, NOW, {}))
    const before = texts(db)
    expect(before).toEqual([`a: 1@${NOW}{id:a} NaN@${NOW + 1}{a:é,z:1}`, `b: -0@${NOW}{}`])
    await db.close()
    const again = open(folder, { exemplarsMax: 10 })
    expect(texts(again)).toEqual(before)
    expect(pushExemplars(again, named(again, 'a'), e(1, NOW), { labels: { a: 'é', z: '1' }, value: NaN, sampleMs: NOW + 9 }, e(5, NOW + 9))).toEqual(['out_of_order', 'duplicate', 'stored'])
    expect(again.exemplars!.ring.counts[0]).toBe(1)
    await again.close()
    const third = open(folder, { exemplarsMax: 2 })
    expect(texts(third)).toEqual([`a: 5@${NOW + 9}{id:a}`, `b: -0@${NOW}{}`])
    await third.close()
    const none = open(folder)
    expect(none.exemplars).toBeNull()
    expect(askExemplars(none, 'a')).toEqual({ status: 'success', data: [] })
    await none.close()
  })

  it('that a kill forced, exemplars are there that came 200 ms before it', async () => {
    const folder = tempFolder()
    const clock = new FakeClock(NOW)
    const db = open(folder, { exemplarsMax: 10, clock })
    pushExemplars(db, named(db, 'a'), e(1, NOW))
    await clock.advance(200)
    await vi.waitFor(() => expect(fs.statSync(`${folder}/exemplars/00000001.frames`).size).toBe(64))
    pushExemplars(db, named(db, 'a'), e(2, NOW + 1))
    await clock.advance(199)
    abandon(folder)
    const again = open(folder, { exemplarsMax: 10, clock })
    expect(texts(again)).toEqual([`a: 1@${NOW}{id:a}`])
    await again.close()
  })

  it('files hold little more than the ring, and the newest', async () => {
    const folder = tempFolder()
    const ring = `${folder}/exemplars`
    let db = open(folder, { exemplarsMax: 40 })
    for (let i = 0; i < 500; i++) {
      pushExemplars(db, named(db, `m${i % 7}`), e(i, NOW + i))
      await db.exemplars!.write()
      if (i % 50 === 49) {
        const before = texts(db)
        expect(db.exemplars!.ring.count).toBe(40)
        await db.close()
        db = open(folder, { exemplarsMax: 40 })
        expect(texts(db)).toEqual(before)
        expect(fs.readdirSync(ring).length).toBeLessThanOrEqual(5)
      }
    }
    await db.close()
    const sizes = fs.readdirSync(ring).map((name) => fs.statSync(path.join(ring, name)).size)
    // A frame of one: 24 bytes around, 8 of count, 24 and 8 of the exemplar.
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(50 * 64)
  })

  it('damaged bytes cost the frames they are in, and a torn end nothing else', async () => {
    const folder = tempFolder()
    const db = open(folder, { exemplarsMax: 100 })
    for (let i = 0; i < 5; i++) {
      pushExemplars(db, named(db, 'a'), e(i, NOW + i))
      await db.exemplars!.write()
    }
    await db.close()
    const [name] = fs.readdirSync(`${folder}/exemplars`)
    const file = `${folder}/exemplars/${name}`
    const whole = fs.readFileSync(file)
    expect(whole.length).toBe(5 * 64)
    for (let bit = 0; bit < whole.length * 8; bit += 43) {
      const bytes = Buffer.from(whole)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      fs.writeFileSync(file, bytes)
      const hurt = open(folder, { exemplarsMax: 100 })
      const lost = Math.floor(bit / 8 / 64)
      const values = [0, 1, 2, 3, 4].filter((i) => i !== lost)
      const isTail = (bit >> 3) % 64 >= 60
      const shown = texts(hurt)
      // The four bytes behind the checksum say nothing.
      if (!isTail) expect(shown).toEqual([`a: ${values.map((i) => `${i}@${NOW + i}{id:a}`).join(' ')}`])
      await hurt.close()
    }
    fs.writeFileSync(file, whole.subarray(0, 5 * 64 - 9))
    const torn = open(folder, { exemplarsMax: 100 })
    pushExemplars(torn, named(torn, 'a'), e(9, NOW + 9))
    await torn.close()
    const again = open(folder, { exemplarsMax: 100 })
    expect(texts(again)).toEqual([`a: ${[0, 1, 2, 3, 9].map((i) => `${i}@${NOW + i}{id:a}`).join(' ')}`])
    await again.close()
  })

  it.skipIf(!CAN_SWAP)('a disk that refused them costs exemplars, counted, and no sample', async () => {
    const folder = tempFolder()
    const db = open(folder, { exemplarsMax: 100 })
    const ref = named(db, 'a')
    pushExemplars(db, ref, e(1, NOW))
    await db.exemplars!.write()
    // The descriptor is closed with the failure: nothing to put back.
    swapFile(`${folder}/exemplars/00000001.frames`, '/dev/full')
    pushExemplars(db, ref, e(2, NOW + 1), e(3, NOW + 2))
    await db.exemplars!.write()
    expect(db.exemplars!.unwritten).toBe(2)
    await db.commit()
    pushExemplars(db, ref, e(4, NOW + 3))
    expect(texts(db)).toEqual([`a: ${[1, 2, 3, 4].map((i) => `${i}@${NOW + i - 1}{id:a}`).join(' ')}`])
    await db.close()
    const again = open(folder, { exemplarsMax: 100 })
    expect(texts(again)).toEqual([`a: 1@${NOW}{id:a} 4@${NOW + 3}{id:a}`])
    await again.close()
  })

  it('a repair leaves what is sound', async () => {
    const folder = tempFolder()
    await open(folder).close()
    const file = path.join(folder, 'exemplars/00000007.frames')
    const frame = FRAME_OVERHEAD_BYTES + 32
    const bytes = Buffer.alloc(4 * frame)
    for (let i = 0; i < 4; i++) {
      bytes.fill(i + 1, i * frame + 16, i * frame + 48)
      sealFrame(bytes, i * frame, TYPE_EXEMPLARS, 32)
    }
    const sound = Buffer.concat([bytes.subarray(0, frame), bytes.subarray(2 * frame)])
    bytes[frame + 20]! ^= 1
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, bytes)
    const found: Finding[] = []
    await repairFolder(folder, false, (finding) => found.push(finding))
    expect(found).toMatchObject([{ place: 'exemplars/00000007.frames', damage: `${frame} bytes at ${frame} and behind are damaged` }])
    expect(fs.readFileSync(file)).toEqual(sound)
    expect(fs.readFileSync(path.join(folder, 'quarantine/00000007.frames'))).toEqual(bytes)
  })
})

describe('/query_exemplars', () => {
  it('answers with the series of all selectors, in order, within the range', () => withDb({ exemplarsMax: 10 }, (db) => {
    const ref = (job: string, name = 'm'): number => db.series(['__name__', name, 'job', job])
    pushExemplars(db, ref('b'), e(1, NOW), e(2, NOW + 1000))
    pushExemplars(db, ref('a'), e(0.5, NOW + 1500, { trace_id: 'x"\\\n' }))
    pushExemplars(db, ref('a', 'l'), e(4, NOW))
    pushExemplars(db, ref('c', 'other'), e(5, NOW))
    ref('d')
    expect(askExemplars(db, 'm{job="a"}')).toEqual({
      status: 'success',
      data: [{ seriesLabels: { __name__: 'm', job: 'a' }, exemplars: [{ labels: { trace_id: 'x"\\\n' }, value: '0.5', timestamp: (NOW + 1500) / 1000 }] }],
    })
    const f = (query: string, want: string[], from?: number, to?: number): void => expect(exemplarTexts(db, query, from, to).map((text) => text.replaceAll(/@|\{.*?\}/g, ' ').replaceAll(/ 1700\d+/g, '').trim()), query).toEqual(want)
    f('m', ['m,a: 0.5', 'm,b: 1  2'])
    f('m', ['m,b: 2'], NOW + 1000, NOW + 1499)
    f('sum(rate(m{job=~"b|x.*"}[5m] offset 1h)) / on (job) l > bool (1 + absent(nothing))', ['l,a: 4', 'm,b: 1  2'])
    f('max_over_time((m - m{job!="a"})[1h:1m]) or histogram_quantile(0.9, l @ 5)', ['l,a: 4', 'm,a: 0.5', 'm,b: 1  2'])
    f('nothing', [])
    f('m', [], 1_700_000_000_000_000, 1_700_000_100_000_000)
    expect(askExemplars(db, '1 + time()')).toBeNull()
    expect(askExemplars(db, 'foo(')).toEqual({ status: 'error', errorType: 'bad_data', error: '1:5: parse error: unclosed left parenthesis' })
    expect(askExemplars(db, '')).toEqual({ status: 'error', errorType: 'bad_data', error: 'unknown position: parse error: no expression found in input' })
  }))
})
