// Episodes that go on, found by fingerprint and by id; of those that ended lately the ids.
import { LruMap } from '../../std/lru-map.ts'
import type { Episode } from './episode.ts'

/** Messages about so many ended episodes may still be on their way. */
const ENDED_MAX = 20_000

export class EpisodeTable {
  readonly #byPrint = new Map<string, Episode>()
  readonly #byId = new Map<string, Episode>()
  readonly #ended = new LruMap<string>(ENDED_MAX)

  get size(): number {
    return this.#byPrint.size
  }

  counts(): { open: number; acknowledged: number } {
    let acknowledged = 0
    for (const { record } of this.#byPrint.values()) if (record.status === 'acknowledged') acknowledged++
    return { open: this.size - acknowledged, acknowledged }
  }

  get(print: string): Episode | undefined {
    return this.#byPrint.get(print)
  }

  byId(id: string): Episode | undefined {
    return this.#byId.get(id)
  }

  all(): Iterable<Episode> {
    return this.#byPrint.values()
  }

  /** In place of what has its fingerprint. */
  put(episode: Episode): void {
    const { fingerprint, id } = episode.record
    const before = this.#byPrint.get(fingerprint)
    if (before !== undefined) this.#byId.delete(before.record.id)
    this.#byPrint.set(fingerprint, episode)
    this.#byId.set(id, episode)
  }

  end({ record: { fingerprint, id } }: Episode): void {
    this.#byPrint.delete(fingerprint)
    this.#byId.delete(id)
    this.#ended.set(fingerprint, id)
  }

  /** Id of the last episode of that alert, as a message that says it is resolved means it. */
  endedId(print: string): string | undefined {
    return this.#ended.get(print)
  }
}
