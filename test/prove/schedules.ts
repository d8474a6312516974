// Crash schedules, one seed after the other, added up; in several threads where they are many.
import { Worker } from 'node:worker_threads'
import { runSchedule, type ScheduleReport } from '../sim/crash-schedule.ts'

export interface SchedulesOptions {
  /** Seeds first, first + 1, … (mod 2^32). */
  first: number
  count: number
  /** No new schedule begins after this. */
  limitMs: number
  onSchedule?: () => void
}

export interface SchedulesReport {
  schedules: number
  crashes: number
  faults: number
  /** Samples promised and found at the end. */
  promised: number
  diskCalls: number
  failed: ScheduleReport[]
}

/** Enough to see what is wrong. */
const FAILED_MAX = 20
const PRINT_MS = 10_000

export async function runSchedules({ first, count, limitMs, onSchedule }: SchedulesOptions): Promise<SchedulesReport> {
  const out = nothing()
  const started = performance.now()
  while (out.schedules < count && out.failed.length < FAILED_MAX && performance.now() - started < limitMs) {
    const report = await runSchedule((first + out.schedules) >>> 0)
    add(out, { ...report, schedules: 1, failed: report.violations.length > 0 ? [report] : [] })
    onSchedule?.()
  }
  return out
}

/** The same in threads, each with its part of the seeds. */
export async function runManySchedules(options: Omit<SchedulesOptions, 'onSchedule'>, threads: number, print: (line: string) => void): Promise<SchedulesReport> {
  const out = nothing()
  const share = Math.ceil(options.count / threads)
  let done = 0
  const printing = setInterval(() => print(`${done} of ${options.count}`), PRINT_MS)
  try {
    const parts = Array.from({ length: threads }, (_, i) => {
      const workerData: SchedulesOptions = { ...options, first: options.first + i * share, count: Math.min(share, options.count - i * share) }
      return inThread(workerData, () => done++)
    })
    for (const part of await Promise.all(parts)) add(out, part)
  } finally {
    clearInterval(printing)
  }
  return out
}

function inThread(workerData: SchedulesOptions, onSchedule: () => void): Promise<SchedulesReport> {
  const worker = new Worker(new URL('./schedule-thread.ts', import.meta.url), { workerData })
  return new Promise((resolve, reject) => {
    worker.on('message', (message: SchedulesReport | number) => {
      if (typeof message === 'number') onSchedule()
      else resolve(message)
    })
    worker.once('error', reject)
  })
}

function nothing(): SchedulesReport {
  return { schedules: 0, crashes: 0, faults: 0, promised: 0, diskCalls: 0, failed: [] }
}

function add(sum: SchedulesReport, part: SchedulesReport): void {
  sum.schedules += part.schedules
  sum.crashes += part.crashes
  sum.faults += part.faults
  sum.promised += part.promised
  sum.diskCalls += part.diskCalls
  sum.failed.push(...part.failed)
}
