// Counts what a push had to refuse and words it: numbers by reason, then the first few series by name.
import { REFUSAL_REASONS as STORE_REASONS } from '../../storage/errors.ts'
import { REJECT_NAMES } from '../../storage/interface.ts'

export const REFUSED_LABELS = 'invalid_labels'
export const REFUSED_SERIES_LIMIT = 'series_limit'
/** The source has had its new series of the hour. */
export const REFUSED_NEW_SERIES = 'new_series_limit'

export const REFUSED_HISTOGRAM = 'invalid_histogram'

/** All reasons that are counted. */
export const REFUSAL_REASONS: readonly string[] = [...REJECT_NAMES.slice(1), REFUSED_LABELS, REFUSED_SERIES_LIMIT, REFUSED_NEW_SERIES, REFUSED_HISTOGRAM, ...STORE_REASONS]

/** What the words of the two that a wrong clock causes stand for. */
const HINTS: ReadonlyMap<string, string> = new Map([
  ['future', 'future is more than 10 minutes ahead of this server\'s clock'],
  ['too_old', 'too_old is older than what is kept, or before 1970'],
])

const EXAMPLES_MAX = 3
/** User text echoed per example. */
const ECHO_CHARS = 100

/** The refusals of one request. */
export class Refusals {
  readonly counts: Map<string, number> = new Map()
  readonly #examples: string[] = []

  /** Counts samples refused; `describe` is asked only for the first few. */
  add(reason: string, sampleCount: number, describe: () => string): void {
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + sampleCount)
    if (this.#examples.length < EXAMPLES_MAX) this.#examples.push(describe())
  }

  get total(): number {
    let total = 0
    for (const count of this.counts.values()) total += count
    return total
  }

  /** The answer for people; `stored`: how many samples were. */
  text(stored: number): string {
    const counts = [...this.counts].map(([reason, count]) => `${count} ${reason}`).join(', ')
    const total = this.total
    const first = this.#examples.join('; ')
    const hints = [...this.counts.keys()].flatMap((reason) => (HINTS.has(reason) ? `; ${HINTS.get(reason)!}` : []))
    return `${total} of ${total + stored} samples refused (${counts}), ${stored} stored; first: ${first}${hints.join('')}`
  }
}

/** User text cut to a length fit for an error message. */
export function clip(text: string): string {
  return text.length <= ECHO_CHARS ? text : `${text.slice(0, ECHO_CHARS)}…`
}
