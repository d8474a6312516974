// A Prometheus that answers: started on a folder of its own, fed by remote write, asked over HTTP. Only for recording;
// the tests read what it said from test/golden.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { bodiesOf } from './bodies.ts'
import { timeSlices, type DataSeries } from './data-set.ts'
import type { GeneratedQuery } from './query-generator.ts'

const FEATURES = ['promql-experimental-functions', 'promql-duration-expr', 'native-histograms']
/** What newer syntax wants besides. */
const NEWER_FEATURES = ['promql-extended-range-selectors', 'promql-binop-fill-modifiers']
const START_SECONDS_MAX = 20

/** `prometheus --version`'s number. */
export function versionOf(binary: string): string {
  const { stdout, stderr } = spawnSync(binary, ['--version'], { encoding: 'utf8' })
  return /version (\d+\.\d+\.\d+)/.exec(stdout + stderr)?.[1] ?? 'unknown'
}

export class Reference {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #url: string

  private constructor(child: ChildProcess, folder: string, url: string) {
    this.#child = child
    this.#folder = folder
    this.#url = url
  }

  /** `isNameDelayed`: with promql-delayed-name-removal; `isNewer`: with what came after Prometheus 3.5. */
  static async start(binary: string, port: number, { isNameDelayed, isNewer }: { isNameDelayed: boolean; isNewer: boolean }): Promise<Reference> {
    const folder = mkdtempSync(path.join(tmpdir(), 'reference-'))
    writeFileSync(path.join(folder, 'prometheus.yml'), 'global: {evaluation_interval: 1m}\n')
    const features = [...FEATURES, ...(isNameDelayed ? ['promql-delayed-name-removal'] : []), ...(isNewer ? NEWER_FEATURES : [])]
    const child = spawn(binary, [
      `--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`, '--storage.tsdb.retention.time=100y',
      `--web.listen-address=127.0.0.1:${port}`, '--web.enable-remote-write-receiver', '--log.level=error', `--enable-feature=${features.join(',')}`,
    ], { stdio: ['ignore', 'ignore', 'inherit'] })
    const reference = new Reference(child, folder, `http://127.0.0.1:${port}`)
    for (let i = 0; i < START_SECONDS_MAX * 10; i++) {
      const isReady = await fetch(`${reference.#url}/-/ready`).then(({ ok }) => ok, () => false)
      if (isReady) return reference
      await delay(100)
    }
    await reference.stop()
    throw new Error(`the reference did not start within ${START_SECONDS_MAX} s`)
  }

  async load(data: readonly DataSeries[]): Promise<void> {
    const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '0.1.0' }
    for (const slice of timeSlices(data)) {
      for (const body of bodiesOf(slice)) {
        const answer = await fetch(`${this.#url}/api/v1/write`, { method: 'POST', body, headers })
        if (!answer.ok) throw new Error(`the reference refused data: ${answer.status} ${await answer.text()}`)
      }
    }
  }

  /** The answer's body. */
  async ask({ query, startMs, endMs, stepMs }: GeneratedQuery): Promise<string> {
    const times: Record<string, string> = stepMs > 0
      ? { start: seconds(startMs), end: seconds(endMs), step: `${stepMs}ms` }
      : { time: seconds(startMs) }
    const body = new URLSearchParams({ query, ...times })
    const answer = await fetch(`${this.#url}/api/v1/${stepMs > 0 ? 'query_range' : 'query'}`, { method: 'POST', body })
    return await answer.text()
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    if (this.#child.exitCode === null && this.#child.kill('SIGTERM')) await ended
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}
