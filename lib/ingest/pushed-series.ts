// Makes series of pushed label sets, as far as the limits go: of the store, and of new series an hour of one source, which is
// what has the same job and instance.
import type { Labels } from '../model/labels.ts'
import type { Clock } from '../std/clock.ts'
import { HourlyBudget } from '../std/hourly-budget.ts'
import { SeriesLimitError } from '../../storage/errors.ts'
import type { Appender } from '../../storage/interface.ts'
import { REFUSED_NEW_SERIES, REFUSED_SERIES_LIMIT } from './write-refusals.ts'

/** When more sources have had new series, all begin anew: memory is bounded before fairness is. */
const SOURCES_MAX = 10_000

export class PushedSeries {
  readonly #appender: Appender
  readonly #clock: Clock
  /** By job, then instance: a text made of both would have to be made, and hashed, for each new series of another source. */
  readonly #budgets = new Map<string, Map<string, HourlyBudget>>()
  #sourceCount = 0
  #nowMs = 0
  /** The source met last: its series come together. */
  #job = ''
  #instance = ''
  #budget: HourlyBudget | null = null
  /** New series of a source an hour; 0: any number. */
  newSeriesMax = 0

  constructor(appender: Appender, clock: Clock) {
    this.#appender = appender
    this.#clock = clock
  }

  /** Before the series of a request: they come at one time. */
  begin(): void {
    this.#nowMs = this.#clock.now()
  }

  /** The ref of a label set, or the reason why it has none. */
  refOf(labels: Labels): number | string {
    if (this.newSeriesMax !== 0 && this.#appender.find?.(labels) === 0 && !this.#budgetOf(labels).take(this.newSeriesMax, this.#nowMs)) {
      return REFUSED_NEW_SERIES
    }
    try {
      return this.#appender.series(labels)
    } catch (error) {
      if (error instanceof SeriesLimitError) return REFUSED_SERIES_LIMIT
      throw error
    }
  }

  #budgetOf(labels: Labels): HourlyBudget {
    const job = valueOf(labels, 'job')
    const instance = valueOf(labels, 'instance')
    if (this.#budget !== null && job === this.#job && instance === this.#instance) return this.#budget
    const budget = this.#budgets.get(job)?.get(instance) ?? this.#makeBudget(job, instance)
    this.#job = job
    this.#instance = instance
    this.#budget = budget
    return budget
  }

  #makeBudget(job: string, instance: string): HourlyBudget {
    if (this.#sourceCount >= SOURCES_MAX) {
      this.#budgets.clear()
      this.#sourceCount = 0
    }
    const ofJob = this.#budgets.get(job) ?? new Map<string, HourlyBudget>()
    this.#budgets.set(job, ofJob)
    const budget = new HourlyBudget()
    ofJob.set(instance, budget)
    this.#sourceCount++
    return budget
  }
}

function valueOf(labels: Labels, name: string): string {
  for (let i = 0; i < labels.length; i += 2) if (labels[i] === name) return labels[i + 1]!
  return ''
}
