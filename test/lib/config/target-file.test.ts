import { describe, expect, it } from 'vitest'
import { parseTargetFile, TargetFileError } from '../../../lib/config/target-file.ts'

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
    f('- targets: a:1\n', 'x.yml', 'x.yml:1:12: entry 1.targets: want a list, got "a:1"')
    f('- targets: [a\n', 'x.yml', 'x.yml:2:1: Flow sequence in block collection must be sufficiently indented and end with a ]')
    f('{}', 'x.json', 'x.json: want a list of {targets, labels}')
    f('[null]', 'x.json', 'x.json: entry 1: want {targets, labels}')
    f('[{"targets": [1]}]', 'x.json', 'x.json: entry 1: targets must be a list of "host:port"')
    f('[{"targets": [], "label": {}}]', 'x.json', 'x.json: entry 1: unknown key "label"; want targets, labels')
    f('[{"labels": {"a": 1}}]', 'x.json', 'x.json: entry 1: label a must be a text')
    f('[{"labels": {"": "x"}}]', 'x.json', 'x.json: entry 1: "" is not a valid label name')
    expect(() => parseTargetFile('[{"targets"', 'x.json')).toThrow(/^x\.json: /)
  })
})
