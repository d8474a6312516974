import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadRuleGroups, RuleFilesError } from '../../../lib/rules/rule-files.ts'
import { tempFolder } from '../../support/temp-folder.ts'

describe('rule files', () => {
  it('are those that patterns find, each once, behind the groups of monitor.yml', () => {
    const folder = tempFolder()
    writeFileSync(path.join(folder, 'b.yml'), 'groups: [{name: g, interval: 5s, limit: 3, query_offset: 1m, labels: {team: a, env: x}, rules: [{alert: A, expr: up == 0, for: 1m, keep_firing_for: 2m, labels: {env: y}, annotations: {s: "{{ $value }}"}}]}]\n')
    writeFileSync(path.join(folder, 'a.yml'), 'groups: [{name: g, rules: [{record: r, expr: up}]}]\n')
    const inline = { name: 'inline', file: 'monitor.yml', intervalMs: null, queryOffsetMs: null, limit: 0, rules: [] }
    const groups = loadRuleGroups({ files: [path.join(folder, '*.yml'), path.join(folder, 'a.yml')], groups: [inline] }, {})
    expect(groups.map(({ name, file }) => [name, path.basename(file)])).toEqual([['inline', 'monitor.yml'], ['g', 'a.yml'], ['g', 'b.yml']])
    expect(groups[2]).toMatchObject({ intervalMs: 5000, limit: 3, queryOffsetMs: 60_000 })
    expect(groups[2]!.rules[0]).toEqual({
      kind: 'alert', name: 'A', expr: 'up == 0', forMs: 60_000, keepFiringForMs: 120_000,
      labels: new Map([['team', 'a'], ['env', 'y']]), annotations: new Map([['s', '{{ $value }}']]),
    })
  })

  it('are refused together, with every fault of every file', () => {
    const folder = tempFolder()
    writeFileSync(path.join(folder, 'a.yml'), 'groups: [{name: g, rules: [{record: r, expr: "up("}]}]\n')
    writeFileSync(path.join(folder, 'b.yml'), Buffer.from([0xff]))
    const load = (): unknown => loadRuleGroups({ files: [path.join(folder, '*.yml'), '/x/[a.yml'], groups: [] }, {})
    expect(load).toThrow(RuleFilesError)
    expect(load).toThrow(/syntax error in pattern[^]*a\.yml:1:46: groups\[0\]\.rules\[0\]\.expr: could not parse expression[^]*b\.yml.*not UTF-8/)
  })
})
