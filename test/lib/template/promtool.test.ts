// Templates as Prometheus expands them: test/golden/templates.json is promtool's word on each of golden/template-cases.ts.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { alertData, ALERT_VARIABLES, prometheusFunctions } from '../../../lib/template/prometheus-funcs.ts'
import { TemplateError, Templates, TemplateSyntaxError } from '../../../lib/template/template.ts'
import { CallError } from '../../../lib/template/value.ts'
import { LABELS, QUERIES, VALUE } from '../../golden/template-cases.ts'

const [, ...recorded] = JSON.parse(readFileSync(path.join(import.meta.dirname, '../../golden/templates.json'), 'utf8')) as [string, ...[string, string][]]

/** Functions of Prometheus 3.14 that the recording promtool (3.5) does not know, complex numbers, and its missing external URL. */
const DIFFERENT = /toDuration|now|pathPrefix|parseDuration "-5m"|\di\b/

function query(expr: string): { labels: ReadonlyMap<string, string>; value: number }[] {
  const known = QUERIES.get(expr)
  if (known === undefined) throw new CallError('1:5: parse error: unexpected identifier "a"')
  return known.map(([labels, value]) => ({ labels, value }))
}

/** In the notation of the recording: `=text`, or `!why it is no template`. */
function expand(text: string, name: string): string {
  const functions = prometheusFunctions({ query, timeMs: 60_000, externalUrl: '' })
  const templates = new Templates({ functions, isMissingKeyZero: true })
  try {
    templates.parse(name, ALERT_VARIABLES + text)
  } catch (error) {
    if (error instanceof TemplateSyntaxError) return `!${error.message}`
    throw error
  }
  try {
    return `=${templates.execute(name, alertData(LABELS, new Map(), '', VALUE))}`
  } catch (error) {
    if (error instanceof TemplateError) return `=<error expanding template: error executing template ${name}: ${error.message}>`
    throw error
  }
}

describe('templates', () => {
  it('expand as promtool expands them', () => {
    expect(recorded.length).toBeGreaterThan(450)
    const wrong: string[] = []
    recorded.forEach(([text, want], i) => {
      if (DIFFERENT.test(text)) return
      const got = expand(text, `__alert_C${i}`)
      if (got !== want) wrong.push(`${text}\n  want ${want}\n  got  ${got}`)
    })
    expect(wrong).toEqual([])
  })
})
