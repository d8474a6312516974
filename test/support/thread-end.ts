// Ends a thread of a running Monitor from outside, or makes it hang, by Node's inspector: the process was started with --inspect.
import { waitFor, type MonitorProcess } from './monitor-process.ts'

/** By their entry files in cmd/: `rules` is rules-worker.ts. */
export const THREADS = ['rules', 'meta', 'query', 'maintenance'] as const

/** One that has ended some times comes back after a while. */
const THREAD_MS_MAX = 60_000
const DETACHED_MS = 200

interface Message {
  id?: number
  method?: string
  params?: { sessionId: string; workerInfo?: { url: string } }
}

export function endThread(monitor: MonitorProcess, name: typeof THREADS[number]): Promise<void> {
  return doInThread(monitor, name, 'process.exit(1)')
}

/** It is in the midst of something and does not come back. */
export function hangThread(monitor: MonitorProcess, name: typeof THREADS[number]): Promise<void> {
  return doInThread(monitor, name, 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)')
}

async function doInThread(monitor: MonitorProcess, name: typeof THREADS[number], what: string): Promise<void> {
  const address = await waitFor('the inspector', () => Promise.resolve(/Debugger listening on (ws:\S+)/.exec(monitor.output)?.[1]))
  // It may be about to let go of who was here before.
  const socket = await waitFor(`a connection to the inspector at ${address}`, () => connected(address), THREAD_MS_MAX)
  // Of the sources, or of the bundle made of them.
  const entry = new RegExp(`/${name}-worker\\.[jt]s$`)
  const sessions: string[] = []
  const answered = Promise.withResolvers<void>()
  socket.addEventListener('message', ({ data }) => {
    const { method, params } = JSON.parse(String(data)) as Message
    if (method === 'NodeWorker.attachedToWorker' && entry.test(params?.workerInfo?.url ?? '')) sessions.push(params!.sessionId)
    if (method === 'NodeWorker.receivedMessageFromWorker') answered.resolve()
  })
  let id = 0
  const send = (method: string, params: object): void => socket.send(JSON.stringify({ id: ++id, method, params }))
  try {
    send('NodeWorker.enable', { waitForDebuggerOnStart: false })
    const sessionId = await waitFor(`the thread ${name}`, () => Promise.resolve(sessions[0]), THREAD_MS_MAX)
    // Once nobody is attached to it: an inspector whose thread ends under it takes no one else.
    const expression = `void setTimeout(() => ${what}, ${DETACHED_MS})`
    send('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }) })
    await answered.promise
  } finally {
    socket.close()
  }
}

function connected(address: string): Promise<WebSocket | null> {
  const socket = new WebSocket(address)
  return new Promise((resolve) => {
    socket.addEventListener('open', () => resolve(socket), { once: true })
    socket.addEventListener('error', () => resolve(null), { once: true })
  })
}
