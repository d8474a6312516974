import { describe, expect, it } from 'vitest'
import { Engine } from '../../../lang/engine.ts'
import type { ExplainNode } from '../../../lang/exec/explain.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'

/** Ten counters of ten samples, one a minute. */
function store(): MemoryStorage {
  const made = new MemoryStorage()
  for (let s = 0; s < 10; s++) for (let i = 0; i < 10; i++) made.add(['__name__', 'm_total', 'host', `${s}`], i * 60_000, i * s)
  return made
}

function explained(query: string): ExplainNode {
  const job = { kind: 'range', query, startMs: 0, endMs: 540_000, stepMs: 60_000, timeoutMs: 10_000, limit: 0, lookbackMs: 300_000, stats: '' } as const
  const { body } = new Engine().run({ ...job, explain: true }, store())
  return (JSON.parse(new TextDecoder().decode(body)) as { data: { explain: ExplainNode } }).data.explain
}

function outline({ node, type, series, children }: ExplainNode): unknown {
  return [node, type, series, ...children.map(outline)]
}

describe('explain', () => {
  it('is the tree of what was evaluated, with the series of each node', () => {
    expect(outline(explained('sum by (host) (rate(m_total[5m])) > 1'))).toEqual(
      ['sum by (host) (rate(m_total[5m])) > 1', 'vector', 10,
        ['sum by (host) (rate(m_total[5m]))', 'vector', 10, ['rate(m_total[5m])', 'vector', 10]], ['1', 'scalar', 1]],
    )
  })

  it('counts samples and time of a node with those of its children', () => {
    const root = explained('-m_total')
    const [selector] = root.children
    // An instant vector loads a sample per series and step: 10 × 10.
    expect([root.samples, selector!.samples]).toEqual([100, 100])
    expect(root.ms).toBeGreaterThanOrEqual(selector!.ms)
  })

  it('shows copies of a subtree where they stand, evaluated under the first alone', () => {
    const root = explained('rate(m_total[5m]) + rate(m_total[5m])')
    expect(outline(root)).toEqual(
      ['rate(m_total[5m]) + rate(m_total[5m])', 'vector', 10, ['rate(m_total[5m])', 'vector', 10], ['rate(m_total[5m])', 'vector', 10]],
    )
    // As Prometheus would have read them.
    expect(root.samples).toBe(2 * explained('rate(m_total[5m])').samples)
    expect(root.children.map(({ samples, shared }) => [samples, shared])).toEqual([[root.samples / 2, undefined], [root.samples / 2, true]])
  })

  it('gives what was evaluated below a copy to the one that was first to read', () => {
    // The side of many is read first, though it is compiled last here.
    const root = explained('sum(rate(m_total[5m])) * on () group_right () sum(rate(m_total[5m]))')
    const inner = ['sum(rate(m_total[5m]))', 'vector', 1, ['rate(m_total[5m])', 'vector', 10]]
    expect(root.children.map(outline)).toEqual([['sum(rate(m_total[5m]))', 'vector', 1], inner])
    const [copy, evaluated] = root.children
    expect([copy!.shared, evaluated!.shared]).toEqual([true, undefined])
    expect(evaluated!.ms).toBeGreaterThanOrEqual(evaluated!.children[0]!.ms)
    expect(root.ms).toBeGreaterThanOrEqual(copy!.ms + evaluated!.ms - 0.002)
  })

  it('is a single node where nothing is evaluated', () => {
    expect(outline(explained('vector(1)'))).toEqual(['vector(1)', 'vector', 1, ['1', 'scalar', 1]])
  })

  it('cuts long texts, and is left out where nobody asked', () => {
    expect(explained(`m_total{host="${'x'.repeat(300)}"}`).node).toHaveLength(200)
    const { body } = new Engine().run({ kind: 'instant', query: '1', timeMs: 0, timeoutMs: 1000, limit: 0, lookbackMs: 1000, stats: '' }, store())
    expect(new TextDecoder().decode(body)).not.toContain('explain')
  })
})
