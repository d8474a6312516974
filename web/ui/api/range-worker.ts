// Worker: fetches range queries and turns their JSON into columns, because parsing 80 MB of it takes seconds and must
// not stop the page. In: RangeJob or CancelJob; out: RangeReply; the columns are transferred, not copied.
import { fetchApi, isAbort, ApiError, type ApiRequest } from './fetch-api.ts'
import { matrixOf, type ApiSeries, type Matrix } from '../query/matrix.ts'
import type { RangeGrid } from '../query/url-state.ts'

export interface RangeJob {
  kind: 'range'
  id: number
  base: string
  request: ApiRequest
  grid: RangeGrid
}

export interface CancelJob {
  kind: 'cancel'
  id: number
}

export type RangeReply =
  | { id: number; kind: 'matrix'; matrix: Matrix; notes: string[] }
  | { id: number; kind: 'error'; code: string; message: string }
  | { id: number; kind: 'aborted' }

const running = new Map<number, AbortController>()

self.addEventListener('message', (event: MessageEvent<RangeJob | CancelJob>) => {
  const job = event.data
  if (job.kind === 'cancel') running.get(job.id)?.abort()
  else void answer(job)
})

async function answer(job: RangeJob): Promise<void> {
  const controller = new AbortController()
  running.set(job.id, controller)
  const reply = await run(job, controller.signal).finally(() => running.delete(job.id))
  self.postMessage(reply, { transfer: reply.kind === 'matrix' ? [reply.matrix.values.buffer] : [] })
}

async function run(job: RangeJob, signal: AbortSignal): Promise<RangeReply> {
  try {
    const { data, notes } = await fetchApi<{ resultType: string; result: ApiSeries[] }>(job.base, job.request, signal)
    if (data.resultType !== 'matrix') throw new ApiError('protocol', `a range query answered a ${data.resultType}`)
    return { id: job.id, kind: 'matrix', matrix: matrixOf(data.result, job.grid), notes }
  } catch (error) {
    if (isAbort(error)) return { id: job.id, kind: 'aborted' }
    const code = error instanceof ApiError ? error.code : 'protocol'
    return { id: job.id, kind: 'error', code, message: error instanceof Error ? error.message : String(error) }
  }
}
