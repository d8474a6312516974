// How records of alerts come to the store while that is slow, hangs or has much to do.
import { expect, it, onTestFinished } from 'vitest'
import { MetaError } from '../../../lib/meta/errors.ts'
import type { AlertEvent, AlertRecord, MetaStore } from '../../../lib/meta/interface.ts'
import { beginEpisode, firstEvents } from '../../../lib/notify/lifecycle/episode.ts'
import { RecordWriter } from '../../../lib/notify/lifecycle/record-writer.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { silentLogger } from '../../../lib/std/log.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { openStore } from '../meta/open-store.ts'
import { sent } from './lifecycle-world.ts'

/** The store behind a gate: each write waits until it is let through. */
class GatedStore {
  readonly store: MetaStore = openStore(tempFolder())
  readonly writes: { records: readonly AlertRecord[]; events: readonly AlertEvent[] }[] = []
  readonly #gates: ((isRefused: boolean) => void)[] = []
  isOpen = false

  async putAlerts(...[records, events, told]: Parameters<MetaStore['putAlerts']>): Promise<void> {
    this.writes.push({ records, events })
    if (!this.isOpen && await new Promise<boolean>((resolve) => void this.#gates.push(resolve))) throw new MetaError('the disk is full')
    await this.store.putAlerts(records, events, told)
  }

  letThrough(): void {
    this.#gates.shift()!(false)
  }

  refuse(): void {
    this.#gates.shift()!(true)
  }

  get sizes(): number[][] {
    return this.writes.map(({ records, events }) => [records.length, events.length])
  }
}

function world(): { gate: GatedStore; writer: RecordWriter; clock: FakeClock; episode: (i: number) => { records: AlertRecord[]; events: AlertEvent[] } } {
  const [gate, clock] = [new GatedStore(), new FakeClock()]
  const writer = new RecordWriter(gate, clock, silentLogger)
  onTestFinished(async () => {
    gate.isOpen = true
    await writer.stop()
    await gate.store.close()
  })
  const episode = (i: number): { records: AlertRecord[]; events: AlertEvent[] } => {
    const begun = beginEpisode(sent({ alertname: 'A', instance: `i${i}` }, clock.now()), { fingerprint: `${i}`, id: `id-${i}`, lastsUntilMs: null, nowMs: clock.now() })
    return { records: [begun.record], events: firstEvents(begun) }
  }
  return { gate, writer, clock, episode }
}

const history = (count: number): AlertEvent[] => Array.from({ length: count }, (_, i) => ({ alertId: `old-${i}`, timeMs: i, kind: 'notified', detail: '' }))
/** What is settled within some turns of the event loop. */
const isDone = async (work: Promise<void>): Promise<boolean> => Promise.race([work.then(() => true), new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 30))])

it('writes what alerts wait for before the history of a hundred thousand messages', async () => {
  const { gate, writer, episode } = world()
  writer.add({ events: history(2500) })
  writer.addAwaited(episode(1))
  const settled = writer.settled()
  gate.letThrough()
  expect(await isDone(settled)).toBe(false)
  gate.letThrough()
  expect(await isDone(settled)).toBe(true)
  expect(gate.sizes).toEqual([[0, 1000], [1, 1], [0, 1000]])
  expect(await gate.store.alert('id-1')).toMatchObject({ status: 'open' })
  gate.isOpen = true
  gate.letThrough()
  await writer.stop()
  expect(gate.sizes).toEqual([[0, 1000], [1, 1], [0, 1000], [0, 500]])
})

it('keeps the newest record of an alert, in whichever order history and what is awaited come', async () => {
  const { gate, writer, episode } = world()
  writer.add({ events: history(1) })
  const { records: [record], events } = episode(1)
  writer.add({ records: [record!] })
  writer.addAwaited({ records: [{ ...record!, status: 'resolved', resolvedAtMs: record!.triggeredAtMs }], events })
  writer.addAwaited(episode(2))
  writer.add({ records: [{ ...episode(2).records[0]!, toldAtMs: 5 }] })
  gate.isOpen = true
  gate.letThrough()
  await writer.settled()
  await writer.stop()
  expect(gate.sizes).toEqual([[0, 1], [2, 2]])
  expect(await gate.store.alert('id-1')).toMatchObject({ status: 'resolved' })
  expect(await gate.store.alert('id-2')).toMatchObject({ toldAtMs: 5 })
})

it('lets no older record that the store refused come after one that it must keep', async () => {
  const { gate, writer, clock, episode } = world()
  const { records: [record], events } = episode(1)
  writer.addAwaited({ records: [record!], events })
  const kept = writer.must([{ ...record!, status: 'acknowledged', acknowledgedBy: 'ana' }], [], [record!])
  gate.refuse()
  gate.letThrough()
  await kept
  gate.isOpen = true
  await clock.advance(10_000)
  await writer.stop()
  expect(await gate.store.alert('id-1')).toMatchObject({ status: 'acknowledged', acknowledgedBy: 'ana' })
  expect(await gate.store.events('id-1')).toEqual(events)
})

it('writes the older record after all where the store refuses that one, too', async () => {
  const { gate, writer, clock, episode } = world()
  const { records: [record], events } = episode(1)
  writer.addAwaited({ records: [record!], events })
  const kept = writer.must([{ ...record!, status: 'acknowledged' }], [], [record!])
  gate.refuse()
  expect(await isDone(kept)).toBe(false)
  gate.refuse()
  await expect(kept).rejects.toThrow('the disk is full')
  gate.isOpen = true
  await clock.advance(10_000)
  await writer.stop()
  expect(await gate.store.alert('id-1')).toMatchObject({ status: 'open' })
})

it('gives up what must be kept after five seconds, and what was so before comes after it', async () => {
  const { gate, writer, clock, episode } = world()
  const { records: [record] } = episode(1)
  const acknowledged: AlertRecord = { ...record!, status: 'acknowledged' }
  const line: AlertEvent = { alertId: record!.id, timeMs: 1, kind: 'acknowledged', detail: 'ana' }
  const first = writer.must([acknowledged], [line], [record!])
  await clock.advance(4999)
  expect(await isDone(first)).toBe(false)
  await clock.advance(1)
  await expect(first).rejects.toThrow('does not answer')
  await expect(writer.must([acknowledged], [], [record!])).rejects.toThrow('does not answer')
  gate.isOpen = true
  gate.letThrough()
  await expect.poll(() => gate.sizes).toEqual([[1, 1], [1, 0]])
  gate.letThrough()
  await writer.stop()
  expect(await gate.store.alert('id-1')).toMatchObject({ status: 'open' })
  expect((await gate.store.events('id-1')).map(({ kind, detail }) => `${kind} ${detail}`)).toEqual(['acknowledged ana', 'unacknowledged as before: the store was too late for what was asked for'])
  await writer.must([acknowledged], [], [record!])
  expect(await gate.store.alert('id-1')).toMatchObject({ status: 'acknowledged' })
})

it('loses lines of a storm only where the store refuses them, the oldest', async () => {
  const { gate, writer, clock } = world()
  const records = history(300_000)
  writer.add({ events: records })
  writer.add({ events: [{ ...records[0]!, alertId: 'last' }] })
  expect(writer.lostCount).toBe(0)
  gate.refuse()
  await expect.poll(() => writer.lostCount).toBe(100_001)
  gate.isOpen = true
  await clock.advance(10_000)
  await writer.stop()
  expect([await gate.store.events('old-100000'), await gate.store.events('old-100001'), await gate.store.events('last')].map(({ length }) => length)).toEqual([0, 1, 1])
})

it('waits two seconds for a store that hangs, once: pages that follow do not wait until it answers again', async () => {
  const { gate, writer, clock, episode } = world()
  writer.addAwaited(episode(1))
  const first = writer.settled()
  await clock.advance(1999)
  expect(await isDone(first)).toBe(false)
  await clock.advance(1)
  expect(await isDone(first)).toBe(true)
  writer.addAwaited(episode(2))
  expect(await isDone(writer.settled())).toBe(true)
  gate.letThrough()
  await expect.poll(() => gate.sizes).toEqual([[1, 1], [1, 1]])
  writer.addAwaited(episode(3))
  const third = writer.settled()
  expect(await isDone(third)).toBe(false)
  gate.letThrough()
  await expect.poll(() => gate.sizes).toEqual([[1, 1], [1, 1], [1, 1]])
  gate.letThrough()
  expect(await isDone(third)).toBe(true)
})
