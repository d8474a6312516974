// What the dispatcher tells of its messages, as lines of the alerts' histories.
import type { AlertEvent, AlertRecord, ToldEntry } from '../../meta/interface.ts'
import type { NotifiedAlert, Notification } from '../../model/notification.ts'
import type { Teller } from '../overlay.ts'
import type { Cooldowns } from './cooldowns.ts'
import type { Episode } from './episode.ts'
import type { EpisodeTable } from './episode-table.ts'
import type { AlertChange } from './record-lane.ts'

interface Ground {
  table: EpisodeTable
  cooldowns: Cooldowns
  nowMs: number
}

/** A message was delivered (`error` null), or was not. */
export function noteNotification({ table, cooldowns, nowMs }: Ground, by: Teller, { alerts }: Notification, error: string | null): AlertChange {
  const records: AlertRecord[] = []
  const events: AlertEvent[] = []
  const told: ToldEntry[] = []
  const receiver = by.name
  for (const alert of alerts) {
    const { status, fingerprint } = alert
    const episode = table.get(fingerprint)
    const id = toldId(table, alert)
    if (id === undefined || (error !== null && episode !== undefined && episode.failures.get(receiver) === error)) continue
    events.push({ alertId: id, timeMs: nowMs, kind: error === null ? 'notified' : 'failed', detail: error === null ? notifiedLine(receiver, status) : `${receiver}: ${error}` })
    if (episode === undefined) continue
    // A receiver that stays away fails every minute or so: one line for each reason is enough.
    if (error !== null) episode.failures.set(receiver, error)
    else if (status === 'firing') noteTold(episode, { by, nowMs, cooldowns, records, told })
  }
  return { records, events, told }
}

/** Id of the episode that a message means. */
export function toldId(table: EpisodeTable, { status, fingerprint }: NotifiedAlert): string | undefined {
  const id = table.get(fingerprint)?.record.id
  return status === 'resolved' ? table.endedId(fingerprint) ?? id : id
}

/** Alerts that a message told of, as their histories name it. */
export function notifiedLine(receiver: string, status: NotifiedAlert['status']): string {
  return `${receiver} (${status})`
}

export function noteTold(episode: Episode, { by, nowMs, cooldowns, records, told }: { by: Teller; nowMs: number; cooldowns: Cooldowns; records: AlertRecord[]; told: ToldEntry[] }): void {
  episode.failures.delete(by.name)
  episode.suppression = ''
  episode.suppressionNote = ''
  if (episode.record.toldAtMs === null) {
    episode.record = { ...episode.record, toldAtMs: nowMs }
    if (!episode.isChanging) records.push(episode.record)
  }
  const entry = cooldowns.onTold(episode, by, nowMs)
  if (entry !== null) told.push(entry)
}

/** Alerts are kept from people; a line for each change of who keeps them. */
export function noteSuppression(table: EpisodeTable, { kind, alerts, by, nowMs }: { kind: 'silenced' | 'inhibited' | 'muted'; alerts: readonly NotifiedAlert[]; by: readonly string[]; nowMs: number }): AlertChange {
  const note = by.join(', ')
  const shown = kind === 'inhibited' ? by.map((print) => sourceText(table, print)).join(', ') : note
  const events: AlertEvent[] = []
  for (const { fingerprint } of alerts) {
    const episode = table.get(fingerprint)
    if (episode === undefined || (episode.suppression === kind && episode.suppressionNote === note)) continue
    episode.suppression = kind
    episode.suppressionNote = note
    events.push({ alertId: episode.record.id, timeMs: nowMs, kind, detail: shown })
  }
  return { events }
}

/** A source of an inhibition as people know it. */
function sourceText(table: EpisodeTable, print: string): string {
  const source = table.get(print)?.record
  return source === undefined ? `alert ${print}` : `by ${source.name}${source.serverId === '' ? '' : ` of ${source.serverId}`}`
}
