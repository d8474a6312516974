// What scraping says of itself, under Prometheus' names (scrape/metrics.go), so that its dashboards and alerts hold.
import { REFUSAL_REASONS } from '../../storage/errors.ts'
import type { Counter, Gauge, Metrics } from '../std/metrics.ts'
import type { RecentSummary } from '../std/recent-summary.ts'

export class ScrapeMetrics {
  readonly intervalLength: RecentSummary
  readonly syncLength: RecentSummary
  readonly poolTargets: Gauge<'scrape_job'>
  readonly poolTargetLimit: Gauge<'scrape_job'>
  readonly pools: Counter
  readonly poolSyncs: Counter<'scrape_job'>
  readonly poolReloads: Counter
  readonly failedTargets: Counter<'scrape_job'>
  readonly overTargetLimit: Counter
  readonly overBodyLimit: Counter
  readonly overSampleLimit: Counter
  readonly overBucketLimit: Counter
  readonly overLabelLimits: Counter
  readonly overSeriesLimit: Counter
  readonly overNewSeriesLimit: Counter
  readonly storeRefused: Counter<'reason'>
  readonly duplicates: Counter
  readonly outOfOrder: Counter
  readonly outOfBounds: Counter
  readonly exemplarsOutOfOrder: Counter
  readonly skipped: Counter

  constructor(metrics: Metrics) {
    const target = (name: string, help: string): Counter => metrics.counter(`prometheus_target_${name}_total`, help)
    this.intervalLength = metrics.summary('prometheus_target_interval_length_seconds', 'Actual intervals between scrapes.', [0.01, 0.05, 0.5, 0.9, 0.99], 'interval')
    this.syncLength = metrics.summary('prometheus_target_sync_length_seconds', 'Actual interval to sync the scrape pool.', [0.01, 0.05, 0.5, 0.9, 0.99], 'scrape_job')
    this.poolTargets = metrics.gauge('prometheus_target_scrape_pool_targets', 'Current number of targets in this scrape pool.', ['scrape_job'])
    this.poolTargetLimit = metrics.gauge('prometheus_target_scrape_pool_target_limit', 'Maximum number of targets allowed in this scrape pool.', ['scrape_job'])
    this.pools = target('scrape_pools', 'Total number of scrape pool creation attempts.')
    this.poolSyncs = metrics.counter('prometheus_target_scrape_pool_sync_total', 'Total number of syncs that were executed on a scrape pool.', ['scrape_job'])
    this.poolReloads = target('scrape_pool_reloads', 'Total number of scrape pool reloads.')
    this.failedTargets = metrics.counter('prometheus_target_sync_failed_total', 'Total number of target sync failures.', ['scrape_job'])
    this.overTargetLimit = target('scrape_pool_exceeded_target_limit', 'Total number of times scrape pools hit the target limit, during sync or config reload.')
    this.overBodyLimit = target('scrapes_exceeded_body_size_limit', 'Total number of scrapes that hit the body size limit.')
    this.overSampleLimit = target('scrapes_exceeded_sample_limit', 'Total number of scrapes that hit the sample limit and were rejected.')
    this.overBucketLimit = target('scrapes_exceeded_native_histogram_bucket_limit', 'Total number of scrapes that hit the native histogram bucket limit and were rejected.')
    this.overLabelLimits = target('scrape_pool_exceeded_label_limits', 'Total number of times scrape pools hit the label limits, during sync or config reload.')
    this.overSeriesLimit = metrics.counter('monitor_target_samples_over_series_limit_total', 'Scraped samples whose series could not be made because the store is full.')
    this.overNewSeriesLimit = metrics.counter('monitor_target_samples_over_new_series_limit_total', 'Scraped samples of new series beyond those a target may have in an hour (new_series_limit).')
    this.storeRefused = metrics.counter('monitor_target_samples_dropped_total', 'Scraped samples that the store did not take, by reason.', ['reason'])
    for (const reason of REFUSAL_REASONS) this.storeRefused.inc({ reason }, 0)
    this.duplicates = target('scrapes_sample_duplicate_timestamp', 'Total number of samples rejected due to duplicate timestamps but different values.')
    this.outOfOrder = target('scrapes_sample_out_of_order', 'Total number of samples rejected due to not being out of the expected order.')
    this.outOfBounds = target('scrapes_sample_out_of_bounds', 'Total number of samples rejected due to timestamp falling outside of the time bounds.')
    this.exemplarsOutOfOrder = target('scrapes_exemplar_out_of_order', 'Total number of exemplar rejected due to not being out of the expected order.')
    this.skipped = metrics.counter('monitor_target_scrapes_skipped_total', 'Scrapes left out because the process was late by more than an interval.')
  }
}
