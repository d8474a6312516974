// Queries that should not be asked: refused by name, at once, without harm to anyone.
import { describe, expect, it, onTestFinished } from 'vitest'
import { MonitorProcess } from '../support/monitor-process.ts'
import { tempFolder } from '../support/temp-folder.ts'

const nested = `${'max_over_time('.repeat(50)}up${'[5m:1m])'.repeat(50)}`

async function scalar(monitor: MonitorProcess, query: string): Promise<string> {
  const reply = (await monitor.get(`/api/v1/query?${new URLSearchParams({ query })}`)).json()
  return (reply.data as { result: [number, string] }).result[1]
}

describe('hostile queries', () => {
  it('are answered 400 with the reason, fast, while the server stays well', async () => {
    const monitor = await MonitorProcess.start(tempFolder(), { config: 'scrape_configs: []\n' })
    onTestFinished(() => monitor.kill9())
    const f = async (query: string, reason: RegExp): Promise<void> => {
      const started = performance.now()
      const reply = await fetch(`${monitor.base}/api/v1/query`, { method: 'POST', body: new URLSearchParams({ query }) })
      const body = (await reply.json()) as { status: string; errorType: string; error: string }
      expect([reply.status, body.status, body.errorType], query.slice(0, 60)).toEqual([400, 'error', 'bad_data'])
      expect(body.error).toMatch(reason)
      expect(body.error.length).toBeLessThan(1000)
      // Milliseconds where the machine is not busy with other things.
      expect(performance.now() - started, query.slice(0, 60)).toBeLessThan(5000)
    }
    await f('sum(up', /1:7: parse error: unclosed left parenthesis/)
    await f('up{', /parse error: unexpected end of input/)
    await f('nosuch(up)', /1:1: parse error: unknown function with name "nosuch"/)
    await f('rate(up)', /1:6: parse error: expected type range vector in call to function "rate", got instant vector/)
    await f('1 + "a"', /parse error: binary expression must contain only scalar and instant vector types/)
    await f(nested, /subqueries/)
    await f(`up${' or up'.repeat(20_000)}`, /parse error|longer|32/)
    await f('('.repeat(10_000), /nests deeper|unclosed/)
    await f('up{a=~"(a"}', /error parsing regexp/)
    await f('{a=~".*"}', /non-empty matcher/)
    await f('m[9e18y]', /parse error/)
    expect((await monitor.get('/-/healthy')).status).toBe(200)
    expect(await scalar(monitor, '1 + 1')).toBe('2')
  }, 120_000)

  it('end at their limit, with their worker if need be, and others are answered meanwhile', async () => {
    const monitor = await MonitorProcess.start(tempFolder(), { flags: ['--query.timeout=5s', '--query.max-memory=256MB'] })
    onTestFinished(() => monitor.kill9())
    const ask = async (query: string): Promise<[status: number, errorType: string, error: string]> => {
      const reply = await monitor.get(`/api/v1/query?${new URLSearchParams({ query })}`)
      const { errorType = '', error = '' } = reply.json()
      return [reply.status, errorType, error]
    }
    let isOver = false
    // 604,800 windows of 21,600 values each to look for a rank in, which takes longer than it may.
    const heavy = ask('sum_over_time(quantile_over_time(0.3, (vector(time()) % 77)[6h:1s])[1w:1s])').finally(() => (isOver = true))
    expect(await scalar(monitor, '2 * 21')).toBe('42')
    expect(await ask('sum_over_time(vector(1)[1d:1ms])')).toEqual([422, 'execution', expect.stringMatching(/^query needs more than its memory limit of 256 MiB in query execution: .* raise --query.max-memory$/)])
    expect(isOver).toBe(false)
    expect(await heavy).toEqual([503, 'timeout', 'query timed out in query execution'])
    expect(await scalar(monitor, '3')).toBe('3')
  }, 120_000)
})
