// Time of which samples, or rows of a tier, are known to be gone though nobody let them go: `change.json` keeps it, the published
// record shows it to readers, and an answer over it says that it is partial. It ends with the retention, when the block is put
// back, or when a repair has told of it.
import { timeSpan } from './time-span.ts'

/** Inclusive bounds, Unix ms. */
export interface LostTime {
  readonly minT: number
  readonly maxT: number
}

/** With what it was lost of: a block, a file of log or head with bytes, a cut. Each is noted once. */
export interface Loss extends LostTime {
  readonly of: string
}

const NAMED_MAX = 3
const ADVICE = 'monitor tsdb verify tells what is lost, and what to do'

/** Those that are not past the retention. */
export function since<T extends LostTime>(lost: readonly T[], t: number): T[] {
  return lost.filter(({ maxT }) => maxT > t)
}

/** Sentences about what [mint, maxt] lacks; none if nothing. `what`: samples, or rows. */
export function lostWithin(lost: readonly LostTime[], mint: number, maxt: number, what: string): string[] {
  const within = union(lost.filter((one) => one.minT <= maxt && one.maxT >= mint))
  const sentences = within.slice(0, NAMED_MAX).map(({ minT, maxT }) => `${what} ${timeSpan(minT <= 0 ? -Infinity : minT, maxT)} are missing, all or some: a file that held them is gone or cannot be read`)
  return within.length > NAMED_MAX ? [...sentences, `${what} of ${within.length - NAMED_MAX} more stretches up to ${new Date(within.at(-1)!.maxT).toISOString()} are missing`] : sentences
}

/** A sentence about damage, with what to do about it, once. */
export function withAdvice(sentence: string): string {
  return sentence.includes(ADVICE) ? sentence : `${sentence}; ${ADVICE}`
}

/** Ascending; what touches is one. */
function union(lost: readonly LostTime[]): LostTime[] {
  const all: { minT: number; maxT: number }[] = []
  for (const { minT, maxT } of lost.toSorted((a, b) => a.minT - b.minT)) {
    const last = all.at(-1)
    if (last !== undefined && minT <= last.maxT + 1) last.maxT = Math.max(last.maxT, maxT)
    else all.push({ minT, maxT })
  }
  return all
}

export function formatLosses(lost: readonly Loss[]): unknown[] {
  return lost.map(({ minT, maxT, of }) => [minT, maxT, of])
}

/** null for what is no such list. */
export function parseLosses(value: unknown): Loss[] | null {
  if (!Array.isArray(value)) return null
  const lost: Loss[] = []
  for (const entry of value as unknown[]) {
    if (!Array.isArray(entry) || entry.length !== 3) return null
    const [minT, maxT, of] = entry as unknown[]
    if (typeof minT !== 'number' || typeof maxT !== 'number' || typeof of !== 'string') return null
    lost.push({ minT, maxT, of })
  }
  return lost
}
