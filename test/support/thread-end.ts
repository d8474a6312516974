// Ends a thread of a running Monitor from outside, by Node's inspector: the process was started with --inspect.
import { waitFor, type MonitorProcess } from './monitor-process.ts'

/** By their entry files in cmd/: `rules` is rules-worker.ts. */
export const THREADS = ['rules', 'meta', 'query'] as const

const THREAD_MS_MAX = 10_000

interface Message {
  id?: number
  method?: string
  params?: { sessionId: string; workerInfo?: { url: string } }
}

export async function endThread(monitor: MonitorProcess, name: typeof THREADS[number]): Promise<void> {
  const address = await waitFor('the inspector', () => Promise.resolve(/Debugger listening on (ws:\S+)/.exec(monitor.output)?.[1]))
  const socket = new WebSocket(address)
  const sessions: string[] = []
  socket.addEventListener('message', ({ data }) => {
    const { method, params } = JSON.parse(String(data)) as Message
    if (method === 'NodeWorker.attachedToWorker' && params?.workerInfo?.url.endsWith(`/${name}-worker.ts`)) sessions.push(params.sessionId)
  })
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true })
    socket.addEventListener('error', () => reject(new Error(`cannot reach the inspector at ${address}`)), { once: true })
  })
  let id = 0
  const send = (method: string, params: object): void => socket.send(JSON.stringify({ id: ++id, method, params }))
  try {
    send('NodeWorker.enable', { waitForDebuggerOnStart: false })
    const sessionId = await waitFor(`the thread ${name}`, () => Promise.resolve(sessions[0]), THREAD_MS_MAX)
    send('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: 'process.exit(1)' } }) })
    await new Promise((resolve) => setTimeout(resolve, 500))
  } finally {
    socket.close()
  }
}
