// Feature flags by name: which of them mean something here, and what to say of the others. Prometheus refuses none
// (cmd/prometheus/main.go, setFeatureListOptions), so that one command line serves old and new versions; nor does this.
import { ENGINE_FEATURE_NAMES } from '../lang/parse/features.ts'
import { nearestWord } from '../lib/std/nearest-word.ts'

/** Scrapes store when counters began with their samples. */
export const START_TIME_STORAGE = 'st-storage'
/** Scrapes label series with type and unit; queries go by these labels (lang/parse/features.ts). */
export const TYPE_AND_UNIT_LABELS = 'type-and-unit-labels'

/** Prometheus' features that change nothing here, and why. */
const FOREIGN_FEATURES: ReadonlyMap<string, string> = new Map([
  ['promql-duration-expr', 'duration expressions are always on'],
  ['promql-at-modifier', 'the @ modifier is always on'],
  ['promql-negative-offset', 'negative offsets are always on'],
  ['exemplar-storage', 'exemplars are on by default; storage.exemplars.max_exemplars: 0 switches them off'],
  ['native-histograms', 'set scrape_native_histograms in the scrape config'],
  ['ooo-native-histograms', 'native histograms are always on'],
  ['expand-external-labels', 'external labels are always expanded'],
  ['no-default-scrape-port', 'no port is ever added'],
  ['new-service-discovery-manager', 'there is one discovery manager'],
  ['extra-scrape-metrics', 'set extra_scrape_metrics in the scrape config'],
  ['remote-write-receiver', 'the receiver is always on'],
  ['memory-snapshot-on-shutdown', 'the log makes starts quick'],
  ['delayed-compaction', 'compaction has a schedule of its own'],
  ['created-timestamp-zero-ingestion', 'use st-storage, which keeps start times beside samples'],
  ['xor2-encoding', 'chunks have a format of their own'],
  ['histograms-st-encoding', 'chunks have a format of their own'],
  ['use-uncached-io', 'files are written through the page cache'],
  ['fast-startup', 'the log makes starts quick'],
  ['auto-gomaxprocs', 'this is no Go program'],
  ['auto-gomemlimit', 'this is no Go program'],
  ['old-ui', 'there is one UI'],
  ...[
    'agent', 'auto-reload-config', 'concurrent-rule-eval', 'metadata-wal-records',
    'otlp-deltatocumulative', 'otlp-native-delta-ingestion', 'search-api', 'st-synthesis',
  ].map((name): [string, string] => [name, 'it is not built yet']),
])

/** Whether the command line or the file names a feature. */
export function hasFeature(flags: { features: readonly string[] }, config: { features: readonly string[] }, name: string): boolean {
  return flags.features.includes(name) || config.features.includes(name)
}

/** Warnings for the names in `names` that switch nothing on. `where` says who named them: `--enable-feature=`. */
export function featureWarnings(names: Iterable<string>, where: string): string[] {
  const warnings: string[] = []
  for (const name of names) {
    if (ENGINE_FEATURE_NAMES.has(name) || name === START_TIME_STORAGE) continue
    const reason = FOREIGN_FEATURES.get(name)
    if (reason !== undefined) {
      warnings.push(`${where}${name} has no meaning here: ${reason}`)
      continue
    }
    const known = [START_TIME_STORAGE, ...ENGINE_FEATURE_NAMES.keys(), ...FOREIGN_FEATURES.keys()]
    const nearest = nearestWord(name, known) ?? nearestWord(`promql-${name}`, known)
    warnings.push(`${where}${name}: there is no such feature${nearest === null ? '' : `; did you mean ${nearest}?`}`)
  }
  return warnings
}
