// A process that writes silences, alerts and rules for ever and prints what was resolved; a test kills it.
import { openStore } from './open-store.ts'
import { alertRecord, RULE, SILENCE } from './store-conformance.ts'

const [folder, isThread] = process.argv.slice(2)
const store = openStore(folder!, { isThread: isThread === 'thread' })

/** Eight at a time, so that some share a transaction. */
async function write(lane: number): Promise<void> {
  for (let n = lane; ; n += 8) {
    const id = `${n}`
    await Promise.all([
      store.putSilence({ ...SILENCE, id }), store.putRule({ ...RULE, id }), store.putValue(id, id),
      store.putAlerts([alertRecord(n)], [{ alertId: alertRecord(n).id, timeMs: n, kind: 'firing', detail: '' }]),
    ])
    process.stdout.write(`${n}\n`)
  }
}

await Promise.all(Array.from({ length: 8 }, (_, lane) => write(lane)))
