// What is done to the files of the 1-hour tier, off the main thread, one at a time: rows are made of raw samples, a month's days
// become one file, old files go. A change is one new file, synced, then one new manifest; what it replaced is removed later,
// when no query can be reading it. A crash leaves the one or the other, and files that no manifest names, which `sweep` moves aside.
import path from 'node:path'
import { faultPoint } from '../../lib/std/fault-point.ts'
import type { Labels } from '../../lib/model/labels.ts'
import { listFolder, makeFolder, removeFile } from '../../lib/std/fs.ts'
import { ObjectStoreError, type ObjectStore } from '../object-store/object-store.ts'
import { EXPIRED_SHARE, pastCount, type Cutoff } from '../retention-rules.ts'
import { HourIndex } from './hour-index.ts'
import {
  READERS_MS, dayOf, hourFileName, monthOf, numberOf, readManifest, spanOf, writeManifest, type HourDeletion, type HourFile, type HourManifest, type HourSpan,
} from './hour-manifest.ts'
import { moveToQuarantine } from '../quarantine.ts'
import { mergeRows, type RowSource } from './hour-merge.ts'
import { fetchFile } from './hour-fetch.ts'
import { FileRows } from './hour-sources.ts'
import { isFileDamage, verifyRows } from './hour-verify.ts'
import { matchingLabels } from './match-labels.ts'
import { HourFileWriter, type WrittenHours } from './parquet-writer.ts'

const HOUR_MS = 3_600_000
/** After its end, samples for a month are still likely to come for so long. */
const MONTH_REST_MS = 86_400_000

export interface HourWork {
  /** The archive's folder. */
  folder: string
  /** Where files are that are not in it any more; null: nowhere. */
  store: ObjectStore | null
  nowMs: number
  /** Rows before their series' cutoff are left out of what is written anew. */
  cutoffs: readonly Cutoff[]
}

export interface DueHours {
  span: HourSpan
  /** Buckets whose older rows go, whether or not new ones come. */
  isReplaced: (t: number) => boolean
  /** Why new rows do not say all; '' where they do. */
  damaged: string
}

/** The file's span that the bucket belongs to: its month's where that is one file already. */
export function spanFor(folder: string, t: number): HourSpan {
  const existing = readManifest(folder).files.map(({ name }) => spanOf(name)!).find(({ from, to }) => t >= from && t < to)
  return existing ?? dayOf(t)
}

/** Puts rows of `raw` into a span's file, beside those that stay. Returns sentences about what of the older ones is damaged. */
export async function rebuildHours(work: HourWork, { span, isReplaced, damaged }: DueHours, raw: RowSource): Promise<string[]> {
  makeFolder(work.folder)
  const manifest = readManifest(work.folder)
  return await replace(work, manifest, { span, old: within(manifest, span), raw, keeps: (t) => !isReplaced(t), damaged })
}

/** The month whose days can become one file, or null. `isDue`: rows in [from, to) are still to be made. */
export function monthToCompact({ folder, nowMs }: HourWork, isDue: (span: HourSpan) => boolean): HourSpan | null {
  const { files } = readManifest(folder)
  for (const { name } of files) {
    const span = spanOf(name)!
    const month = monthOf(span.from)
    // A damaged day stays beside the month that was made without it.
    const isLeft = files.some((file) => spanOf(file.name)!.text === month.text && numberOf(file.name) > numberOf(name))
    if (span.text !== month.text && !isLeft && month.to + MONTH_REST_MS <= nowMs && !isDue(month)) return month
  }
  return null
}

/** Makes one file of all that the list has of the month. */
export async function compactMonth(work: HourWork, month: HourSpan): Promise<string[]> {
  const manifest = readManifest(work.folder)
  return await replace(work, manifest, { span: month, old: within(manifest, month), raw: null, keeps: () => true })
}

/** Takes files off the list all of whose buckets ended by then. */
export function dropHours({ folder, nowMs }: HourWork, untilT: number): void {
  const manifest = readManifest(folder)
  const gone = manifest.files.filter(({ maxT }) => maxT <= untilT)
  if (gone.length === 0) return
  const droppedT = Math.max(manifest.droppedT, ...gone.map(({ maxT }) => maxT))
  list(folder, { ...manifest, droppedT }, { add: [], remove: gone, nowMs })
}

/** Rows of series that match one of the sets, in buckets that touch [from, to], are gone from now on. */
export function deleteHours(folder: string, sets: HourDeletion['sets'], from: number, to: number): void {
  const manifest = readManifest(folder)
  const deletion: HourDeletion = { sets, from, to, below: manifest.nextNumber }
  if (!manifest.files.some((file) => isOf(deletion, file))) return
  writeManifest(folder, { ...manifest, deletions: [...manifest.deletions, deletion] })
}

/** The file next in line to be written anew for what was deleted of it, or null. `tried`: names of those that were, and are damaged. */
export function fileToClean(folder: string, tried: ReadonlySet<string>): HourFile | null {
  const { files, deletions } = readManifest(folder)
  return files.find((file) => !tried.has(file.name) && deletions.some((deletion) => isOf(deletion, file))) ?? null
}

export async function cleanFile(work: HourWork, file: HourFile): Promise<string[]> {
  return await replace(work, readManifest(work.folder), { span: spanOf(file.name)!, old: [file], raw: null, keeps: () => true })
}

/** The next file in which most series are past their own retention, or null; the others are noted as looked at. */
export function fileToExpire({ folder, cutoffs }: HourWork): HourFile | null {
  for (const file of readManifest(folder).files) {
    if (pastCount(cutoffs, file.maxT) <= (file.past ?? 0)) continue
    if (expiredShare(path.join(folder, `${file.name}.index`), cutoffs, file.maxT) >= EXPIRED_SHARE) return file
    noteLook(folder, file, cutoffs)
  }
  return null
}

/** Writes it anew without them. Rejects as fetchFile does. */
export async function expireFile(work: HourWork, file: HourFile): Promise<string[]> {
  const damage = await replace(work, readManifest(work.folder), { span: spanOf(file.name)!, old: [file], raw: null, keeps: () => true })
  // It stays where it is damaged.
  noteLook(work.folder, file, work.cutoffs)
  return damage
}

function noteLook(folder: string, { name }: HourFile, cutoffs: readonly Cutoff[]): void {
  const manifest = readManifest(folder)
  if (!manifest.files.some((file) => file.name === name)) return
  writeManifest(folder, { ...manifest, files: manifest.files.map((file) => (file.name === name ? { ...file, past: pastCount(cutoffs, file.maxT) } : file)) })
}

/** Of a file's series those whose rows are all past their retention; of a sidecar that cannot be read none. */
function expiredShare(sidecar: string, cutoffs: readonly Cutoff[], maxT: number): number {
  const cutoffOf = cutoffsByLabels(cutoffs)
  let index: HourIndex | null = null
  try {
    index = new HourIndex(sidecar, false)
    const all = [...index.series()]
    return all.filter(({ labels }) => cutoffOf(labels) > maxT).length / Math.max(1, all.length)
  } catch (error) {
    if (!isDamage(error)) throw error
    return 0
  } finally {
    index?.close()
  }
}

/** Rows that end before it are past their retention, by labels. */
function cutoffsByLabels(cutoffs: readonly Cutoff[]): (labels: Labels) => number {
  const compiled = cutoffs.map(({ matchers, t }) => ({ matches: matchingLabels([matchers]), t }))
  return (labels) => compiled.find(({ matches }) => matches(labels))?.t ?? -Infinity
}

/**
 * Removes what went out of the list long enough ago, and what was left half written. Whole files that no list names are moved
 * aside: a crash may have left them, or somebody has copied them here. Returns a sentence about these.
 */
export function sweepHours({ folder, nowMs }: HourWork): string[] {
  const manifest = readManifest(folder)
  const isDue = ({ atMs }: { atMs: number }): boolean => nowMs - atMs >= READERS_MS || nowMs < atMs
  const [due, replaced] = [manifest.replaced.filter(isDue), manifest.replaced.filter((one) => !isDue(one))]
  // A sidecar goes before its file, since where there is no list it would stand for one that is in the object store; both before
  // the list forgets them: from then on they would be somebody's.
  for (const { name } of due) for (const one of [`${name}.index`, name]) removeFile(path.join(folder, one))
  if (due.length > 0) writeManifest(folder, { ...manifest, replaced })
  const named = new Set([...manifest.files, ...replaced].flatMap(({ name }) => [name, `${name}.index`]))
  const strays = listFolder(folder).filter((name) => spanOf(name.replace(/(?:\.index)?(?:\.new)?$/, '').replace(/\.sketches$/, '')) !== null && !named.has(name))
  const whole = strays.filter((name) => /\.parquet(\.index)?$/.test(name))
  for (const name of strays) if (!whole.includes(name)) removeFile(path.join(folder, name))
  moveToQuarantine(folder, whole, path.join(path.dirname(folder), 'quarantine'))
  return whole.length === 0 ? [] : [`${whole.length} files of archive/ that archive.json does not name were moved to quarantine/, ${whole[0]} among them; if they are another Monitor's, take them over with monitor tsdb import archive`]
}

interface Replacement {
  span: HourSpan
  old: readonly HourFile[]
  /** Its rows give way to those that are kept. */
  raw: RowSource | null
  keeps: (t: number) => boolean
  damaged?: string
}

async function replace(work: HourWork, manifest: HourManifest, { span, old, raw, keeps, damaged = '' }: Replacement): Promise<string[]> {
  const damage: string[] = []
  const readable: HourFile[] = []
  for (const file of old) {
    try {
      await fetchFile(work, file)
      // Damage is to be known before another file takes its place.
      verifyRows(path.join(work.folder, file.name))
      readable.push(file)
    } catch (error) {
      if (!isDamage(error)) throw error
      damage.push(`${file.name} of the 1-hour tier is damaged and stays beside what is written now: ${error.message}`)
    }
  }
  if (readable.length === 0 && raw === null) return damage
  const name = hourFileName(span, manifest.nextNumber)
  const written = write(work, name, readable.map((file) => () => rowsThatStay(work, manifest, file, keeps)), raw)
  faultPoint('hours.written')
  const why = damaged || readable.map((file) => file.damaged).find((one) => one !== undefined)
  const add = written === null ? [] : [{ name, ...written, ...(why !== undefined && { damaged: why }) }]
  list(work.folder, { ...manifest, nextNumber: manifest.nextNumber + 1 }, { add, remove: readable, nowMs: work.nowMs })
  faultPoint('hours.listed')
  return damage
}

function rowsThatStay({ folder, cutoffs }: HourWork, { deletions }: HourManifest, file: HourFile, keeps: Replacement['keeps']): FileRows {
  const cutoffOf = cutoffsByLabels(cutoffs)
  const gone = deletions.filter((deletion) => isOf(deletion, file)).map(({ sets, from, to }) => ({ from, to, matches: matchingLabels(sets) }))
  return new FileRows(path.join(folder, file.name), keeps, (labels) => [...gone.filter(({ matches }) => matches(labels)), { from: -Infinity, to: cutoffOf(labels) - HOUR_MS }], file)
}

function write({ folder }: HourWork, name: string, openOld: readonly (() => FileRows)[], raw: RowSource | null): WrittenHours | null {
  const old: FileRows[] = []
  let writer: HourFileWriter | null = null
  try {
    for (const open of openOld) old.push(open())
    writer = new HourFileWriter(path.join(folder, name))
    mergeRows(raw === null ? old : [raw, ...old], writer)
    return writer.finish([])
  } catch (error) {
    writer?.abort()
    throw error
  } finally {
    for (const rows of old) rows.close()
  }
}

function list(folder: string, manifest: HourManifest, { add, remove, nowMs }: { add: readonly HourFile[]; remove: readonly HourFile[]; nowMs: number }): void {
  const going = new Set(remove.map(({ name }) => name))
  const files = [...manifest.files.filter(({ name }) => !going.has(name)), ...add].toSorted((a, b) => a.minT - b.minT)
  const deletions = manifest.deletions.filter((deletion) => files.some((file) => isOf(deletion, file)))
  const replaced = [...manifest.replaced, ...remove.map(({ name }) => ({ name, atMs: nowMs }))]
  writeManifest(folder, { ...manifest, files, deletions, replaced })
}

function within({ files }: HourManifest, span: HourSpan): HourFile[] {
  return files.filter(({ name }) => {
    const own = spanOf(name)!
    return own.from >= span.from && own.to <= span.to
  }).toSorted((a, b) => numberOf(a.name) - numberOf(b.name))
}

function isOf(deletion: HourDeletion, { name, minT, maxT }: HourFile): boolean {
  return numberOf(name) < deletion.below && deletion.to > minT - HOUR_MS && deletion.from <= maxT
}

/** What will be no better another time. */
function isDamage(error: unknown): error is Error {
  if (error instanceof ObjectStoreError) return error.code === 'NOT_FOUND' || error.code === 'DAMAGED'
  return isFileDamage(error)
}
