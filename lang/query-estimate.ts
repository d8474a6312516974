// How long a job will take, guessed from how long jobs of the same text took, scaled by their size. Only used to keep
// one worker free for quick queries; a wrong guess costs waiting, never an answer.
import { createHash } from 'node:crypto'
import { LruMap } from '../lib/std/lru-map.ts'
import type { QueryJob } from './job.ts'

/** Texts remembered; the one unused longest goes first. */
const TEXTS_MAX = 2000
/** Share of the newest measurement in the moving average. */
const NEWEST_SHARE = 0.3
/** A query never seen: per step and per minute of data. Some 20 series of rate() cost as much. */
const UNKNOWN_UNIT_MS = 0.02

export class QueryEstimates {
  readonly #unitMs = new LruMap<number>(TEXTS_MAX)

  /** Expected ms of evaluation. */
  estimateMs(job: QueryJob): number {
    return (this.#unitMs.get(keyOf(job)) ?? UNKNOWN_UNIT_MS) * unitsOf(job)
  }

  /** Learns that a job took `tookMs`. */
  learn(job: QueryJob, tookMs: number): void {
    const key = keyOf(job)
    const known = this.#unitMs.get(key)
    const unitMs = tookMs / unitsOf(job)
    this.#unitMs.set(key, known === undefined ? unitMs : known + NEWEST_SHARE * (unitMs - known))
  }
}

/** Longer texts are remembered by their hash: queries may have 128 KiB. */
const KEY_LENGTH_MAX = 256

function keyOf(job: QueryJob): string {
  const text = textOf(job)
  return text.length <= KEY_LENGTH_MAX ? text : createHash('sha1').update(text).digest('base64url')
}

function textOf(job: QueryJob): string {
  switch (job.kind) {
    case 'instant': case 'range': case 'format': case 'parse': case 'exemplars': return `${job.kind} ${job.query}`
    case 'series': case 'labels': case 'federate': return `${job.kind} ${job.matches.join(' ')}`
    case 'cardinality': return job.kind
    case 'labelValues': return `${job.kind} ${job.name} ${job.matches.join(' ')}`
  }
}

function unitsOf(job: QueryJob): number {
  if (job.kind !== 'range') return 1
  const spanMs = Math.max(0, job.endMs - job.startMs)
  return 1 + spanMs / Math.max(1, job.stepMs) + spanMs / 60_000
}
