// Scraping's targets, as the web server asks for them.
import { labelsToMap } from '../lib/model/labels.ts'
import type { ScrapeManager } from '../lib/scrape/manager.ts'
import type { ActiveTarget, DroppedTarget, TargetRetriever } from '../web/parts.ts'

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
