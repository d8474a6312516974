// What the courier of a program that was killed had under way is known to the next one.
import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import { expect, it, onTestFinished } from 'vitest'
import type { NotificationEntry } from '../../../../lib/meta/interface.ts'
import { CarriedLog, CarriedLogs } from '../../../../lib/notify/courier/carried-log.ts'
import type { ToldMessage } from '../../../../lib/notify/courier/courier.ts'
import { FakeClock, systemClock } from '../../../../lib/std/clock.ts'
import { ownMark } from '../../../../lib/std/process-mark.ts'
import { waitFor } from '../../../support/monitor-process.ts'
import { tempFolder } from '../../../support/temp-folder.ts'

const ENTRY: NotificationEntry = { groupKey: '{}:{a="ü\n"}', receiver: 'team/email/0', timeMs: 1000, firing: ['f1', 'f2'], resolved: [], withheld: [], memory: '', target: 'h1', expiresAtMs: 1e15 }
const AT_MS = 1500
const messageOf = (entry: NotificationEntry): ToldMessage => ({ entry, firingIds: ['e1'], resolvedIds: ['e2'] })
const FOREVER_MS = 8e15

function openLog(folder: string): CarriedLog {
  return new CarriedLog(folder, systemClock, (error) => expect.fail(error.message))
}

/** The log of this process, renamed to that of another one. */
function give(folder: string, mark: string): void {
  for (const name of fs.readdirSync(folder)) fs.renameSync(`${folder}/${name}`, `${folder}/${name.replace(ownMark().replace(' ', '-'), mark.replace(' ', '-'))}`)
}

it('tells what was taken, of each group and integration the last', async () => {
  const folder = tempFolder()
  const log = openLog(folder)
  for (const entry of [ENTRY, { ...ENTRY, receiver: 'b' }]) await log.begin(entry, FOREVER_MS)
  await log.taken(messageOf(ENTRY), AT_MS)
  await log.failed({ ...ENTRY, receiver: 'b' })
  await log.taken(messageOf({ ...ENTRY, timeMs: 2000, firing: ['f1'] }), AT_MS)
  give(folder, '999999999 1')
  expect(await new CarriedLogs(folder, systemClock).read()).toEqual({ told: [{ ...messageOf({ ...ENTRY, timeMs: 2000, firing: ['f1'] }), atMs: AT_MS }], doubts: [] })
})

it('doubts what is under way with a courier that lives, until its time is up', async () => {
  const folder = tempFolder()
  const clock = new FakeClock(5000)
  const log = openLog(folder)
  await log.begin(ENTRY, 6000)
  await log.begin({ ...ENTRY, receiver: 'b' }, 6000)
  await log.failed({ ...ENTRY, receiver: 'b' })
  const doubt = { receiver: ENTRY.receiver, groupKey: ENTRY.groupKey, mark: ownMark(), untilMs: 6000 }
  expect(await new CarriedLogs(folder, clock).read()).toEqual({ told: [], doubts: [doubt] })
  await clock.advance(1000)
  expect((await new CarriedLogs(folder, clock).read()).doubts).toEqual([])
})

it('learns how it went: taken, not taken, or nobody knows', async () => {
  const folder = tempFolder()
  const log = openLog(folder)
  const logs = new CarriedLogs(folder, systemClock)
  for (const [receiver, untilMs] of [[ENTRY.receiver, FOREVER_MS], ['b', FOREVER_MS], ['c', Date.now() + 200]] as const) await log.begin({ ...ENTRY, receiver }, untilMs)
  const [taken, failed, late] = (await logs.read()).doubts.map((doubt) => logs.outcome(doubt))
  await log.taken(messageOf(ENTRY), AT_MS)
  await log.failed({ ...ENTRY, receiver: 'b' })
  expect(await Promise.all([taken, failed, late])).toEqual([{ ...messageOf(ENTRY), atMs: AT_MS }, null, null])
})

it('holds up nothing else where its disk hangs', async () => {
  const [folder, other] = [tempFolder(), tempFolder()]
  const log = openLog(other)
  await log.begin(ENTRY, FOREVER_MS)
  await log.taken(messageOf(ENTRY), AT_MS)
  const name = fs.readdirSync(other)[0]!
  // Who reads it waits for someone who writes, as for a disk.
  execFileSync('mkfifo', [`${folder}/${name}`])
  const outcome = new CarriedLogs(folder, systemClock).outcome({ receiver: ENTRY.receiver, groupKey: ENTRY.groupKey, mark: ownMark(), untilMs: FOREVER_MS })
  await fs.promises.writeFile(`${folder}/${name}`, fs.readFileSync(`${other}/${name}`))
  expect(await outcome).toEqual({ ...messageOf(ENTRY), atMs: AT_MS })
})

it('does not wait for a courier that was killed, too', async () => {
  const folder = tempFolder()
  await openLog(folder).begin(ENTRY, FOREVER_MS)
  const child = spawn(process.execPath, ['-e', 'console.log(require("fs").readFileSync("/proc/self/stat", "utf8")); setInterval(() => {}, 1000)'])
  onTestFinished(() => void child.kill('SIGKILL'))
  let stat = ''
  child.stdout.on('data', (piece: Buffer) => (stat += piece.toString()))
  await waitFor('its line', () => Promise.resolve(stat.endsWith('\n')))
  give(folder, `${child.pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`)
  const logs = new CarriedLogs(folder, systemClock)
  const [doubt] = (await logs.read()).doubts
  const outcome = logs.outcome(doubt!)
  await logs.removeDead()
  expect(fs.readdirSync(folder)).toHaveLength(1)
  child.kill('SIGKILL')
  expect(await outcome).toBe(null)
  await logs.removeDead()
  expect(fs.readdirSync(folder)).toEqual([])
})

it('begins a new file when one has grown, and reads both', async () => {
  const folder = tempFolder()
  const log = openLog(folder)
  const entry = (i: number): NotificationEntry => ({ ...ENTRY, receiver: `r${i}`, firing: Array.from({ length: 100 }, (_, k) => `${i}-${k}-0123456789abcdef`) })
  for (let i = 0; i < 500; i++) await log.taken(messageOf(entry(i)), AT_MS)
  for (let i = 0; i < 10; i++) await log.begin(entry(i), FOREVER_MS)
  expect(fs.readdirSync(folder).filter((name) => name.includes('.old'))).toHaveLength(1)
  expect(fs.readdirSync(folder)).toHaveLength(2)
  for (const name of fs.readdirSync(folder)) expect(fs.statSync(`${folder}/${name}`).size).toBeLessThan(1.1e6)
  const { told, doubts } = await new CarriedLogs(folder, systemClock).read()
  expect(told).toContainEqual({ ...messageOf(entry(499)), atMs: AT_MS })
  expect(told.length).toBeGreaterThan(400)
  expect(doubts).toHaveLength(10)
})

it('leaves out a line that broke off', async () => {
  const folder = tempFolder()
  const log = openLog(folder)
  await log.taken(messageOf(ENTRY), AT_MS)
  await log.taken(messageOf({ ...ENTRY, receiver: 'b' }), AT_MS)
  const file = `${folder}/${fs.readdirSync(folder)[0]!}`
  fs.truncateSync(file, fs.statSync(file).size - 3)
  expect((await new CarriedLogs(folder, systemClock).read()).told).toEqual([{ ...messageOf(ENTRY), atMs: AT_MS }])
})

it('has nothing to say of a folder that is not there', async () => {
  expect(await new CarriedLogs('/none/of/these', systemClock).read()).toEqual({ told: [], doubts: [] })
})

it('holds one message up for two seconds while its disk hangs, and no other', async () => {
  const folder = tempFolder()
  const file = `${folder}/carried-${ownMark().replace(' ', '-')}.log`
  // The opening of a pipe waits for who reads it.
  execFileSync('mkfifo', [file])
  const clock = new FakeClock()
  const log = new CarriedLog(folder, clock, (error) => expect.fail(error.message))
  const first = log.begin(ENTRY, FOREVER_MS)
  await clock.advance(2000)
  expect(await first).toBe(false)
  expect(await log.taken(messageOf(ENTRY), AT_MS)).toBe(false)
  const reader = spawn('cat', [file])
  onTestFinished(() => void reader.kill('SIGKILL'))
  let text = ''
  reader.stdout.on('data', (piece: Buffer) => (text += piece.toString()))
  await waitFor('both lines', () => Promise.resolve(text.split('\n').length === 3))
  expect(await log.failed(ENTRY)).toBe(true)
})
