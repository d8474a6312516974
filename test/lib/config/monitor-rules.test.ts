// The rules that Monitor ships, by its own rule tests (promtool gives the same verdict).
import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { runTool } from '../../../cmd/tool/tool.ts'
import { systemClock } from '../../../lib/std/clock.ts'

const root = path.resolve(import.meta.dirname, '../../..')

async function tool(...argv: readonly string[]): Promise<[number | null, string]> {
  let text = ''
  const code = await runTool(argv, { out: (line) => void (text += line), err: (line) => void (text += line), clock: systemClock })
  return [code, text]
}

it('hold what their tests say', async () => {
  const [code, text] = await tool('test', 'rules', path.join(root, 'test/lib/config/monitor-rules_test.yml'))
  expect([code, text.trim()]).toEqual([0, 'SUCCESS'])
  expect((await tool('check', 'rules', path.join(root, 'lib/config/monitor-rules.yml')))[0]).toBe(0)
})

it('are each tested', () => {
  const alerts = (text: string, pattern: RegExp): string[] => [...new Set(Array.from(text.matchAll(pattern), ([, name]) => name!))].toSorted()
  const rules = fs.readFileSync(path.join(root, 'lib/config/monitor-rules.yml'), 'utf8')
  const tests = fs.readFileSync(path.join(root, 'test/lib/config/monitor-rules_test.yml'), 'utf8')
  expect(alerts(tests, /alertname: (\w+)\n {8}exp_alerts:\n/g)).toEqual(alerts(rules, /- alert: (\w+)/g))
})
