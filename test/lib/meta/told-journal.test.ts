// What people were told is known after a kill that came before the store's sync.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import type { Channel } from '../../../lib/meta/channel.ts'
import type { NotificationEntry } from '../../../lib/meta/interface.ts'
import { SqliteStore } from '../../../lib/meta/sqlite-store.ts'
import { journalTexts, ToldJournal } from '../../../lib/meta/told-journal.ts'
import { systemClock } from '../../../lib/std/clock.ts'
import { Logger, silentLogger } from '../../../lib/std/log.ts'
import { waitFor } from '../../support/monitor-process.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { openStore } from './open-store.ts'
import { T0 } from './store-conformance.ts'

const ENTRY: NotificationEntry = { groupKey: '{}:{a="ü\n"}', receiver: 'team/email/0', timeMs: T0, firing: ['f1', 'f2'], resolved: [], withheld: [], memory: '', target: 'h1', expiresAtMs: T0 + 1e12 }

/** A store whose thread takes calls and has not come to any of them: what a kill leaves behind. */
function stuckStore(folder: string): SqliteStore {
  const stuck: Channel = { send: () => new Promise(() => {}), close: () => Promise.resolve() }
  return new SqliteStore(stuck, new ToldJournal(folder, silentLogger))
}

/** By receiver. */
async function entriesOf(folder: string): Promise<NotificationEntry[]> {
  const store = openStore(folder)
  const entries = await store.notificationEntries()
  await store.close()
  return entries.toSorted((a, b) => (a.receiver < b.receiver ? -1 : 1))
}

it('has what was noted when the store had not come to it', async () => {
  const folder = tempFolder()
  const store = stuckStore(folder)
  void store.putNotificationEntry(ENTRY)
  void store.putNotificationEntry({ ...ENTRY, timeMs: T0 + 5, firing: ['f3'] })
  void store.putNotificationEntry({ ...ENTRY, receiver: 'b' })
  await store.close()
  expect(await entriesOf(folder)).toEqual([{ ...ENTRY, receiver: 'b' }, { ...ENTRY, timeMs: T0 + 5, firing: ['f3'] }])
  // By then the store has them itself.
  fs.rmSync(`${folder}/told.log`)
  expect(await entriesOf(folder)).toHaveLength(2)
})

it('leaves out lines that broke off or are damaged, and writes behind them', async () => {
  const folder = tempFolder()
  const store = stuckStore(folder)
  for (const receiver of ['a', 'b', 'c']) void store.putNotificationEntry({ ...ENTRY, receiver })
  await store.close()
  const [a, b, c] = fs.readFileSync(`${folder}/told.log`, 'utf8').split('\n')
  fs.writeFileSync(`${folder}/told.log`, `${a}\n${b!.replace('f2', 'f9')}\n${c!.slice(0, -4)}`)
  const later = stuckStore(folder)
  void later.putNotificationEntry({ ...ENTRY, receiver: 'd' })
  await later.close()
  expect((await entriesOf(folder)).map(({ receiver }) => receiver)).toEqual(['a', 'd'])
})

it('never takes back what the store has heard since', async () => {
  const folder = tempFolder()
  const store = openStore(folder)
  await store.putNotificationEntry({ ...ENTRY, timeMs: T0 + 9, firing: [] })
  await store.putNotificationEntry({ ...ENTRY, receiver: 'b', firing: ['f2'], withheld: ['f1'] })
  await store.close()
  fs.rmSync(`${folder}/told.log`)
  // As a power cut may leave the file: with lines of before.
  const old = stuckStore(folder)
  void old.putNotificationEntry(ENTRY)
  void old.putNotificationEntry({ ...ENTRY, receiver: 'b' })
  await old.close()
  expect(await entriesOf(folder)).toEqual([{ ...ENTRY, receiver: 'b', firing: ['f2'], withheld: ['f1'] }, { ...ENTRY, timeMs: T0 + 9, firing: [] }])
})

it('says nothing of another target that has the name by now', async () => {
  const folder = tempFolder()
  const store = openStore(folder)
  await store.putNotificationEntry({ ...ENTRY, target: 'h2' })
  await store.close()
  fs.rmSync(`${folder}/told.log`)
  const old = stuckStore(folder)
  void old.putNotificationEntry({ ...ENTRY, timeMs: T0 + 9, firing: [] })
  await old.close()
  expect(await entriesOf(folder)).toEqual([{ ...ENTRY, target: 'h2' }, { ...ENTRY, timeMs: T0 + 9, firing: [], receiver: `${ENTRY.receiver}@h1` }])
})

it('begins anew once the store has all, and not before', async () => {
  const folder = tempFolder()
  const size = (): number => fs.statSync(`${folder}/told.log`).size
  const many = Array.from({ length: 2000 }, (_, i) => ({ ...ENTRY, receiver: `r${i}` }))
  const stuck = stuckStore(folder)
  for (const entry of many) void stuck.putNotificationEntry(entry)
  await stuck.close()
  expect(size()).toBeGreaterThan(300_000)
  const store = openStore(folder)
  onTestFinished(() => store.close())
  await Promise.all(many.map((entry) => store.putNotificationEntry(entry)))
  // A piece may have been under way.
  await waitFor('the file to begin anew', () => Promise.resolve(size() <= 1 << 16))
  expect(await store.notificationEntries()).toHaveLength(2000)
})

it('stays out of the way where its file cannot be written', async () => {
  const folder = tempFolder()
  fs.mkdirSync(`${folder}/told.log`)
  const warnings: string[] = []
  const store = openStore(folder, { warnings })
  onTestFinished(() => store.close())
  await store.putNotificationEntry(ENTRY)
  expect(await store.notificationEntries()).toEqual([ENTRY])
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toMatch(/cannot note what people were told.*told\.log/)
})

it('has what was noted before it was put, once', async () => {
  const folder = tempFolder()
  const stuck = stuckStore(folder)
  stuck.noteNotificationEntry(ENTRY, false)
  stuck.noteNotificationEntry(ENTRY, false)
  const lines = (): string[] => fs.readFileSync(`${folder}/told.log`, 'utf8').trim().split('\n')
  await waitFor('the line', () => Promise.resolve(fs.existsSync(`${folder}/told.log`) && lines()[0] !== ''))
  void stuck.putNotificationEntry(ENTRY)
  const other = { ...ENTRY, receiver: 'z' }
  void stuck.putNotificationEntry(other)
  void stuck.putNotificationEntry(other)
  await stuck.close()
  expect(lines().map((line) => line.slice(9))).toEqual([ENTRY, other, other].map((entry) => JSON.stringify(entry)))
  expect(await entriesOf(folder)).toEqual([ENTRY, other])
})

it('holds nobody up while its disk hangs, and has the lines in order afterwards', async () => {
  const folder = tempFolder()
  // A pipe that nobody reads takes 64 KiB, and then each write waits.
  execFileSync('mkfifo', [`${folder}/told.log`])
  const pipe = fs.openSync(`${folder}/told.log`, fs.constants.O_RDWR | fs.constants.O_NONBLOCK)
  onTestFinished(() => fs.closeSync(pipe))
  const warnings: string[] = []
  const journal = new ToldJournal(folder, new Logger({ level: 'info', format: 'logfmt', clock: systemClock, write: (line) => warnings.push(line) }))
  const many = Array.from({ length: 100 }, (_, i) => ({ ...ENTRY, receiver: `r${i}`, memory: 'x'.repeat(2000) }))
  for (const entry of many) {
    journal.note(entry)
    await nextTurn()
  }
  const closed = journal.close()
  let text = ''
  const piece = Buffer.alloc(1 << 16)
  await waitFor('all lines', () => {
    try {
      text += piece.toString('utf8', 0, fs.readSync(pipe, piece))
    } catch (error) {
      expect(error).toMatchObject({ code: 'EAGAIN' })
    }
    return Promise.resolve(text.split('\n').length > many.length)
  })
  await closed
  expect(journalTexts(text)).toEqual(many.map((entry) => JSON.stringify(entry)))
  expect(warnings).toEqual([])
})
