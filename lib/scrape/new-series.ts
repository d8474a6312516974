// Makes the series of a target's new lines, as far as the limits go: of the store, and of new series an hour. What is over
// them has no ref and its samples are left out; all other samples of the target are stored.
import type { Labels } from '../model/labels.ts'
import { SeriesLimitError } from '../../storage/errors.ts'
import type { Appender } from '../../storage/interface.ts'
import type { ScrapeCache } from './cache.ts'
import type { SeriesOwners } from './series-owners.ts'

export class NewSeries {
  readonly #appender: Appender
  readonly #owners: SeriesOwners
  /** Series of the body at work that were not made: the store is full; the target has had its share of the hour. */
  overStore = 0
  overHour = 0

  constructor(appender: Appender, owners: SeriesOwners) {
    this.#appender = appender
    this.#owners = owners
  }

  begin(): void {
    this.overStore = 0
    this.overHour = 0
  }

  /** The ref of a label set of a target, 0 over a limit; `limit`: new series an hour, 0 for any number. */
  refOf(labels: Labels, cache: ScrapeCache, limit: number, nowMs: number): number {
    // The first good body is what the target is; the limit is for what it becomes.
    const isCounted = limit !== 0 && cache.body.length > 0
    if (isCounted && this.#appender.find?.(labels) === 0 && !cache.newSeries.take(limit, nowMs)) {
      this.overHour++
      return 0
    }
    try {
      const ref = this.#appender.series(labels)
      this.#owners.claim(ref, cache.ownerId)
      return ref
    } catch (error) {
      if (!(error instanceof SeriesLimitError)) throw error
      this.overStore++
      return 0
    }
  }
}
