// A thread of the crash schedules: runs its seeds and tells how many it has done.
import { parentPort, workerData } from 'node:worker_threads'
import { runSchedules, type SchedulesOptions } from './schedules.ts'

const port = parentPort!
port.postMessage(await runSchedules({ ...(workerData as SchedulesOptions), onSchedule: () => port.postMessage(1) }))
