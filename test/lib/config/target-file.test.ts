import { describe, expect, it } from 'vitest'
import { plainTargets } from '../../../lib/config/plain-targets.ts'
import { parseTargetFile, readTargetFile, TargetFileError } from '../../../lib/config/target-file.ts'
import { parseYaml, type YamlNode } from '../../../lib/config/yaml-node.ts'
import { fc } from '../../support/property.ts'

/** Addresses and labels by source. */
function read(text: string, path: string): [string, string[], Record<string, string>][] {
  return parseTargetFile(text, path).map(({ source, targets, labels }) => [
    source, targets.map((target) => target.get('__address__')!), Object.fromEntries(labels),
  ])
}

describe('parseTargetFile', () => {
  it('reads JSON and YAML alike', () => {
    const json = '[{"targets": ["a:1", "b:2"], "labels": {"env": "prod", "__proto__": "p"}}, {"targets": []}]'
    const yaml = '- targets: [a:1, "b:2"]\n  labels: {env: prod, __proto__: p}\n- targets: []\n'
    const want = (path: string): unknown => [
      [`${path}:0`, ['a:1', 'b:2'], { env: 'prod', ['__proto__']: 'p', __meta_filepath: path }], [`${path}:1`, [], { __meta_filepath: path }],
    ]
    expect(read(json, '/t/x.json')).toEqual(want('/t/x.json'))
    expect(read(json, '/t/x.JSON')).toEqual(want('/t/x.JSON'))
    expect(read(yaml, '/t/x.yml')).toEqual(want('/t/x.yml'))
    expect(read(json, '/t/x.yaml')).toEqual(want('/t/x.yaml'))
  })

  it('takes any scalar as text in YAML, URLs as targets, and nothing as no groups', () => {
    expect(read('- targets: ["https://x/y"]\n  labels: {port: 9100, ok: true}\n', 'x.yml')).toEqual([
      ['x.yml:0', ['https://x/y'], { port: '9100', ok: 'true', __meta_filepath: 'x.yml' }],
    ])
    expect(read('', 'x.yml')).toEqual([])
    expect(read('[]', 'x.json')).toEqual([])
  })

  it('refuses the whole file with the place of each fault', () => {
    const f = (text: string, path: string, want: string): void => {
      expect(() => parseTargetFile(text, path)).toThrow(new TargetFileError(want))
    }
    f('- targets: [a:1]\n- target: [b:1]\n  labels: {"": x}\n', 'x.yml', 'x.yml:2:3: unknown key "target" in entry 2; did you mean "targets"?\nx.yml:3:12: entry 2.labels: "" is not a valid label name')
    f('targets: [a]\n', 'x.yml', 'x.yml:1:1: want a list of {targets, labels}, got a map')
    f('- a\n-\n', 'x.yml', 'x.yml:1:3: entry 1: want {targets, labels}, got "a"\nx.yml:2:2: entry 2: want {targets, labels}, got ""')
    f('- targets: a:1\n', 'x.yml', 'x.yml:1:12: entry 1.targets: want a list, got "a:1"; write ["a:1"]')
    f('- targets: [a\n', 'x.yml', 'x.yml:2:1: what was begun with [ or { is not closed before this line')
    f('{}', 'x.json', 'x.json:1:1: want a list of {targets, labels}')
    f('[null]', 'x.json', 'x.json:1:2: entry 1: want {targets, labels}')
    f('[{},\n  {"targets": [1]}]', 'x.json', 'x.json:2:3: entry 2: targets must be a list of "host:port"')
    f('[{"targets": [], "label": {}}]', 'x.json', 'x.json:1:2: entry 1: unknown key "label"; want targets, labels')
    f('[{"labels": {"a": 1}}]', 'x.json', 'x.json:1:2: entry 1: label a must be a text')
    f('[{"labels": {"": "x"}}]', 'x.json', 'x.json:1:2: entry 1: "" is not a valid label name')
  })

  it('names the place of what is no JSON', () => {
    const f = (text: string, want: string): void => expect(() => parseTargetFile(text, 'x.json'), text).toThrow(new TargetFileError(`x.json:${want}`))
    f('', '1:1: want a value, got the end')
    f('[{"targets"', '1:12: want ":", got the end')
    f('[{"targets": ["a:1"]}', '1:22: want "," or "]", got the end')
    f('[{"targets": ["a:1",]}]', '1:21: want a value, got "]"')
    f('[\n  {"targets": ["a:1"],\n   "labels": {"x": "y",}}]', '3:24: want a key in double quotes, got "}"')
    // Looked at by trying every way of cutting it up, an open text of 60 letters would take the age of the universe.
    f(`[{"targets": ["${'a'.repeat(60)}`, '1:15: text with a bad escape, a control character, or no closing quote')
    f("[{'targets': []}]", '1:3: want a key in double quotes, got "\'"')
    f('[{"targets": ["a\n"]}]', '1:15: text with a bad escape, a control character, or no closing quote')
    f('[{"targets": [01]}]', '1:15: want a value, got "0"')
    f('[] []', '1:4: want the end, got "["')
    f('[nul]', '1:2: want a value, got "n"')
    f(`${'['.repeat(300)}`, '1:202: nested too deeply')
  })
})

describe('a large YAML file', () => {
  const entry = (i: number): string => `- targets:\n    - a${i}:1\n    - "b${i}"\n  labels:\n    n: '${i}'\n`
  const wanted = (count: number): unknown => Array.from({ length: count }, (_, i) => [
    `x.yml:${i}`, [`a${i}:1`, `b${i}`], { n: String(i), __meta_filepath: 'x.yml' },
  ])
  const many = (count: number, odd: string = '', at = -1): string =>
    Array.from({ length: count }, (_, i) => (i === at ? odd : '') + entry(i)).join('')

  it('is read in slices, to the same groups', () => {
    for (const head of ['', '---\n', '# by a program\n\n---\n']) {
      let slices = 0
      const work = readTargetFile(head + many(3000), 'x.yml')
      let step = work.next()
      for (; step.done !== true; step = work.next()) slices++
      expect(read(head + many(3000), 'x.yml')).toEqual(wanted(3000))
      expect(slices).toBeGreaterThan(16)
    }
    expect(read(many(3000, '# a comment, not plain\n', 1500), 'x.yml')).toEqual(wanted(3000))
  })

  it('has its faults in their places', () => {
    expect(() => parseTargetFile(many(3000, '- target: [x]\n', 1500), 'x.yml')).toThrow(new TargetFileError('x.yml:7501:3: unknown key "target" in entry 1501; did you mean "targets"?'))
    expect(() => parseTargetFile(many(3000, '- [\n', 1500), 'x.yml')).toThrow(/^x\.yml:750[23]:\d+: /)
  })

  it('may hold anchors, and other documents are refused', () => {
    const anchored = `- targets: [x]\n  labels: &l {n: '1'}\n${many(2000)}- targets: [y]\n  labels: *l\n`
    expect(read(anchored, 'x.yml').at(-1)).toEqual(['x.yml:2001', ['y'], { n: '1', __meta_filepath: 'x.yml' }])
    expect(() => parseTargetFile(many(2000, '---\n', 1999), 'x.yml')).toThrow(/^x\.yml:9996:1: a second document begins here; a file holds one/)
  })
})

describe('the short way through YAML', () => {
  const tree = (node: YamlNode | null): unknown => JSON.parse(JSON.stringify(node, (_, value: unknown) => (value instanceof Map ? [...value] : value)))
  const whole = (text: string): YamlNode | null => parseYaml(text, () => {}).root

  it('takes what programs write', () => {
    for (const text of [
      '- targets:\n    - a:1\n    - b.c-d:2\n  labels:\n    env: prod\n    x: "y z"\n',
      '- labels:\n    env: prod\n  targets:\n  - a:1\n',
      "- targets: ['a:1', \"b:2\",c ]\n  labels:\n      e: 'f: g # h'\n- targets:\n  - z",
      '- targets:\n  - 10.0.0.1:9100\n  - https://x/y?z\n'.replace('?z', '=z'),
    ]) {
      expect(plainTargets(text, 0), text).not.toBe(null)
      expect(tree(plainTargets(text, 0)), text).toEqual(tree(whole(text)))
    }
  })

  it('never takes a text for another than it is', () => {
    const piece = fc.constantFrom(
      '- ', '-', '  ', ' ', '\n', 'targets:', 'labels:', 'targets: ', '    - ', '  - ', 'a:1', 'b', '"c d"', "'e'", "''", "'f''g'", '"h\\n"', ':', ': ', '#', ' # i',
      '[', ']', ', ', '[a, b]', '{', '}', '*j', '&k ', '!l ', '|', '>', '?', '~', '\t', '\r\n', '---', '...', 'x: y\n', '    env: prod\n', '    - a:1\n', '- targets:\n', '  labels:\n',
    )
    let taken = 0
    fc.assert(fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      const text = `- targets:\n    - a\n${pieces.join('')}`
      const plain = plainTargets(text, 0)
      if (plain === null) return
      taken++
      const faults: string[] = []
      const { root } = parseYaml(text, (_, message) => faults.push(message))
      expect([faults, tree(plain)]).toEqual([[], tree(root)])
    }), { numRuns: 20_000 })
    expect(taken).toBeGreaterThan(500)
  })
})
