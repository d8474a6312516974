// promtool-verdicts.json: configurations, and whether `promtool check config --syntax-only` of Prometheus 3.5.3 takes them.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { ConfigError, loadConfig } from '../../../lib/config/load.ts'

const verdicts = JSON.parse(readFileSync(path.join(import.meta.dirname, 'promtool-verdicts.json'), 'utf8')) as [string, boolean][]
/** Where Monitor is stricter: choices that no job uses yet, a modulus beyond exact integers, and a setting that is not built yet. */
const STRICTER = /^global: \{metric_name_(validation|escaping)_scheme: foo|modulus: 18446744073709551615|^global: \{query_log_file/

it('takes and refuses what promtool takes and refuses', () => {
  expect(verdicts.length).toBeGreaterThan(250)
  const different: string[] = []
  for (const [text, isAccepted] of verdicts) {
    let message = ''
    try {
      loadConfig(text, 'monitor.yml', { strict: true, env: {} })
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      message = error.message
      expect(error.message).toMatch(/^(monitor\.yml:\d+:\d+: .+\n?)+$/)
    }
    if ((message === '') !== isAccepted && !STRICTER.test(text)) different.push(`${text}: ${message}`)
  }
  expect(different).toEqual([])
})
