// A Prometheus data folder as a whole: its blocks, and what its logs hold beyond them. Prometheus must not run on it.
//
//   <ULID>/ …        blocks                    wal/   samples in order that are in no block yet
//   chunks_head/     chunks of the log's series that were full: the log has their samples too
//                                              wbl/   late samples that are in no block yet
import { listFolder, pathExists } from '../../lib/std/fs.ts'
import type { FloatHistogram } from '../../lib/model/histogram.ts'
import type { Labels } from '../../lib/model/labels.ts'
import { readBlockMeta, type BlockMeta } from './block.ts'
import { PrometheusFormatError } from './byte-reader.ts'
import { readRecord } from './log-samples.ts'
import { logRecords, logSegments } from './write-ahead-log.ts'

const LATE_LOG = 'wbl'

/** Throws PrometheusFormatError if the folder is none of Prometheus'. */
export function checkFolder(folder: string): void {
  if (listFolder(folder).some((name) => ULID.test(name) || isLog(name))) return
  const why = pathExists(folder) ? 'it has neither blocks nor wal' : 'there is no such folder'
  throw new PrometheusFormatError(`cannot import ${folder}: ${why}; give the folder that Prometheus has as --storage.tsdb.path`)
}

/** Names of blocks. */
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

/** Blocks of a folder, oldest first. `onDamage` is told of those whose meta.json is missing or makes no sense. */
export function blocksOf(folder: string, onDamage: (error: PrometheusFormatError) => void): BlockMeta[] {
  const blocks: BlockMeta[] = []
  for (const name of listFolder(folder)) {
    try {
      const block = readBlockMeta(`${folder}/${name}`)
      if (block !== null) blocks.push(block)
      else if (ULID.test(name)) throw new PrometheusFormatError(`cannot read block ${folder}/${name}: it has no meta.json; Prometheus would pass it over without a word`)
    } catch (error) {
      if (!(error instanceof PrometheusFormatError)) throw error
      onDamage(error)
    }
  }
  return blocks.toSorted((a, b) => a.mint - b.mint || a.maxt - b.maxt)
}

/** Folders of logs that are there, in the order in which they are read. */
function logFolders(folder: string): string[] {
  return listFolder(folder).filter(isLog).map((name) => `${folder}/${name}`)
}

function isLog(name: string): boolean {
  return name === 'wal' || name === LATE_LOG
}

export interface LoggedSamples {
  /** Called once per series, before its samples. `id` is unique in the folder. */
  series(id: number, labels: Labels): void
  /** In the order in which Prometheus took them; `isLate` where it took them out of order: the other log has them, too. */
  sample: ((id: number, t: number, v: number, histogram: FloatHistogram | null, isLate: boolean) => void) | null
  /** Samples so far were taken together: those of a scrape, or of a push. Who has taken too much at once lets the reader wait. */
  endOfRecord(): Promise<void> | undefined
  /** In place of the end: samples of this record are not to be relied on. */
  brokenRecord(): void
  onDamage(error: PrometheusFormatError): void
}

/**
 * Visits the samples of the logs. Those that Prometheus has in blocks already may come again, and a sample that was
 * deleted after it was logged comes too: `deleted` of the result says which stretches those are, by id.
 */
export async function readLogs(folder: string, visit: LoggedSamples): Promise<{ unknownRecords: number; deleted: Map<number, [number, number][]> }> {
  const ids = new Map<number, number>()
  const deleted = new Map<number, [number, number][]>()
  let unknownRecords = 0
  let isLate = false
  const { sample } = visit
  const visitor = {
    series: (ref: number, labels: Labels): void => {
      if (ids.has(ref)) return
      ids.set(ref, ids.size)
      visit.series(ids.get(ref)!, labels)
    },
    sample: sample && ((ref: number, t: number, v: number, histogram: FloatHistogram | null): void => {
      const id = ids.get(ref)
      if (id !== undefined) sample(id, t, v, histogram, isLate)
    }),
    tombstone: (ref: number, mint: number, maxt: number): void => {
      const id = ids.get(ref)
      if (id !== undefined) deleted.set(id, [...(deleted.get(id) ?? []), [mint, maxt]])
    },
    unknown: (): void => {
      unknownRecords++
    },
  }
  for (const log of logFolders(folder)) {
    isLate = log.endsWith(`/${LATE_LOG}`)
    for (const segment of logSegments(log)) {
      const broken = new BrokenRecords(segment)
      for (const record of logRecords(segment, (error) => visit.onDamage(error))) {
        if (!broken.passes(() => readRecord(record, visitor))) {
          visit.brokenRecord()
          continue
        }
        const pause = visit.endOfRecord()
        if (pause !== undefined) await pause
      }
      broken.tell((error) => visit.onDamage(error))
    }
  }
  return { unknownRecords, deleted }
}

/** Records whose checksum holds, and whose bytes mean nothing: histograms of Prometheus 2.40 to 2.42 had a layout of their own. */
class BrokenRecords {
  readonly #segment: string
  #count = 0
  #first = ''

  constructor(segment: string) {
    this.#segment = segment
  }

  /** Whether `read` came to its end. */
  passes(read: () => void): boolean {
    try {
      read()
      return true
    } catch (error) {
      if (!(error instanceof PrometheusFormatError)) throw error
      if (this.#count++ === 0) this.#first = error.message
      return false
    }
  }

  tell(onDamage: (error: PrometheusFormatError) => void): void {
    if (this.#count > 0) onDamage(new PrometheusFormatError(`${this.#count} records of ${this.#segment} were left out; the first: ${this.#first}`))
  }
}
