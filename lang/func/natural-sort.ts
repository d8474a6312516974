// The order of sort_by_label: runs of digits compare as numbers, the rest by bytes, as github.com/facette/natsort.
import { compareText } from '../../lib/model/labels.ts'

const RUNS = /\d+|\D+/g

/**
 * Below 0 if `a` comes first; the empty text, a missing label, comes last. (To natsort itself an empty text is never less,
 * nor is anything less than it: sort-funcs.ts.) Leading zeros of numbers make no difference.
 */
export function compareNatural(a: string, b: string): number {
  if (a === '' || b === '') return b.length - a.length
  const runsA = a.match(RUNS) ?? []
  const runsB = b.match(RUNS) ?? []
  const n = Math.min(runsA.length, runsB.length)
  for (let i = 0; i < n; i++) {
    const x = runsA[i]!
    const y = runsB[i]!
    const order = isDigit(x) && isDigit(y) ? compareDigits(x, y) : compareText(x, y)
    if (order !== 0) return order
  }
  return runsA.length - runsB.length
}

function isDigit(run: string): boolean {
  const code = run.charCodeAt(0)
  return code >= 0x30 && code <= 0x39
}

/** Numbers of any length, without making a number of them. */
function compareDigits(a: string, b: string): number {
  const x = a.replace(/^0+/, '')
  const y = b.replace(/^0+/, '')
  return x.length - y.length || compareText(x, y)
}
