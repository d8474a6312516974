// kill -9 from within, at each named place of the code, with a ledger client in a process of its own.
import { FAULT_POINTS, type FaultPoint } from '../../lib/std/fault-point.ts'
import { LEDGER_SERIES } from '../support/ledger-client.ts'
import { MonitorProcess, freePort, waitFor } from '../support/monitor-process.ts'
import { SELF_CONFIG, missing, readLedger, startClient } from './kills.ts'

export interface FaultPointReport {
  point: FaultPoint
  /** It ended there, by SIGKILL. */
  hasDied: boolean
  /** Acknowledged samples. */
  acknowledged: number
  /** What was promised and is gone. */
  lost: string[]
}

/** Rounds of the upkeep come every 15 s, the first after 15. */
const DIES_WITHIN_MS = 40_000

/** `pass`: which time it dies at the point. */
export async function runFaultPoint(folder: string, point: FaultPoint, pass: number): Promise<FaultPointReport> {
  const port = await freePort()
  const ledgerPath = `${folder}/ledger`
  const client = startClient(port, ledgerPath, 'f')
  const config = 'global: {}\n'
  // New series, so that there are definitions to write.
  const more = SELF_CONFIG.replace('PORT', String(port))
  let monitor = await MonitorProcess.start(folder, { config, port })
  try {
    // A log of an earlier run is there, with rows that are in no segment yet.
    await waitFor('acknowledged requests', async () => readLedger(ledgerPath).size > 50)
    await monitor.kill9()
    monitor = await MonitorProcess.launch(folder, { config: more, port, flags: [`--fault-point=${point}:${pass}`, '--web.enable-admin-api'] })
    if (isOfBlocks(point)) await workOnBlocks(monitor)
    const hasDied = await waitFor(`${point} to be passed`, async () => monitor.child.signalCode === 'SIGKILL', DIES_WITHIN_MS).catch(() => false)
    await monitor.kill9()
    const promised = readLedger(ledgerPath)
    monitor = await MonitorProcess.start(folder, { config, port })
    return { point, hasDied, acknowledged: promised.size * LEDGER_SERIES, lost: await missing(monitor, promised, new Set()) }
  } finally {
    client.kill('SIGKILL')
    await monitor.kill9()
  }
}

const isOfBlocks = (point: FaultPoint): boolean => /^(cut|compact|delete|snapshot)\./.test(point)

/** Has blocks cut, samples deleted, blocks written anew; until the process dies of it, or all is done. */
async function workOnBlocks(monitor: MonitorProcess): Promise<void> {
  const ask = async (what: string): Promise<boolean> => {
    try {
      return (await fetch(`${monitor.base}/api/v1/admin/tsdb/${what}`, { method: 'POST' })).ok
    } catch {
      // It does not listen yet, or it has died.
      return false
    }
  }
  await waitFor('a snapshot, or the end', async () => monitor.child.signalCode !== null || await ask('snapshot'), DIES_WITHIN_MS)
  for (const what of ['delete_series?match[]=up', 'clean_tombstones']) await ask(what)
}

/** Each point at its first pass and at later ones; those of tiers and retention have tests of their own (test/storage/tier/). */
export const FAULT_POINT_ROUNDS: readonly { point: FaultPoint; pass: number }[] = FAULT_POINTS.filter((point) => !/^(hours|upload|tier|retention)\./.test(point)).flatMap((point) => {
  const passes = point.startsWith('log.rows') || point === 'flush.encoded' || point === 'flush.written' ? [1, 2, 17] : [1]
  return passes.map((pass) => ({ point, pass }))
})
