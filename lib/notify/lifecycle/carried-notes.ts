// Messages that a program before this one sent, and whose being taken it did not live to record: what they leave in the histories and
// cooldowns of their alerts. Of each it is asked what is there already, so that a start may be cut short at any point.
import { MetaError } from '../../meta/errors.ts'
import type { AlertRecord, MetaStore, ToldEntry } from '../../meta/interface.ts'
import type { NotifiedAlert } from '../../model/notification.ts'
import type { CarriedMessage } from '../courier/carried-log.ts'
import type { Cooldowns } from './cooldowns.ts'
import { episodeOf } from './episode.ts'
import type { EpisodeTable } from './episode-table.ts'
import { notifiedLine, noteTold } from './message-notes.ts'
import type { RecordWriter } from './record-writer.ts'

interface Ground {
  store: Pick<MetaStore, 'alertsLacking' | 'putAlerts'>
  table: EpisodeTable
  cooldowns: Cooldowns
  writer: RecordWriter
}

/** Of one call: 10 ms of the metadata thread. */
const PART_ALERTS = 500

/** Whether all of it is kept. Episodes and cooldowns that were kept are read already. */
export async function noteCarried(ground: Ground, message: CarriedMessage): Promise<boolean> {
  try {
    for (const [status, ids] of [['firing', message.firingIds], ['resolved', message.resolvedIds]] as const) {
      for (let at = 0; at < ids.length; at += PART_ALERTS) await notePart(ground, message, status, ids.slice(at, at + PART_ALERTS))
    }
    return true
  } catch (error) {
    if (!(error instanceof MetaError)) throw error
    return false
  }
}

async function notePart({ store, table, cooldowns, writer }: Ground, { entry, atMs }: CarriedMessage, status: NotifiedAlert['status'], ids: readonly string[]): Promise<void> {
  const by = { name: entry.receiver, target: entry.target }
  const detail = notifiedLine(by.name, status)
  const lacking = await store.alertsLacking(ids, { kind: 'notified', detail, sinceMs: entry.timeMs })
  if (lacking.length === 0) return
  const [records, told]: [AlertRecord[], ToldEntry[]] = [[], []]
  for (const record of status === 'firing' ? lacking : []) {
    // One that has ended meanwhile cools down all the same.
    const episode = table.byId(record.id) ?? episodeOf(writer.waiting(record.id) ?? record, 0)
    if (cooldowns.toldMs(episode, by) < atMs) noteTold(episode, { by, nowMs: atMs, cooldowns, records, told })
  }
  writer.add({ records })
  await store.putAlerts([], lacking.map(({ id }) => ({ alertId: id, timeMs: atMs, kind: 'notified', detail })), told)
}
