// The templates of one alerting rule: parsed once, expanded for each alert. What goes wrong in one becomes the text that it
// gives, in Prometheus' words, and nothing else stops.
import { histogramText } from '../../lang/func/histogram-text.ts'
import type { InstantElement } from '../../lang/instant-elements.ts'
import { labelsToMap } from '../model/labels.ts'
import type { Clock } from '../std/clock.ts'
import { alertData, ALERT_VARIABLES, histogramValue, prometheusFunctions } from '../template/prometheus-funcs.ts'
import { TemplateError, Templates, TemplateSyntaxError } from '../template/template.ts'
import { CallError, type GoFunction, type GoObject, type Value } from '../template/value.ts'
import { RuleQueryError, type QueryFunc } from './rule-query.ts'

/** Expanding all alerts of a rule may take this long; what is left after it says so. */
const EXPAND_MS_MAX = 10_000

export interface TemplateGround {
  query: QueryFunc
  clock: Clock
  externalLabels: ReadonlyMap<string, string>
  externalUrl: string
  /** Told of every expansion. */
  onExpanded: (isGood: boolean) => void
}

export class AlertTemplates {
  readonly #ground: TemplateGround
  readonly #name: string
  readonly #functions: ReadonlyMap<string, GoFunction>
  /** By text; one that is no template by its fault. */
  readonly #parsed = new Map<string, Templates | TemplateSyntaxError>()
  readonly #time = { timeMs: 0 }
  #deadlineMs = 0

  constructor(alertName: string, ground: TemplateGround) {
    this.#ground = ground
    this.#name = `__alert_${alertName}`
    const time = this.#time
    this.#functions = prometheusFunctions({
      query: (expr) => this.#query(expr), get timeMs() { return time.timeMs }, externalUrl: ground.externalUrl,
    })
  }

  /** From now on the templates see this time; an evaluation's expansions begin. */
  begin(timeMs: number): void {
    this.#time.timeMs = timeMs
    this.#deadlineMs = this.#ground.clock.monotonic() + EXPAND_MS_MAX
  }

  /** What templates see of an element of the rule's result. */
  dataOf({ labels, value, histogram }: InstantElement): GoObject {
    const shown = histogram === null ? value : histogramValue(histogramText(histogram))
    return alertData(labelsToMap(labels), this.#ground.externalLabels, this.#ground.externalUrl, shown)
  }

  expand(text: string, data: Value): string {
    // Fast path: most texts are plain.
    if (!text.includes('{{')) return text
    const fault = (why: string): string => {
      this.#ground.onExpanded(false)
      return `<error expanding template: ${why}>`
    }
    const templates = this.#templatesOf(text)
    if (templates instanceof TemplateSyntaxError) return fault(`error parsing template ${this.#name}: ${templates.message}`)
    if (this.#isLate()) return fault(`the templates of this rule take longer than ${EXPAND_MS_MAX / 1000}s`)
    try {
      const expanded = templates.execute(this.#name, data)
      this.#ground.onExpanded(true)
      return expanded
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      return fault(`error executing template ${this.#name}: ${error.message}`)
    }
  }

  #templatesOf(text: string): Templates | TemplateSyntaxError {
    const known = this.#parsed.get(text)
    if (known !== undefined) return known
    const parsed = this.#parse(text)
    this.#parsed.set(text, parsed)
    return parsed
  }

  #parse(text: string): Templates | TemplateSyntaxError {
    try {
      return new Templates({ functions: this.#functions, isMissingKeyZero: true }).parse(this.#name, ALERT_VARIABLES + text)
    } catch (error) {
      if (error instanceof TemplateSyntaxError) return error
      throw error
    }
  }

  #query(expr: string): { labels: ReadonlyMap<string, string>; value: Value }[] {
    if (this.#isLate()) throw new CallError(`the templates of this rule take longer than ${EXPAND_MS_MAX / 1000}s`)
    try {
      return this.#ground.query(expr, this.#time.timeMs).map(({ labels, value, histogram }) => ({
        labels: labelsToMap(labels), value: histogram === null ? value : histogramValue(histogramText(histogram)),
      }))
    } catch (error) {
      if (error instanceof RuleQueryError) throw new CallError(error.message, { cause: error })
      throw error
    }
  }

  #isLate(): boolean {
    return this.#ground.clock.monotonic() > this.#deadlineMs
  }
}
