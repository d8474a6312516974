// What Prometheus asks of whoever generates alerts (its alert generator specification, 1.0), case by case on a fake clock: states and
// API, series of the alerts, what Alertmanagers are sent and when, each as Prometheus 3.14 had it (test/golden/alert-generator.json.gz).
import { describe, expect, it } from 'vitest'
import { parseSelector } from '../../../lang/parse/parse.ts'
import { loadRuleFile } from '../../../lib/config/rule-file.ts'
import type { SentAlert } from '../../../lib/model/alert.ts'
import { labelsFromRecord, labelsToMap } from '../../../lib/model/labels.ts'
import { ruleChecks } from '../../../lib/rules/rule-checks.ts'
import { answerRules } from '../../../lib/rules/rule-list.ts'
import { FILE, GENERATOR_CASES, readAnswers, RESEND_S, STEP_S, valuesOf, ZERO_MS, type GeneratorAnswer, type GeneratorCase } from '../../golden/alert-generator-cases.ts'
import { ruleGroup, RulesFixture, START_MS } from '../../support/rules-fixture.ts'

const EXTERNAL_URL = 'http://monitor.example/sub'
const INTERVAL_MS = STEP_S * 1000

const recorded = readAnswers()

/** JSON with the keys in the order of Go. */
const sortedJson = (map: ReadonlyMap<string, string> | Record<string, string>): string => JSON.stringify(Object.fromEntries(Object.entries(map instanceof Map ? Object.fromEntries(map) : map).toSorted(([a], [b]) => (a < b ? -1 : 1))))

class Play {
  readonly answer: GeneratorAnswer = { posts: [], states: [], written: {} }
  readonly #case: GeneratorCase
  #step = 0
  #rules: RulesFixture

  constructor(one: GeneratorCase) {
    this.#case = one
    this.#rules = this.#fixture()
  }

  async run(): Promise<GeneratorAnswer> {
    const { steps, restart } = this.#case
    const inputs = Object.entries(this.#case.series).map(([text, values]) => ({ labels: labelsFromRecord(Object.fromEntries(parseSelector(text).map(({ name, value }) => [name, value]))), values: valuesOf(values, steps) }))
    await this.#apply()
    await this.#rules.advance(ZERO_MS - START_MS - 1)
    for (; this.#step < steps; this.#step++) {
      // A moment before the evaluation; whatever is evaluated then has this time.
      const nowMs = ZERO_MS + this.#step * INTERVAL_MS
      for (const { labels, values } of inputs) this.#put(labels, nowMs, values[this.#step]!)
      const isDown = restart !== undefined && this.#step >= restart.at && this.#step < restart.at + restart.down
      if (this.#step === restart?.at) await this.#rules.manager.stop()
      if (restart !== undefined && this.#step === restart.at + restart.down) {
        this.#rules = this.#fixture(this.#rules)
        await this.#apply()
      }
      await this.#rules.advance(INTERVAL_MS)
      this.answer.states.push(isDown ? [] : this.#states())
    }
    const names = new Set(inputs.map(({ labels }) => labels[labels.indexOf('__name__') + 1]!))
    for (const { labels, samples } of this.#rules.storage.dump()) {
      const name = labels[labels.indexOf('__name__') + 1]!
      if (names.has(name)) continue
      this.answer.written[sortedJson(labelsToMap(labels))] = samples.map(({ t, v, isStale }) => `${this.#at(t)}:${isStale ? 'stale' : name === 'ALERTS_FOR_STATE' ? this.#at(v * 1000) : v}`).join(' ')
    }
    return this.answer
  }

  #put(labels: ReturnType<typeof labelsFromRecord>, t: number, value: string): void {
    const { storage } = this.#rules
    if (value === 'stale') storage.addStale(labels, t)
    else if (value !== '_') storage.add(labels, t, Number(value.replace('Inf', 'Infinity')))
  }

  #fixture(before?: RulesFixture): RulesFixture {
    return new RulesFixture(before?.storage, before?.clock, { notify: { resendMs: RESEND_S * 1000, send: (alerts) => this.#send(alerts) } })
  }

  async #apply(): Promise<void> {
    const text = `groups:\n- name: g\n  rules:\n${this.#case.rules.replaceAll(/^(?=.)/gm, '  ')}`
    const [group] = loadRuleFile(text, FILE, { checks: ruleChecks({}) })
    await this.#rules.apply([ruleGroup(group!.rules, { ...group, intervalMs: INTERVAL_MS })], { externalLabels: new Map([['a', 'outside']]), externalUrl: EXTERNAL_URL })
  }

  #at(ms: number): string {
    return String(Number(((ms - ZERO_MS) / INTERVAL_MS).toPrecision(6)))
  }

  #send(alerts: readonly SentAlert[]): void {
    const lines = alerts.map(({ labels, annotations, startsAtMs, endsAtMs, generatorUrl }) =>
      `${this.#step} ${sortedJson(labelsToMap(labels))} ${sortedJson(annotations)} ${this.#at(startsAtMs)} ${this.#at(endsAtMs)} ${generatorUrl}`)
    this.answer.posts.push(...lines)
  }

  /** As /api/v1/alerts has them. */
  #states(): string[] {
    const { data } = JSON.parse(Buffer.from(answerRules(this.#rules.manager.groups(), { kind: 'alerts' }).body).toString('utf8')) as { data: { alerts: { labels: Record<string, string>; annotations: Record<string, string>; state: string; activeAt: string; value: string; keepFiringSince?: string }[] } }
    return data.alerts.map(({ labels, annotations, state, activeAt, value, keepFiringSince }) =>
      `${sortedJson(labels)} ${sortedJson(annotations)} ${state} since ${this.#at(Date.parse(activeAt))}: ${value}${keepFiringSince === undefined ? '' : ` kept since ${this.#at(Date.parse(keepFiringSince))}`}`).toSorted()
  }
}

/** Posts of one evaluation have no order; numbers are written in this language's way. */
function canonical({ posts, states, written }: GeneratorAnswer): GeneratorAnswer {
  const shown = (text: string): string => text.split(' ').map((point) => {
    const [at, value] = point.split(':') as [string, string]
    return `${at}:${value === 'stale' ? value : Number(value.replace('+Inf', 'Infinity').replace('-Inf', '-Infinity'))}`
  }).join(' ')
  return { posts: posts.toSorted(), states, written: Object.fromEntries(Object.entries(written).map(([labels, text]) => [labels, shown(text)])) }
}

describe('the alert generator specification', () => {
  it.each(GENERATOR_CASES.map((one) => [one.name, one] as const))('%s', async (name, one) => {
    expect(canonical(await new Play(one).run())).toEqual(canonical(recorded[name]!))
  })

  it('is held to hundreds of posts', () => {
    expect(Object.values(recorded).reduce((sum, { posts }) => sum + posts.length, 0)).toBeGreaterThan(1000)
  })
})
