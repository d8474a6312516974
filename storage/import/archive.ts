// Takes the files of another folder's 1-hour tier into this one's: rows of hours that lie before the oldest sample here. What is
// here of a series' hour stays. Series get refs of this folder; those of the source mean nothing here.
import path from 'node:path'
import { listFolder } from '../../lib/std/fs.ts'
import type { Labels } from '../../lib/model/labels.ts'
import { BlockFolder } from '../block-folder.ts'
import type { Database } from '../database.ts'
import { FolderLock } from '../folder-lock.ts'
import { blocksFolder, hoursFolder, minutesFolder } from '../store-querier.ts'
import { rebuildHours, type HourWork } from '../tier/hour-build.ts'
import { numberOf, readManifest, spanOf, type HourManifest, type HourSpan } from '../tier/hour-manifest.ts'
import type { RowSource } from '../tier/hour-merge.ts'
import { FileRows } from '../tier/hour-sources.ts'
import { isFileDamage, verifyRows } from '../tier/hour-verify.ts'
import { matchingLabels } from '../tier/match-labels.ts'
import type { SeriesRows } from '../tier/parquet-writer.ts'

export interface ArchiveReport {
  files: number
  /** Of these files, before the oldest sample here. */
  rows: number
  /** Of `rows` those whose hour of their series is here already; as many as the archive has not grown by. */
  knownRows: number
  /** Rows of hours of which this folder has samples: what it makes of them would take their place. */
  laterRows: number
  /** End of the newest bucket that was taken, Unix ms; -Infinity: none was. */
  maxT: number
  /** What was left out, and why. */
  damage: string[]
}

/** What files of a folder's tier are called. */
export function isArchive(folder: string): boolean {
  return listFolder(folder).some((name) => spanOf(name) !== null)
}

/** `folder`: that of the store. Rejects with DiskError. `noteImported` is to follow once the store is closed. */
export async function importArchive(source: string, folder: string, db: Database, nowMs: number): Promise<ArchiveReport> {
  const report: ArchiveReport = { files: 0, rows: 0, knownRows: 0, laterRows: 0, maxT: -Infinity, damage: [] }
  const oldestT = Math.min(db.head.oldestT, ...db.blocks.blocks.map(({ meta }) => meta.minT))
  const work: HourWork = { folder: hoursFolder(folder), store: null, nowMs, cutoffs: [] }
  const rowsHere = (): number => readManifest(work.folder).files.reduce((sum, file) => sum + file.rows, 0)
  const rowsBefore = rowsHere()
  const list = manifestOf(source, report)
  for (const name of filesOf(source, list)) {
    const why = reasonAgainst(source, name, work.folder)
    if (why !== '') {
      report.damage.push(`${name} was left out: ${why}`)
      continue
    }
    const rows = openRows(path.join(source, name), list, oldestT, report)
    try {
      const taken = new OwnRefs(rows, (labels) => db.series(labels), report)
      const damaged = list.files.find((file) => file.name === name)?.damaged ?? ''
      report.damage.push(...await rebuildHours(work, { span: spanHere(work.folder, name), isReplaced: () => false, damaged }, taken))
      report.files++
    } finally {
      rows.close()
    }
    await db.commit()
  }
  report.knownRows = Math.max(0, report.rows - Math.max(0, rowsHere() - rowsBefore))
  return report
}

/**
 * Notes that samples up to `maxT` are gone: rows are all there is of them. Throws DiskError, and FolderError where a process
 * has the folder.
 */
export function noteImported(folder: string, maxT: number): void {
  const lock = new FolderLock(folder)
  try {
    for (const at of [blocksFolder(folder), minutesFolder(folder)]) {
      const blocks = new BlockFolder(at, () => undefined)
      if (blocks.state.droppedT < maxT) blocks.commit({ droppedT: maxT, install: [], remove: [] })
    }
  } finally {
    lock.release(!lock.wasUnclean)
  }
}

function manifestOf(source: string, report: ArchiveReport): HourManifest {
  try {
    return readManifest(source)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    report.damage.push(`the list of ${source} cannot be read, and what was deleted of files that were not written since comes along: ${error.message}`)
    return { nextNumber: 1, droppedT: -Infinity, files: [], deletions: [], replaced: [] }
  }
}

/** Those that were written last come first: of two rows of an hour theirs counts, and what is here by then stays. */
function filesOf(source: string, { files, replaced }: HourManifest): string[] {
  const gone = new Set(replaced.map(({ name }) => name))
  const here = listFolder(source).filter((name) => spanOf(name) !== null && !gone.has(name))
  return [...new Set([...files.map(({ name }) => name), ...here])].toSorted((a, b) => numberOf(b) - numberOf(a))
}

/** Why a file cannot be taken, '' if it can. */
function reasonAgainst(source: string, name: string, archive: string): string {
  if (!listFolder(source).includes(name)) return 'it is in the object store only; copy it from there to beside its sidecar'
  const span = spanHere(archive, name)
  const away = readManifest(archive).files.find((file) => isWithin(spanOf(file.name)!, span) && !listFolder(archive).includes(file.name))
  if (away !== undefined) return `${away.name} of this folder, into which it would go, is in the object store only; copy it to ${archive}/`
  try {
    verifyRows(path.join(source, name))
    return ''
  } catch (error) {
    if (!isFileDamage(error)) throw error
    return error.message
  }
}

/** The span of the file that its rows go into. */
function spanHere(archive: string, name: string): HourSpan {
  const own = spanOf(name)!
  return readManifest(archive).files.map((file) => spanOf(file.name)!).find((span) => isWithin(own, span)) ?? own
}

function isWithin(inner: HourSpan, outer: HourSpan): boolean {
  return inner.from >= outer.from && inner.to <= outer.to
}

function openRows(file: string, { deletions }: HourManifest, oldestT: number, report: ArchiveReport): FileRows {
  const number = numberOf(path.basename(file))
  const gone = deletions.filter(({ below }) => number < below).map(({ sets, from, to }) => ({ from, to, matches: matchingLabels(sets) }))
  const keeps = (t: number): boolean => {
    if (t < oldestT) return true
    report.laterRows++
    return false
  }
  return new FileRows(file, keeps, (labels) => gone.filter(({ matches }) => matches(labels)))
}

/** Rows under the refs that this folder has for their series. */
class OwnRefs implements RowSource {
  readonly #rows: FileRows
  readonly #refOf: (labels: Labels) => number
  readonly #report: ArchiveReport

  constructor(rows: FileRows, refOf: (labels: Labels) => number, report: ArchiveReport) {
    this.#rows = rows
    this.#refOf = refOf
    this.#report = report
  }

  next(): SeriesRows | null {
    const from = this.#rows.next()
    if (from === null) return null
    this.#report.rows += from.n
    if (from.n > 0) this.#report.maxT = Math.max(this.#report.maxT, from.t[from.n - 1]!)
    return { ...from, ref: this.#refOf(from.labels) }
  }
}
