// All rule groups of one configuration, each in its loop. A new configuration leaves equal groups alone; a changed one takes
// the state of the one in whose place it stands; what a removed one gave is marked stale after two intervals. After
// prometheus rules/manager.go.
import { isDeepStrictEqual } from 'node:util'
import type { ParserFeatures } from '../../lang/parse/ast.ts'
import type { Queryable } from '../../storage/interface.ts'
import type { RuleGroupConfig } from '../config/rule-config.ts'
import { compareText } from '../model/labels.ts'
import type { Clock, Timer } from '../std/clock.ts'
import type { Logger } from '../std/log.ts'
import { AlertingRule } from './alerting-rule.ts'
import { buildGroup } from './build-group.ts'
import type { GroupGround, GroupSettings, RuleGroup, WriteFunc } from './group.ts'
import { GroupLoop } from './group-loop.ts'
import { restoreGroup, type RestoreLimits } from './restore.ts'
import type { QueryFunc } from './rule-query.ts'
import type { WindowQueries } from './window/window-query.ts'

/** What rules take from the configuration. */
export interface RuleSettings {
  groups: readonly RuleGroupConfig[]
  evaluationIntervalMs: number
  queryOffsetMs: number
  externalLabels: ReadonlyMap<string, string>
  /** Where people reach this server. */
  externalUrl: string
}

export interface ManagerGround {
  query: QueryFunc
  write: WriteFunc
  /** For what alerts said before a start. */
  queryable: Queryable
  features: Partial<ParserFeatures>
  clock: Clock
  logger: Logger
  restoreLimits?: RestoreLimits
  notify?: NonNullable<GroupGround['notify']>
  /** Told after every evaluation of a group. */
  onEvaluated?: (group: RuleGroup) => void
  onExpanded?: (isGood: boolean) => void
  windows?: WindowQueries
}

export class RuleManager {
  readonly #ground: ManagerGround
  readonly #loops = new Map<string, GroupLoop>()
  readonly #retiring = new Set<Timer>()
  #settings: RuleSettings | null = null
  #isStopped = false

  constructor(ground: ManagerGround) {
    this.#ground = ground
  }

  /** In order of file and name. */
  groups(): RuleGroup[] {
    const groups = Array.from(this.#loops.values(), ({ group }) => group)
    return groups.toSorted((a, b) => compareText(a.config.file, b.config.file) || compareText(a.config.name, b.config.name))
  }

  /** Resolves when the groups of `settings` are the ones that run. Calls must not overlap. */
  async apply(settings: RuleSettings): Promise<void> {
    const isFirst = this.#settings === null
    const isOutsideSame = this.#settings !== null && this.#settings.externalUrl === settings.externalUrl &&
      isDeepStrictEqual(this.#settings.externalLabels, settings.externalLabels)
    this.#settings = settings
    const wanted = new Map(settings.groups.map((config) => [groupKey(config), config]))
    for (const [key, loop] of this.#loops) if (!wanted.has(key)) await this.#remove(key, loop)
    for (const [key, config] of wanted) {
      const own = settingsOf(config, settings)
      const known = this.#loops.get(key)
      if (known !== undefined && isOutsideSame && known.group.equals(config, own)) continue
      await known?.stop()
      if (this.#isStopped) return
      // Rules know what lies outside of them and how far back they look.
      const isKept = known !== undefined && isOutsideSame && known.group.settings.queryOffsetMs === own.queryOffsetMs
      const group = buildGroup(config, own, settings, { ground: this.#ground, isRestored: !isFirst, ...(isKept && { previous: known.group }) })
      if (known !== undefined) group.copyState(known.group, this.#ground.clock.now())
      // Of rules that were taken over before they were restored that is still to be done.
      const isRestoring = group.rules.some((rule) => rule instanceof AlertingRule && !rule.isRestored)
      this.#loops.set(key, this.#makeLoop(group, isFirst || isRestoring))
    }
  }

  /** Resolves when no evaluation runs any more. Nothing is marked stale: after a restart all goes on. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const timer of this.#retiring) timer.cancel()
    await Promise.all(Array.from(this.#loops.values(), (loop) => loop.stop()))
  }

  async #remove(key: string, loop: GroupLoop): Promise<void> {
    this.#loops.delete(key)
    await loop.stop()
    const { clock } = this.#ground
    const nowMs = clock.now()
    loop.group.endPending(nowMs)
    // A renamed group may give the same series: it has the time to do so.
    const timer = clock.after(2 * loop.group.settings.intervalMs, () => {
      this.#retiring.delete(timer)
      void loop.group.retire(nowMs)
    }, true)
    this.#retiring.add(timer)
  }

  #makeLoop(group: RuleGroup, isRestoring: boolean): GroupLoop {
    const { clock, logger, queryable, restoreLimits, onEvaluated } = this.#ground
    return new GroupLoop(group, {
      clock,
      restore: isRestoring ? (loaded, nowMs) => restoreGroup(loaded, queryable, nowMs, { clock, logger, ...(restoreLimits && { limits: restoreLimits }) }) : null,
      onEvaluated: (evaluated) => onEvaluated?.(evaluated),
    })
  }
}

/** Two files may have groups of one name. */
export function groupKey({ file, name }: RuleGroupConfig): string {
  return `${file};${name}`
}

/** The group's own settings, or what all groups share. */
export function settingsOf(config: RuleGroupConfig, settings: Pick<RuleSettings, 'evaluationIntervalMs' | 'queryOffsetMs'>): GroupSettings {
  return { intervalMs: config.intervalMs ?? settings.evaluationIntervalMs, queryOffsetMs: config.queryOffsetMs ?? settings.queryOffsetMs }
}
