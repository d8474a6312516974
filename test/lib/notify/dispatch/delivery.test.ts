// How messages get through: tries, pauses, Retry-After, and that a dead receiver delays no other.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { expect, it } from 'vitest'
import { MetaError } from '../../../../lib/meta/errors.ts'
import { CarriedLog } from '../../../../lib/notify/courier/carried-log.ts'
import type { ToldMessage } from '../../../../lib/notify/courier/courier.ts'
import type { NotificationEntry } from '../../../../lib/meta/interface.ts'
import type { AlertOverlay } from '../../../../lib/notify/overlay.ts'
import { sleep, systemClock } from '../../../../lib/std/clock.ts'
import { DeliveryError } from '../../../../lib/notify/receiver.ts'
import { waitFor } from '../../../support/monitor-process.ts'
import { PipelineWorld, PLAIN_OVERLAY } from '../../../support/pipeline-world.ts'

const CONFIG = `
route: {receiver: a, group_by: [job], group_wait: 0s, group_interval: 5m, routes: [{matchers: [to=b], receiver: b}]}
receivers: [{name: a, webhook_configs: [{url: http://a}]}, {name: b, webhook_configs: [{url: http://b}]}]
`
const message = (entry: NotificationEntry): ToldMessage => ({ entry, firingIds: [], resolvedIds: [] })
const down = (isRetryable = true, retryAfterMs = 0): Promise<never> => Promise.reject(new DeliveryError('503', { isRetryable, retryAfterMs }))

it('tries again with growing pauses, and tells the end of it within seconds of the cure', async () => {
  const world = await PipelineWorld.start(CONFIG)
  const tries: number[] = []
  let isDead = true
  world.behaviours.set('a', () => {
    tries.push(world.seconds)
    return isDead ? down() : Promise.resolve()
  })
  await world.fire({ name: '1', job: 'x' })
  await world.advance(100)
  expect(tries.length).toBeGreaterThan(10)
  const pauses = tries.slice(1).map((at, i) => at - tries[i]!)
  expect(Math.max(...pauses)).toBeLessThanOrEqual(14)
  expect(pauses.slice(-4).every((pause) => pause >= 6)).toBe(true)
  expect(world.log.filter((line) => line.includes('will retry later'))).toHaveLength(1)
  isDead = false
  await world.advance(14)
  expect(world.news()).toEqual([expect.stringMatching(/^a @1\d\d\S* \+1$/)])
  expect(await world.metric('alertmanager_notifications_failed_total{integration="webhook",reason="serverError"}')).toEqual(['alertmanager_notifications_failed_total{integration="webhook",reason="serverError"} 0'])
})

it('goes on with the next flush when the interval was not enough', async () => {
  const world = await PipelineWorld.start(CONFIG)
  let tries = 0
  world.behaviours.set('a', () => (tries++, down()))
  await world.fire({ name: '1', job: 'x' })
  await world.advance(302)
  const before = tries
  await world.advance(250)
  expect(tries).toBeGreaterThan(before + 10)
  world.behaviours.clear()
  await world.advance(14)
  expect(world.news()).toHaveLength(1)
  expect(await world.metric('alertmanager_notifications_failed_total{integration="webhook",reason="serverError"}')).toEqual(['alertmanager_notifications_failed_total{integration="webhook",reason="serverError"} 1'])
})

it('comes again when a service asks for it, five minutes later at the most', async () => {
  const world = await PipelineWorld.start(CONFIG)
  let tries = 0
  world.behaviours.set('a', () => (++tries === 1 ? down(true, 3_600_000) : Promise.resolve()))
  await world.fire({ name: '1', job: 'x' })
  await world.advance(295)
  expect(tries).toBe(1)
  await world.advance(400)
  expect(world.news()).toEqual([expect.stringMatching(/^a @[3-6]\d\d\S* \+1$/)])
})

it('tells the overlay why, whatever the number of tries', async () => {
  const errors: (string | null)[] = []
  const overlay: AlertOverlay = { ...PLAIN_OVERLAY, onNotified: ({ name: receiver }, _, error) => errors.push(`${receiver} ${error}`) }
  const world = await PipelineWorld.start(CONFIG.replace('5m', '20s'), overlay)
  world.behaviours.set('a', () => down())
  await world.fire({ name: '1', job: 'x' })
  await world.advance(50)
  expect(errors).toEqual(['a/webhook/0 503', 'a/webhook/0 503'])
})

it('does not try again what is refused for good before the next flush', async () => {
  const world = await PipelineWorld.start(CONFIG)
  let tries = 0
  world.behaviours.set('a', () => (tries++, down(false)))
  await world.fire({ name: '1', job: 'x' })
  await world.advance(299)
  expect(tries).toBe(1)
  await world.advance(2)
  expect(tries).toBe(2)
  expect(world.log.some((line) => line.includes('not delivered after 1 try: 503'))).toBe(true)
})

it('takes what some have got and others are refused for good for told, and counts the failure', async () => {
  const world = await PipelineWorld.start(CONFIG.replace('url: http://a', 'url: http://a, send_resolved: true'))
  let tries = 0
  world.behaviours.set('a', () => (tries++, Promise.reject(new DeliveryError('b@x (550)', { isRetryable: false, isPartlyTaken: true }))))
  await world.fire({ name: '1', job: 'x' })
  await world.advance(900)
  expect(tries).toBe(1)
  expect(world.log.some((line) => line.includes('refused for good for some recipients') && line.includes('b@x (550)'))).toBe(true)
})

it.each([
  ['the end to those who have got it, where it ends before the others could', true, 'resolved 0'],
  ['the start to the others once they can get it', false, 'firing 0'],
])('tells of what some have got and others are refused for now %s', async (_, isOver, expected) => {
  const world = await PipelineWorld.start(CONFIG.replace('url: http://a', 'url: http://a, send_resolved: true'))
  const taken: string[] = []
  let isLater = true
  world.behaviours.set('a', ({ alerts, previousMs }) => {
    if (isLater) return Promise.reject(new DeliveryError('b@x (451)', { isRetryable: true, isPartlyTaken: true }))
    taken.push(`${alerts.map(({ status }) => status).join()} ${previousMs}`)
    return Promise.resolve()
  })
  const job = { name: '1', job: 'x' }
  await world.fire(job)
  await world.advance(310)
  await world.restart()
  await (isOver ? world.resolve(job) : world.fire(job))
  isLater = false
  await world.advance(310)
  expect(taken).toEqual([expected])
})

it('comes again when the receiver says, with all of its messages', async () => {
  const world = await PipelineWorld.start(CONFIG)
  const tries: string[] = []
  let isLimited = true
  world.behaviours.set('a', ({ groupLabels }) => {
    tries.push(`${groupLabels.get('job')} @${world.seconds}`)
    return isLimited ? down(true, 60_000) : Promise.resolve()
  })
  await world.fire({ name: '1', job: 'x' })
  await world.advance(1)
  isLimited = false
  await world.fire({ name: '2', job: 'y' })
  await world.advance(58)
  expect(tries).toEqual(['x @0'])
  await world.advance(3)
  expect(tries.toSorted()).toEqual(['x @0', 'x @60', 'y @60'])
})

it('heeds what the receiver says of when to come also where that is later than the next flush', async () => {
  const world = await PipelineWorld.start(CONFIG.replace('5m', '20s'))
  const tries: string[] = []
  world.behaviours.set('a', ({ groupLabels }) => {
    tries.push(`${groupLabels.get('job')} @${Math.round(world.seconds)}`)
    return down(true, 60_000)
  })
  await world.fire({ name: '1', job: 'x' })
  await world.advance(1)
  await world.fire({ name: '2', job: 'y' })
  await world.advance(57)
  expect(tries).toEqual(['x @0'])
  await world.advance(10)
  expect(tries.length).toBeGreaterThan(1)
})

it('tells no alert to fire that has ended while it waited behind a receiver that hangs', async () => {
  const world = await PipelineWorld.start(CONFIG)
  let isHanging = true
  world.behaviours.set('a', async () => {
    if (!isHanging) return
    await sleep(world.clock, 100_000)
    throw new DeliveryError('timeout', { isRetryable: true })
  })
  const jobs = Array.from({ length: 20 }, (_, i) => ({ name: `n${i}`, job: String(i) }))
  await world.fire(...jobs)
  await world.advance(10)
  await world.resolve(jobs[18]!)
  await world.advance(400)
  isHanging = false
  await world.advance(400)
  const told = world.news().map((line) => line.split(' ')[2] ?? '').toSorted()
  expect(told).toEqual(jobs.map(({ name }) => `+${name}`).filter((name) => name !== '+n18').toSorted())
})

it('tells what comes to a group that was told while the store hangs', async () => {
  const world = await PipelineWorld.start(`
route: {receiver: a, group_by: [job], group_wait: 10s, group_interval: 1m}
receivers: [{name: a, webhook_configs: [{url: http://a}]}]`)
  const put = world.store.putNotificationEntry.bind(world.store)
  let goOn = (): void => {}
  const hangs = new Promise<void>((resolve) => (goOn = resolve))
  world.store.putNotificationEntry = (entry) => hangs.then(() => put(entry))
  await world.fire({ name: '1', job: 'x' })
  await world.advance(10)
  expect(world.news()).toEqual(['a @10 +1'])
  await world.fire({ name: '2', job: 'x' })
  await world.advance(60)
  expect(world.news()).toEqual(['a @70 +1 +2'])
  goOn()
})

it('lets a receiver that hangs delay no other, nor more than its own messages', async () => {
  const world = await PipelineWorld.start(CONFIG)
  let hanging = 0
  world.behaviours.set('a', () => (hanging++, new Promise(() => {})))
  await world.fire(...Array.from({ length: 100 }, (_, i) => ({ name: `a${i}`, job: String(i) })), { name: 'b', job: 'x', to: 'b' })
  await world.advance(1)
  expect(hanging).toBe(4)
  expect(world.news()).toEqual(['b @0 +b'])
})

it('tells in the order in which groups fell due, and goes one by one while the receiver is down', async () => {
  const world = await PipelineWorld.start(CONFIG)
  let running = 0
  let runningMax = 0
  world.behaviours.set('a', async () => {
    runningMax = Math.max(runningMax, ++running)
    await world.clock.advance(0)
    running--
    return down()
  })
  await world.fire(...Array.from({ length: 64 }, (_, i) => ({ name: `a${i}`, job: String(i) })))
  await world.advance(20)
  runningMax = 0
  await world.advance(30)
  expect(runningMax).toBe(1)
})

it('takes over groups when the configuration changes: told ones are not told again, those on their way not twice', async () => {
  const world = await PipelineWorld.start(CONFIG)
  await world.fire({ name: '1', job: 'x' })
  await world.advance(1)
  let finish = (): void => {}
  let begun = 0
  world.behaviours.set('a', () => (begun++, new Promise((resolve) => (finish = resolve))))
  await world.fire({ name: '2', job: 'y' })
  await world.advance(1)
  world.apply(CONFIG.replace('5m', '4m'))
  await world.advance(5)
  // The new group waits for the old one's message.
  expect(begun).toBe(1)
  world.behaviours.clear()
  finish()
  await world.settle()
  await world.advance(600)
  expect(world.news()).toEqual(['a @0 +1', 'a @7 +2'])
})

it('drains at a stop, and says what it had to leave', async () => {
  const world = await PipelineWorld.start(CONFIG)
  let finish = (): void => {}
  world.behaviours.set('a', () => new Promise((resolve) => (finish = resolve)))
  await world.fire({ name: '1', job: 'x' })
  await world.advance(1)
  let isStopped = false
  const stopped = world.pipeline.stop(3000).then(() => (isStopped = true))
  await world.settle()
  expect(isStopped).toBe(false)
  finish()
  await world.settle()
  await stopped
  expect(world.news()).toEqual(['a @1 +1'])
})

it('notes that people were told when the other side says so, before the try has ended', async () => {
  const world = await PipelineWorld.start(CONFIG)
  const noted: string[] = []
  world.store.noteNotificationEntry = ({ receiver, firing }) => void noted.push(`${receiver} ${firing.length}`)
  world.behaviours.set('b', (_, onAccepted) => {
    expect(noted).toEqual([])
    onAccepted()
    return new Promise(() => {})
  })
  await world.fire({ name: 'b', job: 'x', to: 'b' })
  await world.advance(1)
  expect(noted).toEqual(['b/webhook/0 1'])
})

it('waits with a message that the program before may still be telling, and with no other', async () => {
  const before = await PipelineWorld.start(CONFIG)
  await before.fire({ name: '1', job: 'x' })
  await before.advance(1)
  const [entry] = await before.store.notificationEntries()
  const outcomes = { taken: [], failed: ['a +1'] }
  for (const outcome of ['taken', 'failed'] as const) {
    const world = await PipelineWorld.start(CONFIG)
    const log = new CarriedLog(`${world.folder}/carried`, systemClock, (error) => expect.fail(error.message))
    await log.begin(entry!, world.clock.now() + 60_000)
    await world.restart()
    await world.fire({ name: '1', job: 'x' }, { name: '2', job: 'y' })
    await world.advance(10)
    expect(world.news().map((line) => line.replace(/ @[\d.]+/, ''))).toEqual(['a +2'])
    if (outcome === 'taken') await log.taken(message(entry!), world.clock.now())
    else await log.failed(entry!)
    const told: string[] = []
    await waitFor('word of it', async () => {
      await world.advance(0.1)
      told.push(...world.news())
      return outcome === 'failed' ? told.length > 0 : (await world.store.notificationEntries()).length === 2
    })
    await world.advance(1)
    expect([...told, ...world.news()].map((line) => line.replace(/ @[\d.]+/, '')), outcome).toEqual(outcomes[outcome])
    await world.advance(600)
    expect(world.news()).toEqual([])
    await world.stop()
  }
})

it('believes what the program before it has carried, unless the store knows better', async () => {
  const world = await PipelineWorld.start(CONFIG)
  await world.fire({ name: '1', job: 'x' })
  await world.advance(1)
  expect(world.news()).toEqual(['a @0 +1'])
  const [entry] = await world.store.notificationEntries()
  const log = new CarriedLog(`${world.folder}/carried`, systemClock, (error) => expect.fail(error.message))
  await log.taken(message({ ...entry!, timeMs: entry!.timeMs - 1, firing: [] }), world.clock.now())
  await log.taken(message({ ...entry!, groupKey: '{}:{job="y"}' }), world.clock.now())
  await world.restart()
  expect((await world.store.notificationEntries()).map(({ groupKey, firing }) => `${groupKey} ${firing.length}`).toSorted()).toEqual(['{}:{job="x"} 1', '{}:{job="y"} 1'])
})

it('tells the overlay of what the program before has carried, and keeps the log of it until all of that is kept', async () => {
  const seen: string[] = []
  let areKept = false
  const overlay: AlertOverlay = { ...PLAIN_OVERLAY, onCarried: ({ entry, firingIds, atMs }) => (seen.push(`${entry.groupKey} ${firingIds.join()} ${atMs}`), Promise.resolve(areKept)) }
  const world = await PipelineWorld.start(CONFIG, overlay)
  await world.fire({ name: '1', job: 'x' })
  await world.advance(1)
  const [entry] = await world.store.notificationEntries()
  const folder = `${world.folder}/carried`
  const log = new CarriedLog(folder, systemClock, (error) => expect.fail(error.message))
  await log.taken({ entry: entry!, firingIds: ['e1'], resolvedIds: [] }, 77)
  for (const name of fs.readdirSync(folder)) fs.renameSync(`${folder}/${name}`, `${folder}/carried-999999999-1.log`)
  for (; ; areKept = true) {
    await world.restart()
    await world.settle()
    expect(seen.splice(0)).toEqual([`${entry!.groupKey} e1 77`])
    await expect.poll(() => fs.readdirSync(folder), { timeout: 10_000 }).toHaveLength(areKept ? 0 : 1)
    if (areKept) break
  }
})

/** A file of a courier whose reading hangs until what is given is called: a pipe that nobody writes. */
function hangingNote(folder: string): () => void {
  const pipe = `${folder}/carried-1-1.log`
  fs.mkdirSync(folder, { recursive: true })
  execFileSync('mkfifo', [pipe])
  return () => {
    fs.closeSync(fs.openSync(pipe, 'w'))
    fs.rmSync(pipe)
  }
}

it('tells alerts though what was kept cannot be read at a start, and heeds it as soon as it can', async () => {
  const world = await PipelineWorld.start(CONFIG)
  const silence = { id: '', matcherSets: [[{ name: 'name', op: '=' as const, value: 'quiet' }]], startsAtMs: 0, endsAtMs: world.clock.now() + 1e9, createdBy: 'a', comment: 'c', annotations: new Map() }
  await world.pipeline.silences.set(silence)
  await world.fire({ name: '1', job: 'x' })
  await world.advance(1)
  expect(world.news()).toEqual(['a @0 +1'])
  for (const fault of ['hangs', 'notes hang', 'fails'] as const) {
    let goOn = (): void => {}
    world.onOpened = (store) => {
      if (fault === 'notes hang') {
        goOn = hangingNote(`${world.folder}/carried`)
        return
      }
      const read = store.notificationEntries.bind(store)
      const until = new Promise<void>((resolve) => (goOn = resolve))
      store.notificationEntries = async () => {
        if (fault === 'fails') store.notificationEntries = read
        if (fault === 'fails') throw new MetaError('the disk is gone')
        await until
        return read()
      }
      const silences = store.silences.bind(store)
      store.silences = () => until.then(silences)
    }
    let isBack = false
    void world.restart().then(() => (isBack = true))
    // A failure is waited for in real time: the clock may be faster than the disk.
    while (!isBack) await (fault === 'fails' ? world.settle() : world.advance(1))
    // Told again, as nobody knows better.
    await world.fire({ name: '1', job: 'x' })
    await world.advance(1)
    expect(world.news(), fault).toEqual([expect.stringMatching(/^a @[\d.]+ \+1$/)])
    expect(world.log.join()).toMatch(fault !== 'fails' ? /are not read yet, as the disk hangs/ : /cannot be read: alerts are told as if there were none; it is tried again/)
    goOn()
    await world.advance(11)
    await waitFor('all to be read', () => Promise.resolve(world.log.some((line) => line.includes('are read now'))))
    expect(await world.metric('monitor_notification_state_read')).toEqual(['monitor_notification_state_read 1'])
    await world.fire({ name: 'quiet', job: 'y' })
    await world.advance(1)
    expect(world.news()).toEqual([])
    world.log.length = 0
  }
})
