// The whole path with hot loops of either kind: what is pushed and scraped is what queries answer, to the byte.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { buildKernels } from '../../lib/kernels/build.ts'
import type { KernelMode } from '../../lib/kernels/module.ts'
import { Random } from '../../lib/std/random.ts'
import { KERNEL_MODES } from '../support/kernels.ts'
import { MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { writeBody, type BodySeries } from '../support/remote-write-body.ts'
import { testSeed } from '../support/seed.ts'
import { tempFolder } from '../support/temp-folder.ts'

const SAMPLES = 100
const SERIES = 200
const endMs = Math.floor(Date.now() / 60_000) * 60_000
const random = new Random(testSeed())
const series: BodySeries[] = Array.from({ length: SERIES }, (_, s) => {
  let value = 0
  const next = [(): number => (value += random.int(1000)), (): number => random.float(), (): number => (value += random.int(100) / 100), (): number => 42][s % 4]!
  return {
    labels: [['__name__', 'k_total'], ['instance', `host-${s}`], ['kind', String(s % 4)]],
    samples: Array.from({ length: SAMPLES }, (_, i) => [next(), endMs - (SAMPLES - i) * 10_000] as const),
  }
})

/** Its answers of a range, and to a body that is cut. What is pushed and scraped is looked at. */
async function answersOf(mode: KernelMode): Promise<string[]> {
  // Of each version what its series are; the first is the version's number.
  const versions: number[][] = []
  const target = http.createServer((_, response) => {
    const values = Array.from({ length: SERIES }, (_, i) => (i === 0 ? versions.length : [random.float(), random.int(1000), random.int(1e6) / 100, 42, versions.length >> 3][i % 5]!))
    versions.push(values)
    const text = values.map((value, i) => `s_total{i="${i}"} ${value}\n`).join('')
    response.setHeader('content-type', 'text/plain; version=0.0.4').setHeader('content-encoding', 'gzip').end(gzipSync(text))
  })
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve))
  const config = `scrape_configs: [{job_name: k, scrape_interval: 150ms, scrape_timeout: 150ms, static_configs: [{targets: ['127.0.0.1:${(target.address() as AddressInfo).port}']}]}]\n`
  const monitor = await MonitorProcess.start(tempFolder(), { config, flags: [`--kernels=${mode}`] })
  try {
    const texts = await pushed(monitor)
    expect((await monitor.get('/metrics')).text).toContain(`monitor_kernels_info{kernels="${mode}"} 1`)
    await storesScrapes(monitor, versions)
    return texts
  } finally {
    await monitor.stop()
    target.closeAllConnections()
    target.close()
  }
}

async function pushed(monitor: MonitorProcess): Promise<string[]> {
  const push = (body: Uint8Array): Promise<Response> => fetch(`${monitor.base}/api/v1/write`, {
    method: 'POST', body: new Uint8Array(body), headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
  })
  // Half the samples of each, then the others, when the series are known.
  for (const [from, to] of [[0, SAMPLES / 2], [SAMPLES / 2, SAMPLES]]) {
    expect((await push(writeBody(series.map(({ labels, samples }) => ({ labels, samples: samples.slice(from, to) }))))).status).toBe(204)
  }
  const cut = await push(writeBody(series).subarray(0, 5000))
  const texts = [`${cut.status} ${await cut.text()}`]
  for (const query of ['k_total', 'rate(k_total[1m])', 'k_total / 3']) {
    const params = new URLSearchParams({ query, start: String(endMs / 1000 - SAMPLES * 10), end: String(endMs / 1000), step: '10' })
    const { status, text } = await monitor.get(`/api/v1/query_range?${params}`)
    expect(status).toBe(200)
    texts.push(text)
  }
  const { result } = JSON.parse(texts[1]!).data as { result: { metric: Record<string, string>; values: [number, string][] }[] }
  for (const { metric, values } of result) {
    const { samples } = series[Number(metric['instance']!.slice(5))]!
    // The last step repeats the last sample.
    expect(values.slice(0, SAMPLES)).toEqual(samples.map(([value, timeMs]) => [Number(timeMs) / 1000, String(value)]))
  }
  expect(result).toHaveLength(SERIES)
  return texts
}

/** Whether what is scraped is what the target said, for more rows than a segment has. */
async function storesScrapes(monitor: MonitorProcess, versions: readonly number[][]): Promise<void> {
  interface Series { metric: Record<string, string>; values: [number, string][] }
  const stored = await waitFor('forty scrapes', async () => {
    const { result } = (JSON.parse((await monitor.get('/api/v1/query?query=s_total[1h]')).text) as { data: { result: Series[] } }).data
    return (result[0]?.values.length ?? 0) >= 40 && result
  })
  const byNumber = stored.toSorted((a, b) => Number(a.metric['i']) - Number(b.metric['i']))
  const seen = byNumber[0]!.values.map(([, value]) => Number(value))
  for (const [i, { values }] of byNumber.entries()) expect(values.map(([, value]) => Number(value)), `series ${i}`).toEqual(seen.map((version) => versions[version]![i]))
  expect([byNumber.length, new Set(seen).size]).toEqual([SERIES, seen.length])
}

it('a server stores what is pushed and scraped, and answers the same to the byte, with kernels of either kind', async () => {
  buildKernels(false)
  // Side by side: each waits for most of its time.
  const [first, ...others] = await Promise.all(KERNEL_MODES.map(answersOf))
  expect(others).toHaveLength(1)
  for (const other of others) expect(other).toEqual(first)
}, 120_000)
