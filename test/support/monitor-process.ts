// Monitor itself, as its user starts it: a process of its own on a free loopback port.
import { spawn, type ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '../..')
/** As cmd/node.sh has it: starts take half the time. */
const COMPILED = `${root}/node_modules/.cache/compiled`

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo
      server.close(() => resolve(port))
    })
  })
}

export async function waitFor<T>(what: string, f: () => Promise<T | null | undefined | false>, timeoutMs = 60_000): Promise<T> {
  const until = performance.now() + timeoutMs
  let last: unknown
  while (performance.now() < until) {
    try {
      const value = await f()
      if (value !== null && value !== undefined && value !== false) return value
    } catch (error) {
      last = error
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause: last })
}

export interface MonitorOptions {
  /** Text of the config file; none for a start without configuration. */
  config?: string
  flags?: readonly string[]
  port?: number
  /** Shell commands that run before it in its process, such as `ulimit -n 256`. */
  before?: string
  env?: NodeJS.ProcessEnv
}

export interface VectorSample {
  metric: Record<string, string>
  value: [number, string]
}

export class MonitorProcess {
  readonly child: ChildProcess
  readonly base: string
  readonly port: number
  output = ''
  readonly exited: Promise<number | null>

  private constructor(child: ChildProcess, port: number) {
    this.child = child
    this.port = port
    this.base = `http://127.0.0.1:${port}`
    this.exited = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()))
  }

  /** Starts over `folder` (data and config live in it) and waits until it is ready. */
  static async start(folder: string, options: MonitorOptions = {}): Promise<MonitorProcess> {
    const monitor = await MonitorProcess.launch(folder, options)
    const gone = monitor.exited.then((code) => Promise.reject(new Error(`exited with ${code}`)))
    try {
      // What it says of itself counts: where another program has taken the port meanwhile, that one may answer.
      const isServing = async (): Promise<boolean> => monitor.output.includes(`serves ${monitor.base}`) && (await fetch(`${monitor.base}/-/ready`)).status === 200
      const ready = waitFor('readiness', async () => monitor.child.exitCode !== null || monitor.child.signalCode !== null || (await isServing()))
      await Promise.race([ready, gone])
    } catch (error) {
      await monitor.kill9()
      throw new Error(`Monitor did not start:\n${monitor.output}`, { cause: error })
    }
    return monitor
  }

  /** The same without waiting. */
  static async launch(folder: string, options: MonitorOptions = {}): Promise<MonitorProcess> {
    const port = options.port ?? (await freePort())
    const args = ['cmd/monitor.ts', `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`, ...(options.flags ?? [])]
    if (options.config !== undefined) {
      fs.writeFileSync(`${folder}/monitor.yml`, options.config)
      args.push(`--config.file=${folder}/monitor.yml`)
    }
    const [command, ...rest] = options.before === undefined ? [process.execPath, ...args] : ['sh', '-c', `${options.before}; exec "$0" "$@"`, process.execPath, ...args]
    const child = spawn(command!, rest, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_COMPILE_CACHE: COMPILED, ...options.env } })
    return new MonitorProcess(child, port)
  }

  async get(pathAndQuery: string): Promise<{ status: number; text: string; json: () => { status: string; data: unknown; error?: string; errorType?: string } }> {
    const reply = await fetch(this.base + pathAndQuery)
    const text = await reply.text()
    return { status: reply.status, text, json: () => JSON.parse(text) as { status: string; data: unknown } }
  }

  /** The samples of an instant query. */
  async query(query: string, timeSeconds?: number): Promise<VectorSample[]> {
    const params = new URLSearchParams({ query, ...(timeSeconds !== undefined && { time: String(timeSeconds) }) })
    const reply = await this.get(`/api/v1/query?${params}`)
    const body = reply.json()
    if (body.status !== 'success') throw new Error(`${query}: ${reply.status} ${body.error}`)
    return (body.data as { result: VectorSample[] }).result
  }

  /** The one value of an instant query. */
  async value(query: string, timeSeconds?: number): Promise<number> {
    const [sample] = await this.query(query, timeSeconds)
    if (!sample) throw new Error(`${query}: no result`)
    return Number(sample.value[1])
  }

  /** SIGTERM; the exit code. */
  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM')
    return this.exited
  }

  async kill9(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.exited
  }

  /** With the processes it has started, as a container ends. */
  async kill9Whole(): Promise<void> {
    const children = this.#children()
    this.child.kill('SIGKILL')
    for (const one of children) process.kill(one, 'SIGKILL')
    await this.exited
  }

  /** Of the process that sends; null while there is none. */
  courierPid(): number | null {
    return this.#children().find((pid) => fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('courier-worker')) ?? null
  }

  #children(): number[] {
    const { pid } = this.child
    return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter((one) => one !== '').map(Number)
  }
}
