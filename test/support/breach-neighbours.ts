// Processes of others that Monitor works with while breaches go through it: an Alertmanager that mails, and an agent that pushes.
import { spawn, type ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { freePort, waitFor } from './monitor-process.ts'

const ALERTMANAGER = '/usr/bin/prometheus-alertmanager'

export const hasAlertmanager: boolean = fs.existsSync(ALERTMANAGER)

export class Neighbour {
  /** Where it is asked; '' of one that asks. */
  readonly address: string
  readonly #launch: () => ChildProcess
  readonly #signal: NodeJS.Signals
  #child: ChildProcess | null = null

  constructor(address: string, launch: () => ChildProcess, signal: NodeJS.Signals) {
    this.address = address
    this.#launch = launch
    this.#signal = signal
  }

  /** Resolves once it answers, if it is one that does. */
  async start(): Promise<void> {
    this.#child = this.#launch()
    if (this.address !== '') await waitFor(`${this.address} to answer`, async () => (await fetch(`http://${this.address}/-/ready`)).ok)
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill(this.#signal)
    await exited
  }
}

/** Is stopped by SIGTERM: it writes what it has told at its end, and forgets it, and each alert, when it is killed. */
export async function startAlertmanager(folder: string, config: string): Promise<Neighbour> {
  const [file, port] = [path.join(folder, 'alertmanager.yml'), await freePort()]
  fs.writeFileSync(file, config)
  const args = [`--config.file=${file}`, `--storage.path=${path.join(folder, 'alertmanager')}`, `--web.listen-address=127.0.0.1:${port}`, '--cluster.listen-address=', '--log.level=error']
  const one = new Neighbour(`127.0.0.1:${port}`, () => spawn(ALERTMANAGER, args, { stdio: 'ignore' }), 'SIGTERM')
  await one.start()
  return one
}

/** Is killed: what it has scraped and not pushed is lost with it. */
export async function startAgent(targets: readonly URL[], monitor: string, intervalMs: number): Promise<Neighbour> {
  const entry = path.join(import.meta.dirname, 'push-agent.ts')
  const one = new Neighbour('', () => spawn(process.execPath, [entry, `${monitor}/api/v1/write`, String(intervalMs), ...targets.map(({ href }) => href)], { stdio: ['ignore', 'ignore', 'inherit'] }), 'SIGKILL')
  await one.start()
  return one
}
