// What is known of metrics, as the web server asks for it: what targets and senders have said since the start, and until
// they say something what they said before it. Kept in a file, every some minutes and at the end.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { labelsToMap, type Labels } from '../lib/model/labels.ts'
import type { MetricMetadata } from '../lib/model/metadata.ts'
import type { ScrapeManager } from '../lib/scrape/manager.ts'
import type { Clock, Timer } from '../lib/std/clock.ts'
import { DiskError } from '../lib/std/fs.ts'
import type { Logger } from '../lib/std/log.ts'
import { metadataText, readMetadata, writeMetadata, type MetadataSet, type StoredMetadata } from '../storage/metadata-file.ts'
import type { MetadataEntry, MetadataRetriever } from '../web/parts.ts'

/** Each time the last body of each target is read. */
const SAVE_MS = 5 * 60_000

interface KeptMetadataOptions {
  /** The data folder. */
  folder: string
  scrape: Pick<ScrapeManager, 'metadata'>
  /** What remote write has brought, by metric. */
  pushed: ReadonlyMap<string, MetricMetadata>
  clock: Clock
  logger: Logger
}

export class KeptMetadata implements MetadataRetriever {
  readonly #options: KeptMetadataOptions
  readonly #pushedBefore: MetadataSet
  /** By the target's labels; those that have not come back some minutes after the start are forgotten. */
  #targetsBefore: Map<string, { labels: Labels; metadata: MetadataSet }>
  /** Keys of the targets that the last save met. */
  #seen = new Set<string>()
  #text = ''
  #timer: Timer

  /** Throws DiskError. */
  constructor(options: KeptMetadataOptions) {
    const { folder, logger, clock } = options
    const stored = readMetadata(folder, (why) => logger.warn('what was known of metrics is lost until they are scraped again', { why }))
    this.#options = options
    this.#pushedBefore = stored.pushed
    this.#targetsBefore = new Map(stored.targets.map((target) => [keyOf(target.labels), target]))
    this.#timer = clock.after(SAVE_MS, () => void this.#saveInTurn(), true)
  }

  *metadata(metric: string): Generator<MetadataEntry> {
    for (const { labels, metadata } of this.#targets()) {
      const target = labelsToMap(labels)
      for (const [name, entry] of metadata) if (metric === '' || name === metric) yield { target, metric: name, metadata: entry }
    }
    for (const [name, entry] of this.#pushed()) if (metric === '' || name === metric) yield { target: null, metric: name, metadata: entry }
  }

  /** Before scraping ends. */
  async close(): Promise<void> {
    this.#timer.cancel()
    await this.#save([...this.#targetsBefore.values()])
  }

  *#targets(): Generator<{ labels: Labels; metadata: MetadataSet }> {
    for (const { labels, metadata } of this.#options.scrape.metadata()) {
      yield { labels, metadata: metadata.size > 0 ? metadata : this.#targetsBefore.get(keyOf(labels))?.metadata ?? metadata }
    }
  }

  #pushed(): MetadataSet {
    return new Map([...this.#pushedBefore, ...this.#options.pushed])
  }

  async #saveInTurn(): Promise<void> {
    await this.#save([])
    this.#targetsBefore = new Map([...this.#targetsBefore].filter(([key]) => this.#seen.has(key)))
    this.#timer = this.#options.clock.after(SAVE_MS, () => void this.#saveInTurn(), true)
  }

  /** `unseen`: targets that are kept, too, where they have not come back yet. */
  async #save(unseen: readonly { labels: Labels; metadata: MetadataSet }[]): Promise<void> {
    const { folder, logger } = this.#options
    const targets: { labels: Labels; metadata: MetadataSet }[] = []
    this.#seen = new Set()
    for (const target of this.#targets()) {
      this.#seen.add(keyOf(target.labels))
      if (target.metadata.size > 0) targets.push(target)
      await nextTurn()
    }
    const stored: StoredMetadata = { targets: [...targets, ...unseen.filter(({ labels }) => !this.#seen.has(keyOf(labels)))], pushed: this.#pushed() }
    const text = metadataText(stored)
    if (text === this.#text) return
    try {
      writeMetadata(folder, text)
      this.#text = text
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      logger.warn('what is known of metrics was not kept; a start will not know it', { err: error })
    }
  }
}

function keyOf(labels: Labels): string {
  return labels.join('\0')
}
