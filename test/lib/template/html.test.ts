// HTML as Go's html/template escapes it, in every context (test/golden/notify/html-templates.json, recorded from Go).
import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { alertmanagerFunctions } from '../../../lib/template/alertmanager-funcs.ts'
import { TemplateError, Templates } from '../../../lib/template/template.ts'
import { ANY, GoList, GoMap, type Value } from '../../../lib/template/value.ts'

const recorded = JSON.parse(fs.readFileSync(path.join(import.meta.dirname, '../../golden/notify/html-templates.json'), 'utf8')) as { template: string; output: string; error: string }[]
const functions = alertmanagerFunctions(() => 0, () => '')

const data = new GoMap(new Map<string, Value>(Object.entries({
  T: 'O\'Reilly & <b>"x"</b> +1', H: '<i class="a">it</i> & <br>', U: 'javascript:alert(1)', V: 'https://x.example/ä?a=b c&d=\'"<>#f', N: 42n, F: 1.5, B: true,
  L: new GoList(['a</script>', 1n, true]), M: new GoMap(new Map([['k', '</script><!--'], ['z', '\u2028']]), ANY), E: '', S: 'red; x: y', C: '#ff0000', P: '50%',
  X: 'expression(alert(1))', A: 'onclick', W: 'title', Q: 'a`b${c}\\d\ne/f', R: '^[a-z]+$', I: 'a.png 1x, javascript:x 2x, b.png', Y: undefined,
})), ANY)

function expand(template: string): { output: string; error: string } {
  try {
    return { output: new Templates({ functions, isMissingKeyZero: true }).parse('t', template).executeHtml('t', data), error: '' }
  } catch (error) {
    if (error instanceof TemplateError) return { output: '', error: error.message }
    throw error
  }
}

it.each(recorded.map(({ template, output, error }) => [template, output, error] as const))('%s', (template, output, error) => {
  const got = expand(template)
  expect(got.output).toBe(output)
  expect(got.error === '', got.error).toBe(error === '')
})
