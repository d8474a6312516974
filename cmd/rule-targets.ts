// Whom rules made by API name, and named, as the store has it: each change of a rule is there with it, so that a kill at any moment
// leaves both or neither. What is there of deleted rules goes once nobody waits for an end.
import { MetaError } from '../lib/meta/errors.ts'
import type { MetaStore, RuleTarget } from '../lib/meta/interface.ts'
import type { RuleRoute } from '../lib/model/rule-route.ts'
import { isDoneWithin, type Clock } from '../lib/std/clock.ts'
import type { Logger } from '../lib/std/log.ts'
import { ownReceiver, targetsOfRules } from './rule-routes.ts'

interface Ground {
  store: Pick<MetaStore, 'ruleTargets' | 'forgetRuleTargets'>
  clock: Clock
  logger: Logger
  /** Names of integrations that have told of alerts and of no end; null: not known yet. */
  owing: () => ReadonlySet<string> | null
}

/** What is on its way to somebody who is named no more may come to its end within. */
const FORMER_KEPT_MS = 3_600_000
/** A configuration waits so long for a disk that hangs. */
const READ_MS_MAX = 2000

export class RuleTargets {
  readonly #ground: Ground
  /** By rule and target: when this program first saw that it is named no more, monotonic ms. */
  #formerSince = new Map<string, number>()
  /** Ids of rules that are there no more, of those that named someone; as of the last time they were read. */
  deleted: ReadonlySet<string> = new Set()

  constructor(ground: Ground) {
    this.#ground = ground
  }

  /** `rules`: those that name someone, for where the store does not answer. Never rejects; `isWhole`: nothing is missing. */
  async read(rules: readonly RuleRoute[]): Promise<{ targets: RuleTarget[]; isWhole: boolean }> {
    const { store, clock, logger } = this.#ground
    const reading = store.ruleTargets().catch((error: unknown) => {
      if (!(error instanceof MetaError)) throw error
      return null
    })
    const stored = await isDoneWithin(reading, READ_MS_MAX, clock) ? await reading : null
    if (stored !== null) return { targets: this.#needed(stored), isWhole: true }
    logger.repeated('error', 'it cannot be read whom rules made by API named before: who was told of their alerts does not hear of the end until it can', {})
    return { targets: targetsOfRules(rules), isWhole: false }
  }

  #needed(stored: readonly RuleTarget[]): RuleTarget[] {
    const { owing, clock, store } = this.#ground
    const [told, nowMs] = [owing(), clock.monotonic()]
    this.deleted = new Set(stored.filter(({ isDeleted }) => isDeleted).map(({ ruleId }) => ruleId))
    const before = this.#formerSince
    this.#formerSince = new Map(stored.filter(({ isFormer }) => isFormer).map((target) => [keyOf(target), before.get(keyOf(target)) ?? nowMs]))
    const owed = new Set(Array.from(told ?? [], (name) => `${name.slice(0, name.indexOf('/'))} ${name.slice(name.lastIndexOf('/') + 1)}`))
    const isOpen = (target: RuleTarget): boolean =>
      !target.isFormer || told === null || owed.has(`${ownReceiver(target.ruleId)} ${target.place}`) || nowMs - this.#formerSince.get(keyOf(target))! < FORMER_KEPT_MS
    const needed = stored.filter(isOpen)
    const open = new Set(needed.map(({ ruleId }) => ruleId))
    const over = new Set(stored.filter(({ ruleId, isDeleted }) => isDeleted && !open.has(ruleId)).map(({ ruleId }) => ruleId))
    // Else the next time.
    if (over.size > 0) void store.forgetRuleTargets([...over]).catch(() => {})
    return needed
  }
}

function keyOf({ ruleId, target }: RuleTarget): string {
  return `${ruleId}\n${target}`
}
