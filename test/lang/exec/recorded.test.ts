// Answers of the engine of Prometheus 3.14.0 to joins, set operators, comparisons, label functions, info, notes and
// errors, with names dropped at once and at the end.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../lang/engine.ts'
import { ALL_FEATURES } from '../../../lang/parse/parse.ts'
import { TestStore } from '../../conformance/store.ts'
import { parseTestFile } from '../../conformance/test-file.ts'
import { ANSWERS_FILE, errorLine, pointLine, readQuestions, type Asked } from '../../golden/engine-questions.ts'

interface Histogram {
  count: string
  sum: string
}

interface Reply {
  status: string
  error: string
  data: { resultType: string; result: unknown }
  warnings?: string[]
  infos?: string[]
}

interface Series {
  metric: Record<string, string>
  value?: [number, string]
  values?: [number, string][]
  histogram?: [number, Histogram]
  histograms?: [number, Histogram][]
}

function storeOf(load: string): TestStore {
  const store = new TestStore()
  for (const command of parseTestFile(load)) if (command.kind === 'load') store.load(command)
  return store
}

function linesOf(reply: Reply): string[] {
  if (reply.status !== 'success') return [errorLine(reply.error)]
  const ms = (seconds: number): number => Math.round(seconds * 1000)
  const scalar = ([t, v]: [number, string]): string[] => [pointLine({}, v, ms(t))]
  const points = reply.data.resultType === 'scalar'
    ? scalar(reply.data.result as [number, string])
    : (reply.data.result as Series[]).flatMap(({ metric, value, values, histogram, histograms }) => [
      ...(values ?? (value ? [value] : [])).map(([t, v]) => pointLine(metric, v, ms(t))),
      ...(histograms ?? (histogram ? [histogram] : [])).map(([t, h]) => pointLine(metric, `${h.count} ${h.sum}`, ms(t))),
    ])
  return [...points, ...(reply.warnings ?? []), ...(reply.infos ?? [])].toSorted()
}

function answer({ query, startMs, endMs, stepMs, isDelayed, isTyped }: Asked, store: TestStore): string[] {
  const engine = new Engine({ features: { ...ALL_FEATURES, delayedNameRemoval: isDelayed, typeAndUnitLabels: isTyped }, subqueryStepMs: 60_000 })
  const common = { query, timeoutMs: 30_000, limit: 0, lookbackMs: 300_000, stats: '' } as const
  const job = stepMs > 0 ? { ...common, kind: 'range' as const, startMs, endMs, stepMs } : { ...common, kind: 'instant' as const, timeMs: startMs }
  return linesOf(JSON.parse(new TextDecoder().decode(engine.run(job, store.storage).body)) as Reply)
}

describe('recorded answers of Prometheus 3.14.0', () => {
  const recorded = JSON.parse(gunzipSync(readFileSync(ANSWERS_FILE)).toString()) as string[][]
  const sets = readQuestions()
  let at = 0
  const numbered = sets.map((set) => ({ ...set, asked: set.asked.map((asked) => ({ asked, want: recorded[at++] })) }))

  it('are as many as the questions', () => expect(recorded.length).toBe(at))

  it.each(numbered.map((set, i) => [i, set] as const))('are ours, data set %i', (_, { load, asked: questions }) => {
    const store = storeOf(load)
    expect(questions.length).toBeGreaterThan(20)
    for (const { asked, want } of questions) expect({ ...asked, lines: answer(asked, store) }).toEqual({ ...asked, lines: want })
  })
})
