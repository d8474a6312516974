// The rules made by API: kept in the metadata store, written as a rule file beside the data, evaluated with those of files.
// A change is in the store before it is answered, and before the rules take it; changes come one after the other. File and
// groups are made of all rules: of changes that come within a quarter of a second, once.
//
//   body ─check─▶ JsonRule ─▶ MetaStore (synced) ─▶ rule file ─▶ groups ─▶ onChange
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { RuleChecks, RuleConfig, RuleGroupConfig } from '../../config/rule-config.ts'
import { MetaError } from '../../meta/errors.ts'
import type { MetaStore, StoredRule } from '../../meta/interface.ts'
import { StorePatience } from '../../meta/store-patience.ts'
import { isDoneWithin, type Clock, type Timer } from '../../std/clock.ts'
import { loadRuleFile } from '../../config/rule-file.ts'
import { ConfigError } from '../../config/load.ts'
import { DiskFile, readTextIfThere, rename } from '../../std/fs.ts'
import type { Logger } from '../../std/log.ts'
import { Throttle } from '../../std/throttle.ts'
import { checkRule } from './check-rule.ts'
import { BASELINE } from './anomaly.ts'
import { compileRule, learningRule, RULE_ID } from './compile.ts'
import { isObject, RuleBodyError, shown } from './fields.ts'
import type { JsonRule } from './json-rule.ts'
import { ruleFileText, ruleGroups } from './rule-groups.ts'
import type { RuleRoute } from '../../model/rule-route.ts'

/** Of all rules: their file is written whole. */
const RULES_MAX = 5000
/** Between two times that changes are applied: 5,000 rules take 20 ms. */
const APPLY_MS = 250
/** A start waits so long for a disk that hangs. */
const READ_MS_MAX = 5000
const READ_RETRY_MS = 10_000
/** Series judged falsely, of one rule. */
const WIDENINGS_MAX = 32
const WIDEN_FACTOR = 1.5

/** What an alert has beside the labels of its series. */
const ALERT_LABELS: ReadonlySet<string> = new Set(['alertname', 'severity', RULE_ID, BASELINE])

type StoreOfRules = Pick<MetaStore, 'rules' | 'putRule' | 'deleteRule'>

export interface ApiRulesGround {
  meta: StoreOfRules
  /** Path of the rule file. */
  file: string
  checks: RuleChecks
  clock: Clock
  logger: Logger
  newId: () => string
  /** Who of a rule's `notify` is not told as things are, and why. */
  notifyWarnings: (notify: readonly string[]) => readonly string[]
}

/** A rule as the API shows it. */
export interface RuleView {
  id: string
  isActive: boolean
  createdAtMs: number
  updatedAtMs: number
  /** As it was sent, without what this view adds. */
  body: JsonBody
  /** What it is compiled to. */
  expr: string
  /** Who is not told of its alerts as things are, and why. */
  warnings: readonly string[]
  /** Another with each change of the body or of whether it is active. */
  version: string
}

type JsonBody = Readonly<Record<string, unknown>>

interface Kept {
  stored: StoredRule
  rule: JsonRule
  /** What it is compiled to: its alerts, and what is recorded beside them. */
  configs: readonly [RuleConfig, ...RuleConfig[]]
}

/** There is no rule of that id. */
export class UnknownRuleError extends Error {
  readonly code = 'UNKNOWN_RULE'
}

/** Somebody else has changed the rule meanwhile. */
export class RuleChangedError extends Error {
  readonly code = 'RULE_CHANGED'
}

export class ApiRules {
  /** Called after changes. */
  onChange: () => void = () => {}
  readonly #ground: ApiRulesGround
  readonly #applying: Throttle
  readonly #patience: StorePatience
  readonly #rules = new Map<string, Kept>()
  #changing: Promise<unknown> = Promise.resolve()
  /** What the file has, where the store could not be read. */
  #found: readonly RuleGroupConfig[] | null = null
  #retry: Timer | null = null
  #isStopped = false

  private constructor(ground: ApiRulesGround) {
    this.#ground = ground
    this.#patience = new StorePatience(ground.clock)
    this.#applying = new Throttle(ground.clock, APPLY_MS, () => {
      this.#writeFile()
      this.onChange()
    })
  }

  /**
   * Reads what the store has, and writes the rule file anew. Where the store cannot be read, or does not answer for five seconds, the
   * file is evaluated as it is until it can.
   */
  static async open(ground: ApiRulesGround): Promise<ApiRules> {
    const rules = new ApiRules(ground)
    if (await isDoneWithin(rules.#read(), READ_MS_MAX, ground.clock)) return rules
    ground.logger.error('the rules made by API are not read yet, as the disk hangs; those of their file are evaluated until they are, and none can be changed', { file: ground.file })
    rules.#readFile()
    return rules
  }

  /** Of active rules. */
  groups(): readonly RuleGroupConfig[] {
    if (this.#found !== null) return this.#found
    return ruleGroups([...this.#rules.values()].filter(({ stored }) => stored.isActive), this.#ground.file)
  }

  /** Who is told of the alerts of each rule, active or not. */
  routes(): RuleRoute[] {
    return Array.from(this.#rules.values(), ({ stored, rule }) => ({ ruleId: stored.id, notify: rule.notify, cooldownMs: rule.cooldownMs }))
  }

  /** In order of creation. */
  list(): RuleView[] {
    return Array.from(this.#rules.values(), (kept) => this.#viewOf(kept))
  }

  /** Throws UnknownRuleError. */
  get(id: string): RuleView {
    return this.#viewOf(this.#known(id))
  }

  /** The group that a body would be, without making it. Throws RuleBodyError. */
  compiled(body: JsonBody): RuleGroupConfig {
    const rule = this.#checked(splitBody(body, true).own)
    return ruleGroups([{ rule, configs: [compileRule(rule, 'test')] }], this.#ground.file)[0]!
  }

  /** Rejects with RuleBodyError, or as the store does. */
  create(body: JsonBody): Promise<RuleView> {
    return this.#change(() => {
      const { isActive, own } = splitBody(body, true)
      const rule = this.#checked(own)
      if (this.#rules.size >= RULES_MAX) throw new RuleBodyError([{ field: '', reason: `there are ${RULES_MAX} rules already`, fix: 'delete one first, or join rules by their filters' }])
      const nowMs = this.#ground.clock.now()
      return { stored: { id: this.#ground.newId(), name: rule.name, isActive, body: own, createdAtMs: nowMs, updatedAtMs: nowMs }, rule }
    })
  }

  /**
   * The rule keeps its id, whether it is active unless the body says so, and the state of alerts whose labels stay. `versions`: those
   * that may be replaced, null any. Rejects also with UnknownRuleError, RuleChangedError.
   */
  replace(id: string, body: JsonBody, versions: readonly string[] | null): Promise<RuleView> {
    return this.#change(() => {
      const { stored } = this.#expected(id, versions)
      if (body['id'] !== undefined && body['id'] !== id) throw new RuleBodyError([{ field: 'id', reason: `is ${shown(body['id'])}, and the rule of this address is ${id}`, fix: 'leave it out, or send the rule to its own address' }])
      const { isActive, own } = splitBody(body, stored.isActive)
      const rule = this.#checked(own)
      return { stored: { ...stored, name: rule.name, isActive, body: own, updatedAtMs: this.#ground.clock.now() }, rule }
    })
  }

  /** As `replace`. */
  setActive(id: string, isActive: boolean, versions: readonly string[] | null): Promise<RuleView> {
    return this.#change(() => {
      const { stored, rule } = this.#expected(id, versions)
      return { stored: { ...stored, isActive, updatedAtMs: this.#ground.clock.now() }, rule }
    })
  }

  /** An alert of an anomaly rule was false: the band of its series becomes half as wide again. Rejects with RuleBodyError, UnknownRuleError. */
  widen(id: string, alertLabels: Readonly<Record<string, string>>): Promise<RuleView> {
    return this.#change(() => {
      const { stored, rule } = this.#known(id)
      const labels = Object.fromEntries(Object.entries(alertLabels).filter(([name]) => !ALERT_LABELS.has(name) && !Object.hasOwn(rule.labels, name)))
      if (rule.body.kind !== 'anomaly') throw new RuleBodyError([{ field: 'kind', reason: `is ${rule.body.kind}`, fix: 'change the threshold of the rule instead: only anomaly rules have a band' }])
      const known = rule.body.widenings.find((one) => isDeepStrictEqual(one.labels, labels))
      const others = rule.body.widenings.filter((one) => one !== known)
      if (known === undefined && others.length >= WIDENINGS_MAX) {
        throw new RuleBodyError([{ field: 'widened', reason: `has ${WIDENINGS_MAX} series already`, fix: 'raise sigma: the band is too narrow for most series' }])
      }
      const widened = [...others, { labels, factor: Math.min(100, (known?.factor ?? 1) * WIDEN_FACTOR) }]
      const body = { ...stored.body, widened }
      return { stored: { ...stored, body, updatedAtMs: this.#ground.clock.now() }, rule: this.#checked(body) }
    })
  }

  /** Rejects with UnknownRuleError, RuleChangedError. */
  delete(id: string, versions: readonly string[] | null): Promise<void> {
    return this.#inTurn(async () => {
      const { stored } = this.#expected(id, versions)
      await this.#patience.answerOf(() => this.#ground.meta.deleteRule(id), () => this.#takeBack(id, stored))
      this.#rules.delete(id)
      this.#applying.ask()
    })
  }

  /** Changes that wait to be applied are, now; it reads no more. */
  stop(): void {
    this.#isStopped = true
    this.#retry?.cancel()
    this.flush()
  }

  /** Changes that wait to be applied are, now. */
  flush(): void {
    this.#applying.flush()
  }

  /** Until it has read the store. */
  async #read(): Promise<void> {
    const { meta, file, clock, logger } = this.#ground
    try {
      this.#adopt(await meta.rules())
    } catch (error) {
      if (!(error instanceof MetaError)) throw error
      logger.repeated('error', 'the rules made by API cannot be read; those of their file are evaluated, and none can be changed; it is tried again', { file, err: error })
      if (this.#found === null) this.#readFile()
      if (!this.#isStopped) this.#retry = clock.after(READ_RETRY_MS, () => void this.#read(), true)
    }
  }

  #adopt(stored: readonly StoredRule[]): void {
    for (const one of stored.toSorted((a, b) => a.createdAtMs - b.createdAtMs)) {
      try {
        this.#rules.set(one.id, keptOf(one, this.#checked(one.body)))
      } catch (error) {
        if (!(error instanceof RuleBodyError)) throw error
        // It was good once: it stays stored, for a version that can read it.
        this.#ground.logger.error('a rule made by API cannot be used and is left out', { id: one.id, name: one.name, err: error.message })
      }
    }
    const isLate = this.#found !== null
    this.#found = null
    if (isLate) this.#applying.ask()
    else this.#writeFile()
  }

  #readFile(): void {
    const { file, checks, logger } = this.#ground
    try {
      this.#found = loadRuleFile(readTextIfThere(file) ?? 'groups: []', file, { checks })
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      logger.error('the file of the rules made by API cannot be read either', { file, err: error })
      this.#found = []
    }
  }

  #change(make: () => { stored: StoredRule; rule: JsonRule }): Promise<RuleView> {
    return this.#inTurn(async () => {
      const { stored, rule } = make()
      const kept = keptOf(stored, rule)
      const { id } = stored
      const before = this.#rules.get(id)?.stored
      await this.#patience.answerOf(() => this.#ground.meta.putRule(stored), () => this.#takeBack(id, before))
      this.#rules.set(kept.stored.id, kept)
      this.#applying.ask()
      return this.#viewOf(kept)
    })
  }

  /** What the store may take yet, while whoever asked for it was told that it is not so. Its calls are carried out in order. */
  #takeBack(id: string, before: StoredRule | undefined): void {
    const { meta } = this.#ground
    // Where the store fails altogether there is nothing to take back.
    void (before === undefined ? meta.deleteRule(id) : meta.putRule(before)).catch(() => {})
  }

  /** Rejects with MetaError where the store could not be read: what is written into it then would hide the rest. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#found !== null) return Promise.reject(new MetaError('the rules made by API cannot be read yet, and none can be changed until they are; it is tried again, see the log for the reason'))
    const done = this.#changing.then(work)
    this.#changing = done.catch(() => {})
    return done
  }

  /** The file is for people and tools; the store is what counts, so that a disk that refuses it loses nothing. */
  #writeFile(): void {
    try {
      writeWhole(this.#ground.file, ruleFileText(this.groups()))
    } catch (error) {
      this.#ground.logger.repeated('error', 'the file of the rules made by API could not be written', { file: this.#ground.file, err: error instanceof Error ? error : String(error) })
    }
  }

  /** Throws RuleBodyError: for fields, or for what only the language can tell. */
  #checked(body: JsonBody): JsonRule {
    const { checks } = this.#ground
    const rule = checkRule(body, (alert, text) => checks.template(alert, text))
    const { expr } = compileRule(rule, '')
    const fault = checks.expr(expr)
    if (fault !== null) throw new RuleBodyError([{ field: 'metric', reason: `the rule compiles to ${expr}, which is no expression (${fault})`, fix: 'look at the names of the metric and of the filters' }])
    return rule
  }

  #viewOf({ stored, rule, configs }: Kept): RuleView {
    const { id, isActive, createdAtMs, updatedAtMs, body } = stored
    return { id, isActive, createdAtMs, updatedAtMs, body, expr: configs[0].expr, warnings: [...metricWarnings(rule), ...this.#ground.notifyWarnings(rule.notify)], version: versionOf(stored) }
  }

  #expected(id: string, versions: readonly string[] | null): Kept {
    const kept = this.#known(id)
    if (versions !== null && !versions.includes(versionOf(kept.stored))) {
      throw new RuleChangedError(`rule ${JSON.stringify(kept.stored.name)} has been changed since you read it, at ${new Date(kept.stored.updatedAtMs).toISOString()}; read it again, and send your change with the ETag of that answer as If-Match`)
    }
    return kept
  }

  #known(id: string): Kept {
    const kept = this.#rules.get(id)
    if (kept === undefined) throw new UnknownRuleError(`there is no rule ${JSON.stringify(id.slice(0, 100))}; GET /api/alerts/rules lists those there are`)
    return kept
  }
}

/** Any text may be the name of a metric, so that an expression in its place is no fault: the rule would be silent for ever. */
function metricWarnings({ body }: JsonRule): string[] {
  const metrics = body.kind === 'composite' ? body.parts.map(({ source }) => source.metric) : [body.source.metric]
  return metrics.filter((metric) => /[\s(){}[\]"]/.test(metric))
    .map((metric) => `metric ${JSON.stringify(metric)} is taken for a name, and looks like an expression: give the name alone, and say the rest by condition and filters`)
}

/** A body may be what the API showed: what it adds to a rule is taken off. Throws RuleBodyError. */
function splitBody({ id: _id, expr: _expr, created_at: _made, updated_at: _changed, warnings: _warnings, is_active: isActive, ...own }: JsonBody, wasActive: boolean): { isActive: boolean; own: JsonBody } {
  if (own['status'] === 'success' && isObject(own['data'])) throw new RuleBodyError([{ field: 'data', reason: 'holds the rule: this is an answer as a whole', fix: 'send what stands in its data' }])
  if (isActive !== undefined && typeof isActive !== 'boolean') throw new RuleBodyError([{ field: 'is_active', reason: 'is neither true nor false', fix: 'give true or false, or leave it out' }])
  return { isActive: isActive ?? wasActive, own }
}

/** Told by the content, so that it is the same after a restart. */
function versionOf({ body, isActive }: StoredRule): string {
  return createHash('sha256').update(JSON.stringify([isActive, body])).digest('hex').slice(0, 16)
}

/** Readers see the old text or the new one. Not synced: the next start writes it anew. */
function writeWhole(file: string, text: string): void {
  const aside = DiskFile.openForWrite(`${file}.new`)
  try {
    const bytes = Buffer.from(text)
    aside.write(bytes, 0)
    aside.truncate(bytes.length)
  } finally {
    aside.close()
  }
  rename(aside.path, file)
}

function keptOf(stored: StoredRule, rule: JsonRule): Kept {
  const learning = learningRule(rule, stored.id)
  return { stored, rule, configs: [compileRule(rule, stored.id), ...(learning === null ? [] : [learning])] }
}
