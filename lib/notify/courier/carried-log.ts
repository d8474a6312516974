// What a courier has under way and what was taken, for the program that starts after a kill: it would tell people again what they
// know, and cannot ask them. Written before a message goes out and in the turn in which the other side's word comes; not synced, as
// it is to outlive processes, not a power cut. Each courier has a file of its own, and the one before it once that has grown. Node's
// pool of threads writes it: a disk that hangs holds no message up.
//
//   <data>/meta/carried-<pid>-<start>[.old].log   lines as in told.log (lib/meta/told-journal.ts), of
//     {"key":"receiver\ngroup","untilMs":1}    is under way, until then at the latest (Unix ms)
//     {"key":…,"told":{an entry of the log of notifications},"firingIds":[…],"resolvedIds":[…],"atMs":1}    was taken
//     {"key":…}    was not
import path from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { NotificationEntry } from '../../meta/interface.ts'
import { journalLine, journalTexts, laterEntry, notedEntry, type NotedEntry } from '../../meta/told-journal.ts'
import { isDoneWithin, sleep, type Clock } from '../../std/clock.ts'
import { AppendQueue } from '../../std/append-queue.ts'
import { AppendFile, listAside, readTextAside, removeAside, renameAside, sizeBytesAside } from '../../std/fs-aside.ts'
import { DiskError } from '../../std/fs.ts'
import { isMarkAlive, ownMark } from '../../std/process-mark.ts'
import type { ToldMessage } from './courier.ts'

const NAME = /^carried-(\d+)-(\d*)(?:\.old)?\.log$/
const OLD = '.old'
/** Some thousand messages; a start reads twice as much in 10 ms. */
const SIZE_BYTES = 1 << 20
const LOOK_MS = 50
/** A message waits so long for its line at most, the first one alone: its disk may hang. */
const NOTED_MS_MAX = 2000

interface Line {
  key: string
  untilMs?: number
  told?: NotedEntry
  /** Those of an earlier version have none of these. */
  firingIds?: readonly string[]
  resolvedIds?: readonly string[]
  atMs?: number
}

/** A message that was taken. */
export interface CarriedMessage extends ToldMessage {
  /** Unix ms of the other side's word. */
  atMs: number
}

/** Group and integration. */
export function keyOf({ receiver, groupKey }: Pick<NotificationEntry, 'receiver' | 'groupKey'>): string {
  return `${receiver}\n${groupKey}`
}

function ofKey(key: string): { receiver: string; groupKey: string } {
  const end = key.indexOf('\n')
  return { receiver: key.slice(0, end), groupKey: key.slice(end + 1) }
}

/** What the courier of this process writes. Each promise tells whether the line stands there by then, and never rejects. */
export class CarriedLog {
  readonly #path: string
  readonly #queue: AppendQueue
  readonly #clock: Clock
  #file: AppendFile | null = null
  /** No line has come to the disk since one was waited for in vain. */
  #isStuck = false

  constructor(folder: string, clock: Clock, onError: (error: DiskError) => void) {
    this.#clock = clock
    this.#path = path.join(folder, `carried-${ownMark().replace(' ', '-')}`)
    this.#queue = new AppendQueue((lines) => this.#write(lines), onError)
    this.#queue.wake()
  }

  begin(entry: NotificationEntry, untilMs: number): Promise<boolean> {
    return this.#push({ key: keyOf(entry), untilMs })
  }

  taken({ entry, firingIds, resolvedIds }: ToldMessage, atMs: number): Promise<boolean> {
    return this.#push({ key: keyOf(entry), told: entry, firingIds, resolvedIds, atMs })
  }

  failed(entry: NotificationEntry): Promise<boolean> {
    return this.#push({ key: keyOf(entry) })
  }

  async #push(line: Line): Promise<boolean> {
    let isWritten = false
    const written = this.#queue.push(journalLine(JSON.stringify(line))).then((is) => {
      isWritten = is
      this.#isStuck = false
    })
    if (this.#isStuck) return false
    const isSettled = await isDoneWithin(written, NOTED_MS_MAX, this.#clock)
    // Timers come before what a turn that was held up has to say of the disk.
    if (!isSettled) await Promise.race([written, nextTurn()])
    this.#isStuck = !isSettled && !isWritten
    return isWritten
  }

  async #write(lines: Buffer): Promise<void> {
    this.#file ??= await this.#open()
    if (this.#file.sizeBytes > 0 && this.#file.sizeBytes + lines.length > SIZE_BYTES) this.#file = await this.#beginAnew(this.#file)
    await this.#file.append(lines)
  }

  /** Where the disk refuses it, the next line tries again. */
  async #beginAnew(before: AppendFile): Promise<AppendFile> {
    await renameAside(`${this.#path}.log`, `${this.#path}${OLD}.log`)
    const file = await this.#open()
    await before.close()
    return file
  }

  async #open(): Promise<AppendFile> {
    const file = await AppendFile.open(`${this.#path}.log`)
    if (file.sizeBytes > 0) await file.clear()
    return file
  }
}

/** A message of which nobody knows yet whether it was taken. */
export interface Doubt {
  receiver: string
  groupKey: string
  mark: string
  /** Unix ms. */
  untilMs: number
}

/** What the couriers of programs that are gone have written; read by Node's pool of threads, too. */
export class CarriedLogs {
  readonly #folder: string
  readonly #clock: Clock

  constructor(folder: string, clock: Clock) {
    this.#folder = folder
    this.#clock = clock
  }

  /** What was taken, of each group and integration the last, and what those who still live have under way. Rejects with DiskError. */
  async read(): Promise<{ told: CarriedMessage[]; doubts: Doubt[] }> {
    const told = new Map<string, CarriedMessage>()
    const doubts: Doubt[] = []
    for (const [mark, names] of logsByMark(await listAside(this.#folder))) {
      const last = new Map<string, Line>()
      for (const line of await this.#linesOf(names)) {
        last.set(line.key, line)
        const message = messageOf(line)
        if (message === null) continue
        const before = told.get(line.key)
        told.set(line.key, before === undefined ? message : { ...message, entry: laterEntry(before.entry, message.entry) })
      }
      if (isMarkAlive(mark)) doubts.push(...Array.from(last.values()).flatMap(({ key, untilMs = 0 }) => (untilMs > this.#clock.now() ? [{ ...ofKey(key), mark, untilMs }] : [])))
    }
    return { told: [...told.values()], doubts }
  }

  /** Resolves once it is known, or its courier is gone, or it would have to be: with the message if it was taken. Never rejects. */
  async outcome({ mark, untilMs, ...of }: Doubt): Promise<CarriedMessage | null> {
    const key = keyOf(of)
    let seenBytes = -1
    for (;;) {
      // Asked first: what it wrote last is there then.
      const isOver = !isMarkAlive(mark) || this.#clock.now() >= untilMs
      try {
        const names = namesOf(mark)
        const sizes = await Promise.all(names.map((name) => sizeBytesAside(path.join(this.#folder, name))))
        const sizeBytes = sizes.reduce((sum, size) => sum + size, 0)
        const line = sizeBytes === seenBytes ? undefined : (await this.#linesOf(names)).findLast((one) => one.key === key)
        seenBytes = sizeBytes
        if (line !== undefined && line.untilMs === undefined) return messageOf(line)
      } catch (error) {
        if (!(error instanceof DiskError)) throw error
        return null
      }
      if (isOver) return null
      await sleep(this.#clock, LOOK_MS)
    }
  }

  /** Those of couriers that are gone, of `doubts` once they are; the store has what they say. What stays is read again by the next start. */
  async removeDead(doubts: readonly Doubt[] = []): Promise<void> {
    try {
      for (const { mark, untilMs } of doubts) while (isMarkAlive(mark) && this.#clock.now() < untilMs) await sleep(this.#clock, LOOK_MS)
      for (const [mark, names] of logsByMark(await listAside(this.#folder))) if (!isMarkAlive(mark)) for (const name of names) await removeAside(path.join(this.#folder, name))
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
    }
  }

  /** Of one courier, in order. Read from the last file on: one that becomes the old one meanwhile is read twice, not left out. */
  async #linesOf(names: readonly string[]): Promise<Line[]> {
    const lines: Line[] = []
    for (const name of names.toReversed()) lines.unshift(...linesOf(await readTextAside(path.join(this.#folder, name))))
    return lines
  }
}

/** The old one first. */
function namesOf(mark: string): string[] {
  return [OLD, ''].map((old) => `carried-${mark.replace(' ', '-')}${old}.log`)
}

/** Names of files by the mark of their courier, the old one first. */
function logsByMark(names: readonly string[]): Map<string, string[]> {
  const logs = new Map<string, string[]>()
  for (const name of names.toSorted((a, b) => Number(b.includes(OLD)) - Number(a.includes(OLD)))) {
    const [, pid, start] = NAME.exec(name) ?? []
    if (pid === undefined) continue
    const mark = `${pid} ${start}`
    logs.set(mark, [...(logs.get(mark) ?? []), name])
  }
  return logs
}

function linesOf(text: string | null): Line[] {
  return journalTexts(text ?? '').map((json) => JSON.parse(json) as Line)
}

function messageOf({ told, firingIds = [], resolvedIds = [], atMs }: Line): CarriedMessage | null {
  return told === undefined ? null : { entry: notedEntry(told), firingIds, resolvedIds, atMs: atMs ?? told.timeMs }
}
