// Loaded into each thread of a process that is measured (by NODE_OPTIONS): tells of each time that the thread's event loop
// came round late, what of that the thread itself has worked, and how much of that was garbage collection. On a busy machine
// a loop is late for want of a core; what it worked is its own doing.
//
//   stderr   GAP <thread> <late ms> <worked ms> <collected ms>
import { PerformanceObserver } from 'node:perf_hooks'
import { isMainThread, threadId } from 'node:worker_threads'

const TICK_MS = 2
/** Shorter ones are not told. */
const TOLD_MS_MIN = 20

/** By their entry files in cmd/. */
const name = isMainThread ? 'main' : /([a-z]+)-worker/.exec(process.argv[1] ?? '')?.[1] ?? `thread${threadId}`
let lastMs = performance.now()
let workedMs = cpuMs()
let collectedMs = 0

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

function tick(): void {
  const nowMs = performance.now()
  const lateMs = nowMs - lastMs - TICK_MS
  const cpu = cpuMs()
  if (lateMs > TOLD_MS_MIN) process.stderr.write(`GAP ${name} ${lateMs.toFixed(0)} ${(cpu - workedMs).toFixed(0)} ${collectedMs.toFixed(0)}\n`)
  lastMs = nowMs
  workedMs = cpu
  collectedMs = 0
  setTimeout(tick, TICK_MS).unref()
}

new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) collectedMs += entry.duration
}).observe({ entryTypes: ['gc'] })
tick()
