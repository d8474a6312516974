// Scraping's targets and metadata, as the web server asks for them.
import { labelsToMap } from '../lib/model/labels.ts'
import type { MetricMetadata } from '../lib/model/metadata.ts'
import type { ScrapeManager } from '../lib/scrape/manager.ts'
import type { ActiveTarget, DroppedTarget, MetadataEntry, MetadataRetriever, TargetRetriever } from '../web/parts.ts'

export class TargetView implements TargetRetriever {
  readonly #scrape: ScrapeManager

  constructor(scrape: ScrapeManager) {
    this.#scrape = scrape
  }

  activeTargets(): readonly ActiveTarget[] {
    return this.#scrape.targets().active.map((target) => ({
      ...target,
      discoveredLabels: labelsToMap(target.discoveredLabels),
      labels: labelsToMap(target.labels),
      lastScrapeDurationSeconds: target.lastScrapeDurationMs / 1000,
    }))
  }

  droppedTargets(): readonly DroppedTarget[] {
    return this.#scrape.targets().dropped.map((target) => ({ ...target, discoveredLabels: labelsToMap(target.discoveredLabels) }))
  }

  droppedCounts(): ReadonlyMap<string, number> {
    return this.#scrape.targets().droppedTargetCounts
  }
}

export class MetadataView implements MetadataRetriever {
  readonly #scrape: ScrapeManager
  readonly #pushed: ReadonlyMap<string, MetricMetadata>

  /** `pushed`: what remote write brought, by metric. */
  constructor(scrape: ScrapeManager, pushed: ReadonlyMap<string, MetricMetadata>) {
    this.#scrape = scrape
    this.#pushed = pushed
  }

  *metadata(metric: string): Generator<MetadataEntry> {
    for (const { labels, metadata } of this.#scrape.metadata()) {
      const target = labelsToMap(labels)
      for (const [name, entry] of metadata) if (metric === '' || name === metric) yield { target, metric: name, metadata: entry }
    }
    for (const [name, entry] of this.#pushed) if (metric === '' || name === metric) yield { target: null, metric: name, metadata: entry }
  }
}
