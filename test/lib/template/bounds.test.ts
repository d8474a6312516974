// A template ends by its limits if not by itself, and is then one error in words.
import { describe, expect, it } from 'vitest'
import { alertmanagerFunctions } from '../../../lib/template/alertmanager-funcs.ts'
import { goTime } from '../../../lib/template/go-time.ts'
import { TemplateError, Templates, TemplateSyntaxError } from '../../../lib/template/template.ts'
import { GoList, GoMap, GoObject, type Value } from '../../../lib/template/value.ts'

const NOW_MS = 1_700_000_000_000
const functions = alertmanagerFunctions(() => NOW_MS, () => '')

function run(text: string, data?: Value): string {
  return new Templates({ functions }).parse('t', text).execute('t', data)
}

describe('bounds of templates', () => {
  it('end a loop without end', () => {
    expect(() => run('{{ range $i := 1000000000000 }}{{ end }}{{ range 100000000 }}{{ if . }}{{ end }}{{ end }}')).toThrow(/at most 1000000 steps/)
  })

  it('end a text that doubles', () => {
    const doubling = `{{ $x := "ab" }}${'{{ $x = printf "%s%s" $x $x }}'.repeat(40)}`
    expect(() => run(doubling)).toThrow(/at most 1048576 characters/)
    expect(() => run(`{{ range 2000000 }}${'x'.repeat(1000)}{{ end }}`)).toThrow(/at most 1048576 characters/)
    expect(() => run('{{ printf "%999999d%999999d" 1 1 }}')).toThrow(/at most 1048576 characters/)
  })

  it('end a template that calls itself', () => {
    expect(() => run('{{ define "r" }}{{ template "r" . }}{{ end }}{{ template "r" }}')).toThrow(/exceeded maximum template depth \(250\)/)
  })

  it('refuse nesting and texts beyond measure', () => {
    expect(() => run(`{{ ${'('.repeat(10_000)}1${')'.repeat(10_000)} }}`)).toThrow('max expression depth exceeded')
    expect(() => run(`${'{{ if true }}'.repeat(10_000)}`)).toThrow(/nested more than 200 deep/)
    expect(() => run(`{{ if 1 }}${'{{ else if 1 }}'.repeat(10_000)}{{ end }}`)).toThrow(/nested more than 200 deep/)
    expect(() => run('x'.repeat(1_100_000))).toThrow(/at most 1048576 characters/)
  })

  it('take widths as Go bounds them', () => {
    expect(run('{{ printf "%10000000000d" 1 }}')).toBe('%!(NOVERB)%!(EXTRA int=1)')
    expect(run('{{ printf "%*d" 1000001 1 }}')).toBe('%!(BADWIDTH)1')
  })

  it('say that they are errors of templates, whatever is thrown', () => {
    expect(() => run('{{ template "x" }}')).toThrow(TemplateError)
    expect(() => run('{{ x }}')).toThrow(TemplateSyntaxError)
  })
})

describe('functions of notifications', () => {
  const labels = new GoMap(new Map<string, Value>([['a', '1'], ['b', '<x>']]), 'string')
  const data = new GoMap(new Map<string, Value>([
    ['Labels', labels], ['Names', new GoList(['a', 'b'], '[]string')], ['At', goTime(1_435_065_584_128_000_000n)], ['N', new GoObject({ typeName: 'x.T' })],
  ]), 'interface {}')

  it.each([
    ['{{ .Names | join ", " }}', 'a, b'], ['{{ stringSlice "x" "y" | join "-" }}', 'x-y'], ['{{ trimSpace "  a " }}|', 'a|'], ['{{ toJson .Labels }}', '{"a":"1","b":"\\u003cx\\u003e"}'],
    ['{{ toJson (list 1 1.5 "a" true nil) }}', '[1,1.5,"a",true,null]'], ['{{ (dict "k" 1).k }}', '1'], ['{{ len (append (list 1) 2 3) }}', '3'],
    ['{{ .At | date "2006-01-02" }}', '2015-06-23'], ['{{ .At | tz "Europe/Berlin" | date "15:04 -0700" }}', '15:19 +0200'], ['{{ (since .At).Hours | printf "%.0f" }}', '73593'],
    ['{{ urlUnescape "a%20b+c%C3%A9" }}', 'a b cé'], ['{{ .Nope }}', '<no value>'], ['{{ match "^a" "abc" }}', 'true'], ['{{ humanizeDuration 90 }}', '1m 30s'], ['{{ toUpper "x" | toLower | title }}', 'X'], ['{{ "HIGH load-AVG don\'T ΟΔΟΣ" | title }}', 'High Load-Avg Don\'t Οδος'],
  ])('%s', (text, want) => expect(run(text, data)).toBe(want))

  it.each([
    ['{{ dict "a" }}', 'dict requires an even number of arguments'], ['{{ .At | tz "Nowhere/At" }}', 'unknown time zone Nowhere/At'], ['{{ urlUnescape "%zz" }}', 'invalid URL escape "%zz"'],
  ])('%s fails', (text, why) => expect(() => run(text, data)).toThrow(why))
})
