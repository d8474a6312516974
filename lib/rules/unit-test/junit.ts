// Results of rule tests as JUnit XML, in the form that promtool writes (util/junitxml).

export interface JunitCase {
  name: string
  failures: readonly string[]
}

export interface JunitSuite {
  name: string
  /** `2026-11-28T16:29:14`; '' where the file could not be read. */
  timestamp: string
  cases: readonly JunitCase[]
  /** Why nothing was tested; '' where it was. */
  error: string
}

/** One document for all files. */
export function junitXml(suites: readonly JunitSuite[]): string {
  return `<testsuites>${suites.map(suiteXml).join('')}</testsuites>`
}

function suiteXml({ name, timestamp, cases, error }: JunitSuite): string {
  const shown = error === '' ? cases.map(caseXml) : [`<testcase name="unknown"><error>${escaped(error)}</error></testcase>`]
  const failures = cases.reduce((count, one) => count + one.failures.length, 0)
  const attributes = `tests="${error === '' ? cases.length : 1}" failures="${failures}" errors="${error === '' ? 0 : 1}" skipped="0" timestamp="${timestamp}"`
  return `<testsuite name="${escaped(name)}" ${attributes}>${shown.join('')}</testsuite>`
}

function caseXml({ name, failures }: JunitCase): string {
  return `<testcase name="${escaped(name)}">${failures.map((failure) => `<failure>${escaped(failure)}</failure>`).join('')}</testcase>`
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '&#34;'], ["'", '&#39;'], ['&', '&amp;'], ['<', '&lt;'], ['>', '&gt;'], ['\t', '&#x9;'], ['\n', '&#xA;'], ['\r', '&#xD;'],
])

/** As Go's encoding/xml: what XML cannot hold becomes U+FFFD. */
function escaped(text: string): string {
  return Array.from(text.toWellFormed(), (rune) => ESCAPES.get(rune) ?? (rune < ' ' || rune === '\ufffe' || rune === '\uffff' ? '\ufffd' : rune)).join('')
}
