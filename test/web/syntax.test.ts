import { afterEach, describe, expect, it } from 'vitest'
import { Engine } from '../../lang/engine.ts'
import { MemoryStorage } from '../support/memory-storage.ts'
import { startServer, type TestServer } from '../support/web-server.ts'

let running: TestServer | null = null

afterEach(async () => {
  await running?.stop()
  running = null
})

/** A server whose queries a real engine answers. */
async function start(): Promise<(path: string, form?: string) => Promise<[number, unknown]>> {
  const engine = new Engine()
  running = await startServer(() => ({
    queries: {
      run: async (job) => engine.run(job, new MemoryStorage()),
    },
  }))
  const { base } = running
  return async (path, form) => {
    const init = form === undefined ? {} : { method: 'POST', body: form, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }
    const response = await fetch(`${base}/api/v1/${path}`, init)
    return [response.status, await response.json()]
  }
}

describe('format_query and parse_query', () => {
  it('answer from URL and form', async () => {
    const ask = await start()
    const sum = encodeURIComponent('sum(rate(foo{b="1",a="2"}[5m]))by(job)')
    const want = { status: 'success', data: 'sum by (job) (rate(foo{a="2",b="1"}[5m]))' }
    expect(await ask(`format_query?query=${sum}`)).toEqual([200, want])
    expect(await ask('format_query', `query=${sum}`)).toEqual([200, want])
    const tree = { status: 'success', data: { type: 'unaryExpr', op: '-', expr: { type: 'numberLiteral', val: '0.5' } } }
    expect(await ask('parse_query?query=-(.5)')).toMatchObject([200, { data: { type: 'unaryExpr', expr: { type: 'parenExpr' } } }])
    expect(await ask('parse_query', `query=${encodeURIComponent('-(.5)')}`)).toEqual([200, { ...tree, data: { ...tree.data, expr: { type: 'parenExpr', expr: tree.data.expr } } }])
  })

  it('refuse what is no query, as Prometheus does', async () => {
    const ask = await start()
    const failure = (error: string): [number, unknown] => [400, { status: 'error', errorType: 'bad_data', error: `invalid parameter "query": ${error}` }]
    for (const path of ['format_query', 'parse_query']) {
      expect(await ask(path)).toEqual(failure('unknown position: parse error: no expression found in input'))
      expect(await ask(`${path}?query=sum(`)).toEqual(failure('1:5: parse error: unclosed left parenthesis'))
      expect(await ask(`${path}?query=limitk(1,foo)`)).toEqual(failure('1:1: parse error: limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions'))
    }
  })

  it('survive hostile texts within their bounds', async () => {
    const ask = await start()
    const f = async (text: string, want: string): Promise<void> => {
      for (const path of ['format_query', 'parse_query']) expect(await ask(path, `query=${encodeURIComponent(text)}`)).toMatchObject([400, { error: expect.stringContaining(want) as string }])
    }
    await f('('.repeat(30_000), 'nests deeper than 100')
    await f(Array(5_000).fill('a').join(' or '), 'chains more than 500 levels')
    await f('x'.repeat(140_000), 'longer than 131072 bytes')
    const chain = Array(500).fill('a').join(' or ')
    const [status, body] = await ask('format_query', `query=${encodeURIComponent(chain)}`)
    expect(status).toBe(200)
    expect((body as { data: string }).data.split('\n').filter((line) => line.trim() === 'or').length).toBeGreaterThan(450)
  })
})
