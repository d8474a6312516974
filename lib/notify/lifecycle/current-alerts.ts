// Alerts that go on, as pages ask for them: those that pass a search, the most severe first, and how many there are. From
// memory: a storm of ten thousand is looked through in some milliseconds, and the store need not be asked.
import type { AlertRecord } from '../../meta/interface.ts'
import { getLabel } from '../../model/labels.ts'
import type { Episode } from './episode.ts'

/** What alerts must pass. */
export interface AlertSelection {
  /** Lower case; all must occur in labels written `name="value"`, or in the summary. */
  words: readonly string[]
  /** What Alertmanager's matchers say of its labels, '' for those it lacks. null: there are none. */
  matches: ((get: (name: string) => string) => boolean) | null
  /** Whether alerts of a receiver are wanted: of its routes, of steps of escalations that were told, of the fallback. null: all are. */
  isReceiver: ((name: string) => boolean) | null
}

export interface CurrentAsk extends AlertSelection {
  /** null: either. */
  status: 'open' | 'acknowledged' | null
  /** Unix ms: those that Monitor learnt of, or that were given back, later are not wanted. Infinity: all are. */
  toMs: number
  limit: number
}

export interface CurrentAlerts {
  records: AlertRecord[]
  /** How many pass. */
  total: number
  open: number
  acknowledged: number
}

interface Known {
  /** From the least severe on; what is not among them comes last. */
  severities: readonly string[]
  receiversOf: (episode: Episode) => readonly string[]
}

/** Annotations are replaced as a whole when they change; labels never do. */
const textOf = new WeakMap<AlertRecord['annotations'], string>()

/** What passes, the most severe first; of equal ones the newest. */
export function currentAlerts(episodes: Iterable<Episode>, { severities, receiversOf }: Known, { status, words, matches, isReceiver, toMs, limit }: CurrentAsk): CurrentAlerts {
  const passing: AlertRecord[] = []
  let open = 0
  let acknowledged = 0
  for (const episode of episodes) {
    const { record, labels } = episode
    if (record.status === 'acknowledged') acknowledged++
    else open++
    if ((status !== null && record.status !== status) || record.escalationFromMs > toMs) continue
    if (words.length > 0 && !hasWords(record, words)) continue
    if (matches !== null && !matches((name) => getLabel(labels, name))) continue
    if (isReceiver === null || receiversOf(episode).some(isReceiver)) passing.push(record)
  }
  const ranks = new Map(severities.map((severity, i) => [severity, i]))
  const rank = ({ severity }: AlertRecord): number => ranks.get(severity) ?? -1
  passing.sort((a, b) => rank(b) - rank(a) || b.triggeredAtMs - a.triggeredAtMs || (a.id < b.id ? -1 : 1))
  return { records: passing.slice(0, limit), total: passing.length, open, acknowledged }
}

/** Whether all of `words` (lower case) occur in its summary, or in its labels written `name="value"`. */
export function hasWords({ labels, annotations }: Pick<AlertRecord, 'labels' | 'annotations'>, words: readonly string[]): boolean {
  let text = textOf.get(annotations)
  if (text === undefined) {
    const summary = annotations['summary'] ?? annotations['description'] ?? annotations['message'] ?? ''
    text = [summary, ...Object.entries(labels).map(([name, value]) => `${name}="${value}"`)].join('\n').toLowerCase()
    textOf.set(annotations, text)
  }
  const all = text
  return words.every((word) => all.includes(word))
}
