// scrape_failure_log_file, from the configuration to the lines in the file. Truth: a line that Prometheus 3.5.3 wrote,
//   {"time":"2026-11-24T02:00:27.045589384Z","level":"ERROR","source":"scrape.go:1470","msg":"Get \"http://127.0.0.1:1/metrics\":
//   dial tcp 127.0.0.1:1: connect: connection refused","job_name":"a","target":"http://127.0.0.1:1/metrics"}
// of which the source line has no meaning here.
import fs from 'node:fs'
import path from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { loadConfig } from '../../../lib/config/load.ts'
import { ScrapeManager } from '../../../lib/scrape/manager.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { Logger } from '../../../lib/std/log.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { MemoryStorage } from '../../support/memory-storage.ts'
import { group } from '../../support/scrape-fixture.ts'
import { tempFolder } from '../../support/temp-folder.ts'

interface Line {
  time: string
  level: string
  msg: string
  job_name: string
  target: string
}

async function scrape(file: string, intervals: number): Promise<{ folder: string, lines: () => Line[], said: string[], turn: () => Promise<void>, manager: ScrapeManager }> {
  const folder = tempFolder()
  const clock = new FakeClock(1_700_000_000_000)
  const said: string[] = []
  const logger = new Logger({ level: 'warn', format: 'logfmt', clock, write: (line) => said.push(line) })
  const manager = new ScrapeManager({ appender: new MemoryStorage(), clock, logger, metrics: new Metrics(), version: 'test' })
  onTestFinished(() => manager.stop())
  // One file for two jobs; a third has another, and a name and password in its URL.
  const text = `
global: { scrape_interval: 1s, scrape_timeout: 1s, scrape_failure_log_file: ${file} }
scrape_configs:
  - job_name: a
  - job_name: b
  - { job_name: c, scrape_failure_log_file: other.log }
`
  manager.applyConfig(loadConfig(text, path.join(folder, 'monitor.yml'), { strict: true, env: {} }).config)
  for (const job of ['a', 'b', 'c']) manager.updateTargets(job, [group([{ __address__: '127.0.0.1:1' }])])
  const turn = async (): Promise<void> => {
    await clock.advance(1000)
    await vi.waitFor(() => expect(manager.targets().active.every(({ lastScrapeMs }) => lastScrapeMs > clock.now() - 1000)).toBe(true), { interval: 2, timeout: 20_000 })
  }
  for (let i = 0; i < intervals; i++) await turn()
  const lines = (): Line[] => fs.readFileSync(path.join(folder, file), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Line)
  return { folder, lines, said, turn, manager }
}

it('has a line of each failed scrape, in the keys of Prometheus', async () => {
  const { folder, lines } = await scrape('failures.log', 2)
  const found = lines()
  expect(found.map(({ job_name }) => job_name).toSorted()).toEqual(['a', 'a', 'b', 'b'])
  for (const { time, ...rest } of found) {
    expect(rest).toEqual({
      level: 'ERROR', msg: 'Get "http://127.0.0.1:1/metrics": connect: connection refused', job_name: rest.job_name, target: 'http://127.0.0.1:1/metrics',
    })
    expect(Math.abs(Date.parse(time) - 1_700_000_001_000)).toBeLessThanOrEqual(1000)
  }
  expect(fs.readFileSync(path.join(folder, 'other.log'), 'utf8').match(/"job_name":"c"/g)).toHaveLength(2)
})

it('that cannot be written is told of in the ordinary log, and scraping goes on', async () => {
  const { said, turn, folder, lines } = await scrape('missing/failures.log', 1)
  expect(said.join('')).toMatch(/msg="cannot write scrape_failure_log_file" .*missing/)
  fs.mkdirSync(path.join(folder, 'missing'))
  await turn()
  expect(lines().map(({ job_name }) => job_name).toSorted()).toEqual(['a', 'b'])
})

it('is closed with the job that it is of', async () => {
  const { folder, manager } = await scrape('failures.log', 1)
  const open = (): string[] => fs.readdirSync('/proc/self/fd').map((fd) => `/proc/self/fd/${fd}`)
    // That of the folder just read is closed again.
    .flatMap((link) => (fs.existsSync(link) ? fs.readlinkSync(link, 'utf8') : []))
    .flatMap((file) => (file.startsWith(folder) ? path.basename(file) : []))
  expect(open().toSorted()).toEqual(['failures.log', 'failures.log', 'other.log'])
  manager.applyConfig(loadConfig('scrape_configs: []', path.join(folder, 'monitor.yml'), { strict: true, env: {} }).config)
  expect(open()).toEqual([])
})
