// `monitor check rules` beside promtool: test/golden/rule-files.json has its exit codes for each file, plain and with --lint-fatal.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { runTool } from '../../../cmd/tool/tool.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const [, ...recorded] = JSON.parse(readFileSync(path.join(import.meta.dirname, '../../golden/rule-files.json'), 'utf8')) as [string, ...[string, number, number][]]

/** promtool passes over empty items, which are rules that nobody gets. */
const STRICTER: ReadonlySet<string> = new Set(['groups:\n- null\n', 'groups: [{name: a, rules: [null]}]\n'])

async function run(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  let [out, err] = ['', '']
  const code = await runTool(args, { out: (text) => (out += text), err: (text) => (err += text), clock: new FakeClock() })
  return { code, out, err }
}

describe('monitor check rules', () => {
  it('takes, refuses and lints what promtool does', async () => {
    expect(recorded.length).toBeGreaterThan(150)
    const file = path.join(tempFolder(), 'rules.yml')
    const different: string[] = []
    for (const [text, plain, fatal] of recorded) {
      if (STRICTER.has(text)) continue
      writeFileSync(file, text)
      const [a, b] = [await run('check', 'rules', file), await run('check', 'rules', '--lint-fatal', file)]
      if (a.code !== plain || b.code !== fatal) different.push(`${text}: ${a.code}, ${b.code} for ${plain}, ${fatal}\n${a.err}`)
      if (plain === 1) expect(a.err).toMatch(/^ {2}FAILED:\n(.*rules\.yml:\d+:\d+: .+\n?)+$/)
    }
    expect(different).toEqual([])
  })

  it('says what it found as promtool says it', async () => {
    const folder = tempFolder()
    const good = path.join(folder, 'good.yml')
    writeFileSync(good, 'groups: [{name: a, rules: [{record: r, expr: up}, {record: r, expr: up}, {alert: A, expr: up}]}]\n')
    expect(await run('check', 'rules', '--lint=none', good)).toEqual({ code: 0, out: `Checking ${good}\n  SUCCESS: 3 rules found\n\n`, err: '' })
    const duplicate = '  FAILED:\nlint error 1 duplicate rule(s) found.\nMetric: r\nLabel(s):\nMight cause inconsistency while recording expressions\n'
    expect(await run('check', 'rules', good)).toEqual({ code: 0, out: `Checking ${good}\n\n`, err: duplicate })
    expect(await run('check', 'rules', path.join(folder, 'none.yml'))).toMatchObject({ code: 1, err: expect.stringContaining('there is no such file') as string })
    mkdirSync(path.join(folder, 'dir.yml'))
    expect(await run('check', 'rules', path.join(folder, 'dir.yml'))).toMatchObject({ code: 1 })
  })

  it('passes over unknown keys and takes experimental functions where told so', async () => {
    const file = path.join(tempFolder(), 'rules.yml')
    writeFileSync(file, 'x: 1\ngroups: [{name: a, y: 1, rules: [{record: r, expr: "sort_by_label(up, \'a\')", z: 1}]}]\n')
    expect((await run('check', 'rules', file)).code).toBe(1)
    expect((await run('check', 'rules', '--ignore-unknown-fields', file)).code).toBe(1)
    expect((await run('check', 'rules', '--ignore-unknown-fields', '--enable-feature=promql-experimental-functions', file)).code).toBe(0)
  })

  it('wants to know what to check', async () => {
    expect(await run('check')).toMatchObject({ code: 2 })
    expect(await run('check', 'rulez')).toMatchObject({ code: 2, err: expect.stringContaining('there is no command check rulez') as string })
  })
})
