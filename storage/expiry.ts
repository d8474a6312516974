// What retention rules make due: blocks and files of which some series are past their own retention are looked at once more each
// time another rule's cutoff has passed all of them.
import type { Planned } from './block-plan.ts'
import { cutoffsAt, pastCount, type Cutoff, type RetentionRule } from './retention-rules.ts'
import type { TierName } from './tier/bucket.ts'

/** Ages, ms, of series that no rule names. */
export type OwnAges = Readonly<Record<TierName, number>>

export class Expiry {
  #rules: readonly RetentionRule[] = []
  #own: OwnAges = { raw: Infinity, '1m': Infinity, '1h': Infinity }
  /** How many cutoffs blocks lay before when they were last looked at, by tier and folder. */
  readonly #looked = { raw: new Map<string, number>(), '1m': new Map<string, number>() }

  setRules(rules: readonly RetentionRule[], own: OwnAges): void {
    this.#rules = rules
    this.#own = own
    this.#looked.raw.clear()
    this.#looked['1m'].clear()
  }

  cutoffs(tier: TierName, nowT: number): Cutoff[] {
    return cutoffsAt(nowT, this.#rules, tier, this.#own[tier])
  }

  /** Folders of blocks that are worth a look. */
  due(tier: 'raw' | '1m', blocks: readonly Planned[], cutoffs: readonly Cutoff[]): string[] {
    return blocks.filter(({ folder, meta }) => pastCount(cutoffs, meta.maxT) > (this.#looked[tier].get(folder) ?? 0)).map(({ folder }) => folder)
  }

  /** These were looked at, or came of that. */
  note(tier: 'raw' | '1m', blocks: readonly Planned[], cutoffs: readonly Cutoff[]): void {
    for (const { folder, meta } of blocks) this.#looked[tier].set(folder, pastCount(cutoffs, meta.maxT))
  }

  /** The folders are gone. */
  forget(folders: readonly string[]): void {
    for (const folder of folders) for (const looked of Object.values(this.#looked)) looked.delete(folder)
  }
}
