// /federate beside a real Prometheus (test/golden/federation.json): the same samples pushed, the same questions asked, the same bytes.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Engine } from '../../lang/engine.ts'
import { RemoteWriteReceiver } from '../../lib/ingest/remote-write.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { Metrics } from '../../lib/std/metrics.ts'
import { StoreQueryable } from '../../storage/store-querier.ts'
import { CASES, EXTERNAL_LABELS, PROTOBUF, ask, pushed, type FederationAnswer } from '../golden/federation-cases.ts'
import { open } from '../storage/store.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { get, start } from './requests.ts'

const golden = JSON.parse(readFileSync(path.join(import.meta.dirname, '../golden/federation.json'), 'utf8')) as { nowMs: number; answers: FederationAnswer[] }

async function federation(): Promise<string> {
  const clock = new FakeClock(golden.nowMs)
  const db = open(tempFolder(), { clock, outOfOrderMs: 3_600_000 })
  const queryable = new StoreQueryable(db.handle(), 1)
  onTestFinished(async () => {
    queryable.close()
    await db.close()
  })
  const { status } = await new RemoteWriteReceiver(db, new Metrics(), 1, clock).write(pushed(golden.nowMs))
  expect(status).toBe(204)
  const engine = new Engine({ clock })
  const { base } = await start((parts) => ({
    clock, config: { ...parts.config, externalLabels: () => new Map(Object.entries(EXTERNAL_LABELS)) },
    queries: { run: async (job) => engine.run(job, queryable) },
  }))
  return base
}

const shown = ({ status, type, body }: FederationAnswer): unknown => [status, type, type.includes('protobuf') ? body : Buffer.from(body, 'base64').toString()]

describe('/federate', () => {
  it('answers with the bytes that Prometheus answers with', async () => {
    const base = await federation()
    expect(golden.answers).toHaveLength(CASES.length)
    for (const [i, one] of CASES.entries()) expect(shown(await ask(base, one)), JSON.stringify(one)).toEqual(shown(golden.answers[i]!))
  })

  // Prometheus 3.14 writes the last histogram of an answer in the place of all.
  it('tells each of several histograms, and of native ones nothing in text', async () => {
    const base = await federation()
    const textOf = async (match: string): Promise<string> => Buffer.from((await ask(base, { matches: [match], accept: '*/*' })).body, 'base64').toString()
    const protobuf = (match: string): Promise<FederationAnswer> => ask(base, { matches: [match], accept: PROTOBUF })
    const lines = (await textOf('{__name__=~"native|nhcb|mixed"}')).split('\n').filter((line) => line.startsWith('#'))
    expect(lines).toEqual(['# TYPE mixed untyped', '# TYPE nhcb histogram'])
    const all = Buffer.from((await protobuf('native')).body, 'base64')
    // The metric of each stands in the answer for all as it stands in that for it alone.
    for (const job of ['a', 'b', 'c']) {
      const one = Buffer.from((await protobuf(`native{job="${job}"}`)).body, 'base64')
      expect(all.includes(one.subarray(one.indexOf('job') - 6)), job).toBe(true)
    }
  })

  it('refuses selectors that select all, and is not there before the store is', async () => {
    const base = await federation()
    expect(await get(`${base}/federate?match[]={}`)).toEqual([400, expect.stringContaining('must contain at least one non-empty matcher')])
    const starting = await start(undefined, false)
    expect(await get(`${starting.base}/federate?match[]=up`)).toEqual([503, { status: 'error', errorType: 'unavailable', error: 'the server is starting' }])
  })
})
