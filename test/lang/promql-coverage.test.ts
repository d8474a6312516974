// The project's own `.test` files show every function, operator, aggregation and modifier at least three times, the three
// differing in the type of what they work on, in the edge they meet, and in the shape of labels.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { AGGREGATORS, SIGNATURES, type Signature } from '../../lang/func/signatures.ts'
import { classOf, type CaseClass } from '../conformance/case-classes.ts'
import { usesOf } from '../conformance/constructs.ts'
import { engineSubject } from '../conformance/engine-subject.ts'
import type { SeriesLine } from '../conformance/series-line.ts'
import { parseTestFile } from '../conformance/test-file.ts'

const own = path.join(import.meta.dirname, 'promql')

const OPERATORS = ['+', '-', '*', '/', '%', '^', 'atan2', '==', '!=', '<', '<=', '>', '>=', 'and', 'or', 'unless', '</', '>/']
const MATCHINGS = ['on', 'ignoring', 'group_left', 'group_right', 'fill on the left', 'fill on the right', 'bool', 'by', 'without']
const SELECTIONS = ['unary -', 'unary +', 'subquery', 'default step', 'offset', 'offset ahead', '@', '@ time', '@ start', '@ end', 'anchored', 'smoothed', 'name in quotes']
const DURATIONS = ['step', 'range', 'min_of', 'max_of', '+', '-', '*', '/', '%', '^', 'unary -'].map((name) => `${name} in a duration`)

/** How many of each there must be, and which types among them. */
interface Wanted {
  types: number
  edges: number
  shapes: number
  with: readonly string[]
}

const OF_SERIES: Wanted = { types: 3, edges: 3, shapes: 3, with: ['float', 'histogram'] }
const OF_SCALARS: Wanted = { types: 2, edges: 3, shapes: 1, with: [] }
const OF_NOTHING: Wanted = { types: 1, edges: 3, shapes: 1, with: [] }
const OF_DURATIONS: Wanted = { types: 2, edges: 2, shapes: 2, with: [] }

function wantedOf({ args }: Signature): Wanted {
  if (args.includes('vector') || args.includes('matrix')) return OF_SERIES
  return args.length > 0 ? OF_SCALARS : OF_NOTHING
}

const wanted: ReadonlyMap<string, Wanted> = new Map([
  ...Array.from(SIGNATURES.values(), (signature): [string, Wanted] => [signature.name, wantedOf(signature)]),
  ...[...Object.keys(AGGREGATORS), ...OPERATORS, ...MATCHINGS, ...SELECTIONS].map((name): [string, Wanted] => [name, OF_SERIES]),
  ...DURATIONS.map((name): [string, Wanted] => [name, OF_DURATIONS]),
])

/** All classes of each construct, a case once. */
function classesByConstruct(): Map<string, CaseClass[]> {
  const classes = new Map<string, CaseClass[]>()
  for (const file of readdirSync(own).filter((name) => name.endsWith('.test'))) {
    let loaded: SeriesLine[] = []
    for (const command of parseTestFile(readFileSync(path.join(own, file), 'utf8'))) {
      if (command.kind === 'clear') loaded = []
      if (command.kind === 'load') loaded.push(...command.series)
      if (command.kind !== 'eval') continue
      const uses = new Map(usesOf(engineSubject().parse(command.expr)).toReversed().map(({ construct, node }) => [construct, node]))
      for (const [construct, node] of uses) {
        const list = classes.get(construct)
        if (list === undefined) classes.set(construct, [classOf(node, command, loaded)])
        else list.push(classOf(node, command, loaded))
      }
    }
  }
  return classes
}

/** Whether three of them differ in type, edge and shape, each from each. */
function hasThreeApart(classes: readonly CaseClass[], { types, shapes }: Wanted): boolean {
  const areApart = (a: CaseClass, b: CaseClass): boolean => a.edge !== b.edge && (types < 3 || a.type !== b.type) && (shapes < 3 || a.shape !== b.shape)
  return classes.some((a, i) => classes.some((b, k) => k > i && areApart(a, b) && classes.some((c, m) => m > k && areApart(a, c) && areApart(b, c))))
}

/** What the cases of a construct lack. */
function lacksOf(classes: readonly CaseClass[], want: Wanted): string[] {
  const types = new Set(classes.map(({ type }) => type))
  const edges = new Set(classes.map(({ edge }) => edge))
  const shapes = new Set(classes.map(({ shape }) => shape))
  const kinds = new Set([...types].flatMap((type) => type.split(' ')))
  return [
    ...(classes.length < 3 ? [`${classes.length} cases`] : []),
    ...(types.size < want.types ? [`types: ${[...types].join(' | ')}`] : []),
    ...want.with.filter((type) => !kinds.has(type)).map((type) => `no ${type}`),
    ...(edges.size < want.edges ? [`edges: ${[...edges].join(' | ')}`] : []),
    ...(shapes.size < want.shapes ? [`shapes: ${[...shapes].join(' | ')}`] : []),
    ...(hasThreeApart(classes, want) ? [] : ['no three that differ in all']),
  ]
}

describe('the cases of PromQL', () => {
  const classes = classesByConstruct()
  it('are of every function there is', () => expect(SIGNATURES.size).toBeGreaterThanOrEqual(90))
  it.each([...wanted])('show %s three times, with other types, edges and labels', (construct, want) => {
    expect(lacksOf(classes.get(construct) ?? [], want)).toEqual([])
  })
})
