import { describe, expect, it } from 'vitest'
import { relabel, type NameScheme } from '../../../lib/model/relabel.ts'
import type { RelabelConfig } from '../../../lib/model/relabel-config.ts'

const DEFAULTS: RelabelConfig = {
  sourceLabels: [], separator: ';', regex: '(.*)', modulus: 0, targetLabel: '', replacement: '$1', action: 'replace',
}
type Labels = Readonly<Record<string, string>>

/** `want` null: dropped. */
function f(input: Labels, configs: readonly Partial<RelabelConfig>[], want: Labels | null, scheme: NameScheme = 'utf8'): void {
  const labels = new Map(Object.entries(input))
  const isKept = relabel(labels, configs.map((config) => ({ ...DEFAULTS, ...config })), scheme)
  expect(isKept ? Object.fromEntries(labels) : null).toEqual(want)
}

describe('relabel', () => {
  it('replace sets the target to the expanded template', () => {
    f({ a: 'foo', b: 'bar' }, [{ sourceLabels: ['a'], regex: 'f(.*)', targetLabel: 'd', replacement: 'ch${1}-ch${1}' }], { a: 'foo', b: 'bar', d: 'choo-choo' })
    f({ a: 'foo', b: 'bar' }, [{ sourceLabels: ['a', 'b'], regex: 'f(.*);(.*)r', targetLabel: 'a', replacement: 'b${1}${2}m' }], { a: 'boobam', b: 'bar' })
    f({ a: 'foo' }, [{ sourceLabels: ['a'], targetLabel: 'b' }], { a: 'foo', b: 'foo' })
    f({ a: 'foo' }, [{ sourceLabels: ['a'], regex: 'o', targetLabel: 'b' }], { a: 'foo' })
    f({ a: 'foo' }, [{ targetLabel: 'env', replacement: 'prod' }], { a: 'foo', env: 'prod' })
    f({ a: 'x' }, [{ sourceLabels: ['a'], targetLabel: 'b', replacement: '$1x' }, { sourceLabels: ['a'], targetLabel: 'c', replacement: '${1}x' }], { a: 'x', c: 'xx' })
    f({ a: 'a\nb' }, [{ sourceLabels: ['a'], regex: 'a.b', targetLabel: 'b', replacement: 'y' }], { a: 'a\nb', b: 'y' })
    f({ a: '1', b: '2' }, [{ sourceLabels: ['a', 'missing', 'b'], separator: '-', targetLabel: 'c' }], { a: '1', b: '2', c: '1--2' })
  })

  it('replace with an empty result deletes', () => {
    f({ a: 'foo', b: 'bar' }, [{ sourceLabels: ['none'], targetLabel: 'b' }], { a: 'foo' })
    f({ a: 'foo', b: 'bar' }, [{ sourceLabels: ['a'], regex: 'foo', targetLabel: 'a', replacement: '' }], { b: 'bar' })
    f({ a: 'foo' }, [{ sourceLabels: ['none'], targetLabel: 'a', replacement: '' }], {})
    f({ a: 'foo' }, [{ sourceLabels: ['a'], regex: '(x)?foo', targetLabel: 'a' }], {})
  })

  it('replace names its target from groups and leaves invalid names alone', () => {
    f({ a: 'some-name-value' }, [{ sourceLabels: ['a'], regex: 'some-([^-]+)-([^,]+)', targetLabel: '${1}', replacement: '${2}' }], { a: 'some-name-value', name: 'value' })
    f({ a: 'some-name-value' }, [{ sourceLabels: ['a'], regex: 'some-([^-]+)-([^,]+)', targetLabel: '${3}', replacement: '${2}' }], { a: 'some-name-value' })
    f({ a: 'some-name-0' }, [{ sourceLabels: ['a'], regex: '.*-(.*)', targetLabel: '${1}', replacement: 'x' }], { a: 'some-name-0' }, 'legacy')
    f({ a: 'some-name-0' }, [{ sourceLabels: ['a'], regex: '.*-(.*)', targetLabel: '${1}', replacement: 'x' }], { a: 'some-name-0', 0: 'x' })
    f({ a: 'x' }, [{ sourceLabels: ['a'], targetLabel: '__proto__', replacement: 'p' }, { sourceLabels: ['__proto__'], targetLabel: 'b' }], { a: 'x', ['__proto__']: 'p', b: 'p' })
  })

  it('keep and drop decide on the joined sources', () => {
    f({ a: 'foo' }, [{ sourceLabels: ['a'], regex: 'foo', action: 'drop' }], null)
    f({ a: 'foo' }, [{ sourceLabels: ['a'], regex: '.*o.*', action: 'drop' }], null)
    f({ a: 'foo' }, [{ sourceLabels: ['a'], regex: 'f|o', action: 'drop' }], { a: 'foo' })
    f({ a: 'foo' }, [{ sourceLabels: ['a'], regex: 'no', action: 'keep' }], null)
    f({ a: 'foo', b: 'bar' }, [{ sourceLabels: ['a', 'b'], regex: 'foo;bar', action: 'keep' }], { a: 'foo', b: 'bar' })
    f({}, [{ sourceLabels: ['a'], regex: '', action: 'keep' }], {})
    f({ a: 'foo' }, [{ sourceLabels: ['a'], regex: 'f', action: 'drop' }, { targetLabel: 'd', replacement: '1' }], { a: 'foo', d: '1' })
  })

  it('keepequal and dropequal compare with the target label', () => {
    f({ port: '1', want: '1' }, [{ sourceLabels: ['port'], targetLabel: 'want', action: 'keepequal' }], { port: '1', want: '1' })
    f({ port: '1', want: '2' }, [{ sourceLabels: ['port'], targetLabel: 'want', action: 'keepequal' }], null)
    f({ port: '1', want: '1' }, [{ sourceLabels: ['port'], targetLabel: 'want', action: 'dropequal' }], null)
    f({ port: '1', want: '2' }, [{ sourceLabels: ['port'], targetLabel: 'want', action: 'dropequal' }], { port: '1', want: '2' })
    f({}, [{ sourceLabels: ['a'], targetLabel: 'b', action: 'dropequal' }], null)
  })

  it('hashmod gives the remainders Prometheus gives', () => {
    // The values of prometheus model/relabel/relabel_test.go.
    f({ c: 'baz' }, [{ sourceLabels: ['c'], targetLabel: 'd', action: 'hashmod', modulus: 1000 }], { c: 'baz', d: '976' })
    f({ a: 'foo\nbar' }, [{ sourceLabels: ['a'], targetLabel: 'b', action: 'hashmod', modulus: 1000 }], { a: 'foo\nbar', b: '734' })
  })

  it('labelmap copies under the expanded name, over what was there before', () => {
    f({ a: 'foo', b1: 'bar', b2: 'baz' }, [{ regex: '(b.*)', replacement: 'bar_${1}', action: 'labelmap' }], { a: 'foo', b1: 'bar', b2: 'baz', bar_b1: 'bar', bar_b2: 'baz' })
    f({ a: 'foo', __meta_my_bar: 'aaa', __meta_my_baz: 'bbb', __meta_other: 'ccc' }, [{ regex: '__meta_(my.*)', action: 'labelmap' }], { a: 'foo', __meta_my_bar: 'aaa', __meta_my_baz: 'bbb', __meta_other: 'ccc', my_bar: 'aaa', my_baz: 'bbb' })
    f({ x2: 'late', x1: 'early' }, [{ regex: 'x.', replacement: 'y', action: 'labelmap' }], { x1: 'early', x2: 'late', y: 'late' })
    f({ a: '1', aa: '2' }, [{ regex: '(a+)', replacement: '${1}a', action: 'labelmap' }], { a: '1', aa: '1', aaa: '2' })
  })

  it('labeldrop and labelkeep go by the name', () => {
    f({ a: '1', b1: '2', b2: '3' }, [{ regex: 'b.*', action: 'labeldrop' }], { a: '1' })
    f({ a: '1', b1: '2', b2: '3' }, [{ regex: 'b.*', action: 'labelkeep' }], { b1: '2', b2: '3' })
    f({ ab: '1' }, [{ regex: 'a', action: 'labeldrop' }], { ab: '1' })
  })

  it('lowercase and uppercase map one character to one, as Go does', () => {
    f({ a: 'baR_Foo_ß_É_Σ' }, [{ sourceLabels: ['a'], targetLabel: 'u', action: 'uppercase' }, { sourceLabels: ['a'], targetLabel: 'l', action: 'lowercase' }],
      { a: 'baR_Foo_ß_É_Σ', u: 'BAR_FOO_ß_É_Σ', l: 'bar_foo_ß_é_σ' })
    f({ a: 'İᾳ' }, [{ sourceLabels: ['a'], targetLabel: 'u', action: 'uppercase' }, { sourceLabels: ['a'], targetLabel: 'l', action: 'lowercase' }],
      { a: 'İᾳ', u: 'İᾼ', l: 'iᾳ' })
    f({ b: 'x' }, [{ sourceLabels: ['a'], targetLabel: 'b', action: 'lowercase' }], {})
  })

  it('runs steps in order, each on what the one before left', () => {
    f({ a: 'foo' }, [
      { sourceLabels: ['a'], regex: 'foo', targetLabel: 'b', replacement: 'bar' },
      { sourceLabels: ['b'], regex: 'bar', targetLabel: 'c', replacement: 'baz' },
      { sourceLabels: ['c'], regex: 'baz', action: 'drop' },
      { targetLabel: 'never', replacement: '1' },
    ], null)
  })
})
