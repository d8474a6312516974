// What readers know of retention rules: one record of shared memory that main replaces when they change, and the time by
// which data grows old, which main moves on every 15 s.
//
//   root word ─▶ bytes u32, sequence u32 │ JSON
import type { TierName } from './tier/bucket.ts'
import type { Arena } from './head/arena.ts'
import { RETENTION_NOW, ROOT_RETENTION, type SharedHeap } from './head/shared-heap.ts'
import { cutoffsAt, type Cutoff, type RetentionRule } from './retention-rules.ts'

/** As it stands in memory, in JSON. */
interface PublishedRetention {
  rules: readonly RetentionRule[]
  /** Of what no rule names; null: for ever. */
  ages: Readonly<Record<TierName, number | null>>
}

/** Main's side: queries that begin from now on go by these. `ages`: of series that no rule names. */
export function publishRetention({ u32, buffer }: SharedHeap, arena: Arena, rules: readonly RetentionRule[], ages: Readonly<Record<TierName, number>>): void {
  const { raw, '1m': minute, '1h': hour } = ages
  const finite = (age: number): number | null => (Number.isFinite(age) ? age : null)
  const record: PublishedRetention = { rules, ages: { raw: finite(raw), '1m': finite(minute), '1h': finite(hour) } }
  const text = JSON.stringify(record)
  const length = Buffer.byteLength(text)
  const units = 1 + Math.ceil(length / 8)
  const at = arena.allocate(units)
  const before = Atomics.load(u32, ROOT_RETENTION)
  u32[at * 2] = length
  u32[at * 2 + 1] = before === 0 ? 1 : u32[before * 2 + 1]! + 1
  buffer.write(text, at * 8 + 8)
  const old = Atomics.exchange(u32, ROOT_RETENTION, at)
  if (old !== 0) arena.retire(old, 1 + Math.ceil(u32[old * 2]! / 8))
}

/** Main's side: the time by which data grows old, Unix ms. */
export function publishRetentionTime({ f64 }: SharedHeap, nowT: number): void {
  f64[RETENTION_NOW] = nowT
}

/** For readers, one per thread. */
export class RetentionView {
  readonly #heap: SharedHeap
  /** Of the record at hand. Its place says less: the next but one may stand where it stood. */
  #sequence = 0
  #record: PublishedRetention = { rules: [], ages: { raw: null, '1m': null, '1h': null } }
  #cutoffs: readonly Cutoff[] = []

  constructor(heap: SharedHeap) {
    this.#heap = heap
  }

  /** A querier begins, whose slot is open; it is to hide what is past its retention, or to show it. */
  begin(showsExpired: boolean): void {
    const { u32, f64, buffer } = this.#heap
    const at = Atomics.load(u32, ROOT_RETENTION)
    const sequence = at === 0 ? 0 : u32[at * 2 + 1]!
    if (sequence !== this.#sequence) this.#record = JSON.parse(buffer.toString('utf8', at * 8 + 8, at * 8 + 8 + u32[at * 2]!)) as PublishedRetention
    this.#sequence = sequence
    this.#cutoffs = showsExpired ? [] : cutoffsAt(f64[RETENTION_NOW]!, this.#record.rules, 'raw', this.#record.ages.raw ?? Infinity)
  }

  /** Cutoffs in order, if one of them may hide something that is as old as `mint`; else none. */
  cutoffs(mint: number): readonly Cutoff[] {
    return this.#cutoffs.some(({ t }) => t > mint) ? this.#cutoffs : []
  }

  /** Ages, ms, at which samples go, of the rule at a place; behind the last one, of all other series. */
  agesOf(rule: number): Record<TierName, number> {
    const { rules, ages } = this.#record
    const own = rules[rule]?.ages
    const age = (tier: TierName): number => own?.[tier] ?? ages[tier] ?? Infinity
    return { raw: age('raw'), '1m': age('1m'), '1h': age('1h') }
  }

  /** Of no series raw samples behind this are past their retention, as far as rules tell; -Infinity without rules. */
  get rawKeptFrom(): number {
    const { rules } = this.#record
    if (rules.length === 0) return -Infinity
    let shortestMs = Infinity
    for (let rule = 0; rule <= rules.length; rule++) shortestMs = Math.min(shortestMs, this.agesOf(rule).raw)
    return this.nowT - shortestMs
  }

  /** The time by which data grows old, Unix ms. */
  get nowT(): number {
    return this.#heap.f64[RETENTION_NOW]!
  }

  get rules(): readonly RetentionRule[] {
    return this.#record.rules
  }
}
