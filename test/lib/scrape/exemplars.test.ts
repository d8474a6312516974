// Exemplars on their way from a target over a real socket to the answer of /query_exemplars. What is stored and what is
// not was seen with Prometheus 3.5.3, scraping the same page; where this differs from it says so.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ScrapeManager } from '../../../lib/scrape/manager.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { silentLogger } from '../../../lib/std/log.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { Database } from '../../../storage/database.ts'
import { exemplarTexts } from '../../support/exemplars.ts'
import { config, group, relabelConfig, scrapeConfig } from '../../support/scrape-fixture.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const START = 1_700_000_000_000
const SECONDS = START / 1000

class Site {
  body = ''
  contentType = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
  requests = 0
  readonly clock = new FakeClock(START)
  readonly metrics = new Metrics()
  readonly db: Database
  readonly manager: ScrapeManager
  readonly server: http.Server

  constructor(exemplarsMax: number) {
    this.db = new Database({ folder: tempFolder(), retentionMs: Infinity, headBytesMax: 64 << 20, clock: this.clock, exemplarsMax })
    this.manager = new ScrapeManager({ appender: this.db, clock: this.clock, logger: silentLogger, metrics: this.metrics, version: 'test' })
    this.server = http.createServer((_, response) => {
      this.requests++
      response.writeHead(200, { 'content-type': this.contentType })
      response.end(this.body)
    })
  }

  /** Turns the clock until the target is asked once more, and waits until the answer is stored. */
  async scrape(body: string): Promise<void> {
    this.body = body
    const { requests } = this
    for (let i = 0; i < 30 && this.requests === requests; i++) {
      await this.clock.advance(100)
      await this.#settle()
    }
    expect(this.requests).toBe(requests + 1)
  }

  async #settle(): Promise<void> {
    for (let i = 0; i < 12; i++) await new Promise((resolve) => setTimeout(resolve, 1))
  }

  /** Exemplars of the series that `query` selects, without target labels; times as seconds since the start. */
  texts(query: string): string[] {
    return exemplarTexts(this.db, query).map((text) => text
      .replace(/,127\.0\.0\.1:\d+,test/, '')
      .replaceAll(/@(\d+)/g, (_, ms: string) => `@${(Number(ms) - START) / 1000}`))
  }

  async metric(name: string): Promise<number> {
    return (await this.metrics.registry.getSingleMetric(name)!.get()).values[0]!.value
  }
}

async function site(changes: Parameters<typeof scrapeConfig>[0] = {}, exemplarsMax = 1000): Promise<Site> {
  const one = new Site(exemplarsMax)
  await new Promise<void>((resolve) => one.server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    await one.manager.stop()
    one.server.closeAllConnections()
    await new Promise((resolve) => one.server.close(resolve))
    await one.db.close()
  })
  one.manager.applyConfig(config(scrapeConfig({ scrapeIntervalMs: 1000, scrapeTimeoutMs: 900, ...changes })))
  one.manager.updateTargets('test', [group([{ __address__: `127.0.0.1:${(one.server.address() as AddressInfo).port}` }])])
  return one
}

const page = (lines: string): string => `# TYPE foo histogram\n${lines}# EOF\n`

describe('scraped exemplars', () => {
  it('are stored with their series, once, and come with the time of the scrape where they bring none', async () => {
    const one = await site()
    const body = (n: number): string => page(`foo_bucket{le="1.0"} ${n} # {trace_id="abc"} 0.5 ${SECONDS}.123
foo_bucket{le="2.0"} ${n} # {b="2",a="1"} 1.5
foo_bucket{le="+Inf"} ${n} # {} 2.5 ${SECONDS + n}.25
foo_count ${n}
foo_sum 3
`)
    await one.scrape(body(1))
    const first = one.texts('foo_bucket{le="2.0"}')[0]!
    expect(first).toMatch(/^foo_bucket,2\.0: 1\.5@[01]\.?\d*\{a:1,b:2\}$/)
    await one.scrape(body(2))
    await one.scrape(body(3))
    // Of Prometheus 3.5.3, with other times.
    expect(one.texts('foo_bucket')).toEqual(['foo_bucket,+Inf: 2.5@1.25{} 2.5@2.25{} 2.5@3.25{}', 'foo_bucket,1.0: 0.5@0.123{trace_id:abc}', first])
    await one.scrape(body(2))
    expect(one.texts('foo_bucket{le="+Inf"}')).toEqual(['foo_bucket,+Inf: 2.5@1.25{} 2.5@2.25{} 2.5@3.25{}'])
    expect(await one.metric('prometheus_target_scrapes_exemplar_out_of_order_total')).toBe(1)
  })

  it('find their series on lines that come, go and change places', async () => {
    const one = await site({ metricRelabelConfigs: [relabelConfig({ action: 'drop', sourceLabels: ['__name__'], regex: 'dropped.*' })] })
    const line = (name: string, t: number): string => `${name} 1 # {of="${name}"} ${t} ${SECONDS + t}\n`
    await one.scrape(page(line('a', 1) + line('dropped', 1) + line('b', 1)))
    await one.scrape(page(line('b', 2) + line('c', 2) + 'dropped 1\n' + line('a', 2) + line('dropped2', 2)))
    await one.scrape(page('a 1\n' + line('c', 3) + 'b 2\n'))
    await one.scrape(page(line('a', 4) + 'c 3\n' + line('d', 4)))
    const f = (...times: number[]): string => times.map((t) => `${t}@${t}`).join(' ')
    expect(one.texts('{__name__=~".+"}').map((text) => text.replaceAll(/\{of:.\}/g, ''))).toEqual([
      `a: ${f(1, 2, 4)}`, `b: ${f(1, 2)}`, `c: ${f(2, 3)}`, `d: ${f(4)}`,
    ])
    expect(one.texts('{__name__=~".+"}').every((text) => text.match(/of:(.)/g)!.every((of) => of === `of:${text[0]}`))).toBe(true)
  })

  it('of a line with a time of its own have that, and a series that comes twice has those of both', async () => {
    const one = await site()
    await one.scrape(page(`m 1 ${SECONDS}.5 # {n="1"} 1\nm 2 ${SECONDS}.75 # {n="2"} 2\nk 1 # {} 1\nk 1 # {} 2\n`))
    // Prometheus takes the exemplar of the line whose sample it refuses, too; here the line is left out whole.
    expect(one.texts('{__name__=~"m|k"}').map((text) => text.replace(/^(k.*)@.*\{/, '$1{'))).toEqual(['k: 1{}', 'm: 1@0.5{n:1} 2@0.75{n:2}'])
  })

  it('that are hostile fail no scrape, and nothing of a failed scrape is kept', async () => {
    const one = await site()
    const at = `${SECONDS}.5`
    await one.scrape(page(`escaped 1 # {a="x\\"y\\\\z\\nw\\q"} 1 ${at}
long 1 # {a="${'é'.repeat(127)}"} 7 ${at}
longer 1 # {a="${'é'.repeat(128)}"} 7 ${at}
many 1 # {${Array.from({ length: 3000 }, (_, i) => `l${i}="x"`).join(',')}} 7 ${at}
twice 1 # {a="1",a="2"} 7 ${at}
empty 1 # {a="",b="2"} NaN ${at}
future 1 # {a="1"} 7 ${SECONDS + 1_000_000}
quoted 1 # {"a b"="1"} -Inf ${at}
negative 1 # {a="1"} 7 -5
`))
    expect(one.manager.targets().active[0]!.lastError).toBe('')
    // Escapes are undone as OpenMetrics says; Prometheus 3.5.3 shows them as they were written. It takes `twice` and `future`.
    expect(one.texts('{__name__=~".+"}')).toEqual([
      'empty: NaN@0.5{b:2}', 'escaped: 1@0.5{a:x\\y\\\\z\\nw\\\\q}', `long: 7@0.5{a:${'é'.repeat(127)}}`,
      'negative: 7@-5000{a:1}', 'quoted: -Inf@0.5{a b:1}',
    ])
    const { counts } = one.db.exemplars!.ring
    expect([...counts]).toEqual([5, 0, 0, 1, 2, 1, 0])
    await one.scrape(page(`long 1 # {a="new"} 8 ${SECONDS}.75\nbroken`))
    expect(one.manager.targets().active[0]!.lastError).toBe('line 3: expected value after metric while parsing: "broken# EOF"')
    await one.scrape(page(`long 1 # {a="new"} 8 ${SECONDS}.75 9\n`))
    expect(one.texts('long')).toEqual([`long: 7@0.5{a:${'é'.repeat(127)}}`])
  })

  it('are comments of text 0.0.4, and left alone where none are kept', async () => {
    const none = await site({}, 0)
    await none.scrape(page(`m 1 # {n="1"} 1\n`))
    expect(none.manager.targets().active[0]!.lastError).toBe('')
    expect(none.texts('m')).toEqual([])
  })
})
