// What the folder of the 1-hour tier holds at start. A list that cannot be read is moved aside and taken from its copy, or made
// anew of the sidecars; a file whose sidecar cannot be read is moved aside where its rows can be made again of raw samples, else it stays, and queries
// say that they miss it.
import path from 'node:path'
import { DiskError, listFolder, makeFolder, pathExists, syncFolder } from '../lib/std/fs.ts'
import type { Logger } from '../lib/std/log.ts'
import type { BlockState } from './block-folder.ts'
import { moveToQuarantine } from './quarantine.ts'
import type { Span } from './tier/due.ts'
import { HourIndex, HourIndexError } from './tier/hour-index.ts'
import { openingFault } from './tier/hour-verify.ts'
import {
  EMPTY_MANIFEST, MANIFEST_COPY, MANIFEST_FILE, numberOf, readManifest, readManifestCopy, readStored, spanOf, stateOf, STORED_FILE, writeManifest, type HourFile,
  type HourManifest, type HoursState,
} from './tier/hour-manifest.ts'

export interface FoundHours {
  hours: HoursState
  /** Samples whose rows are to be made again. */
  lost: readonly Span[]
}

/**
 * `raw`: what there is of raw samples. Where there is no list at all, as in a folder from before there were tiers or one put
 * together by hand, all rows are to be made, and none are there of time whose samples are gone. Throws DiskError.
 */
export function recoverHours(folder: string, quarantine: string, raw: BlockState, logger: Logger): FoundHours {
  const isReadable = (name: string, parse: () => unknown): boolean => {
    try {
      parse()
      return true
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      moveToQuarantine(folder, [name], quarantine)
      logger.error('a list of the 1-hour tier cannot be read', { moved_to: path.join(quarantine, name), why: error.message })
      return false
    }
  }
  // A process that was killed may have renamed lists, and not synced their names.
  if (pathExists(folder)) syncFolder(folder)
  isReadable(STORED_FILE, () => readStored(folder))
  const isListed = listFolder(folder).includes(MANIFEST_FILE)
  const isGood = isListed && isReadable(MANIFEST_FILE, () => readManifest(folder))
  const copy = !isGood && isReadable(MANIFEST_COPY, () => readManifestCopy(folder)) ? readManifestCopy(folder) : null
  if (copy !== null) writeManifest(folder, copy)
  else if (isListed && !isGood) {
    writeManifest(folder, listAnew(folder, () => true))
    logger.error('the list of the 1-hour tier is made anew of the sidecars; what was deleted of files that were not written since shows again: delete it once more', { folder })
  } else if (!isListed && raw.blocks.length > 0) {
    makeFolder(folder)
    const stored = readStored(folder)
    const anew = { ...listAnew(folder, (name) => stored.has(name)), droppedT: raw.droppedT }
    writeManifest(folder, anew)
    return { hours: stateOf(anew), lost: raw.blocks.map(({ meta: { minT, maxT } }) => ({ minT, maxT })) }
  }
  const manifest = readManifest(folder)
  const faults = manifest.files.map((file) => ({ file, why: openingFault(folder, file) })).filter(({ why }) => why !== '')
  const damaged = faults.map(({ file }) => file).filter(({ minT }) => minT - HOUR_MS >= raw.droppedT)
  for (const { file, why } of faults.filter(({ file: one }) => !damaged.includes(one))) logger.error('a file of the 1-hour tier cannot be read, and raw samples of its time are gone: see monitor tsdb verify', { file: path.join(folder, file.name), why })
  if (damaged.length > 0) {
    writeManifest(folder, { ...manifest, files: manifest.files.filter((file) => !damaged.includes(file)) })
    const here = listFolder(folder)
    const names = damaged.flatMap(({ name }) => [name, `${name}.index`]).filter((name) => here.includes(name))
    moveToQuarantine(folder, names, quarantine)
    logger.error('files of the 1-hour tier cannot be read; their rows are made again', { moved_to: quarantine, files: names.join(', ') })
  }
  return { hours: stateOf({ ...manifest, files: manifest.files.filter((file) => !damaged.includes(file)) }), lost: damaged.map(({ minT, maxT }) => ({ minT: minT - HOUR_MS + 1, maxT })) }
}

const HOUR_MS = 3_600_000

/**
 * The newest file of each span, days left out that a newer file of their month stands for. `isElsewhere`: whether a file that
 * has left its sidecar alone in the folder is in the object store.
 */
function listAnew(folder: string, isElsewhere: (name: string) => boolean): HourManifest {
  const here = listFolder(folder)
  const names = here.filter((name) => name.endsWith('.index')).map((name) => name.slice(0, -'.index'.length))
  const found = names.flatMap((name) => (here.includes(name) || isElsewhere(name) ? headOf(folder, name) ?? [] : []))
  const byAge = found.toSorted((a, b) => numberOf(b.name) - numberOf(a.name))
  const files = byAge.filter((file, i) => {
    const own = spanOf(file.name)!
    return !byAge.slice(0, i).some(({ name }) => spanOf(name)!.from <= own.from && spanOf(name)!.to >= own.to)
  })
  return { ...EMPTY_MANIFEST, nextNumber: Math.max(0, ...found.map(({ name }) => numberOf(name))) + 1, files: files.toSorted((a, b) => a.minT - b.minT) }
}

/** The highest ref that a file of the list has, or `known` if that is not below it. Sidecars that cannot be read say nothing. */
export function newestHourRef(folder: string, known: number): number {
  return readManifest(folder).files.reduce((newest, { name }) => read(folder, name, (index) => index.newestRef(newest)) ?? newest, known)
}

/** Calls `visit` with the refs of each file of the list; returns the files whose sidecar cannot be read. */
export function eachHourRefs(folder: string, visit: (refs: Uint32Array) => void): string[] {
  return readManifest(folder).files.map(({ name }) => name).filter((name) => read(folder, name, (index) => {
    visit(index.refs())
    return true
  }) === null).map((name) => path.join(folder, name))
}

/** null for what is no hour file with a sidecar. */
function headOf(folder: string, name: string): HourFile | null {
  return read(folder, name, (index) => {
    const { bytes, rows, minT, maxT } = index.head
    const series = [...index.series()]
    return { name, bytes, rows, series: series.length, lacking: series.filter(({ lacksHistograms }) => lacksHistograms).length, minT, maxT }
  })
}

/** null if the file is none of the tier's, or its sidecar is not there or damaged. */
function read<T>(folder: string, name: string, use: (index: HourIndex) => T): T | null {
  if (spanOf(name) === null) return null
  let index: HourIndex | null = null
  try {
    index = new HourIndex(path.join(folder, `${name}.index`), false)
    return use(index)
  } catch (error) {
    if (error instanceof HourIndexError || (error instanceof DiskError && (error.code === 'ENOENT' || error.code === 'EIO'))) return null
    throw error
  } finally {
    index?.close()
  }
}
