// The whole path with hot loops of either kind: what is pushed is what queries answer, to the byte.
import { afterAll, describe, expect, it } from 'vitest'
import { buildKernels } from '../../lib/kernels/build.ts'
import { Random } from '../../lib/std/random.ts'
import { KERNEL_MODES } from '../support/kernels.ts'
import { MonitorProcess } from '../support/monitor-process.ts'
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

describe('a server', () => {
  const answers: string[] = []

  it.each(KERNEL_MODES)('stores and answers with --kernels=%s', async (mode) => {
    buildKernels(false)
    const monitor = await MonitorProcess.start(tempFolder(), { config: 'scrape_configs: []\n', flags: [`--kernels=${mode}`] })
    try {
      const pushed = await fetch(`${monitor.base}/api/v1/write`, {
        method: 'POST', body: new Uint8Array(writeBody(series)), headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
      })
      expect(pushed.status).toBe(204)
      const cut = await fetch(`${monitor.base}/api/v1/write`, {
        method: 'POST', body: new Uint8Array(writeBody(series).subarray(0, 5000)), headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
      })
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
      expect((await monitor.get('/metrics')).text).toContain(`monitor_kernels_info{kernels="${mode}"} 1`)
      answers.push(JSON.stringify(texts))
    } finally {
      await monitor.stop()
    }
  })

  afterAll(() => expect(answers[1]).toBe(answers[0]))
})
