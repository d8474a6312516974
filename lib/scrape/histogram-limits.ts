// How fine the buckets of a target's native histograms may be, and how many (native_histogram_min_bucket_factor,
// native_histogram_bucket_limit). After prometheus scrape/target.go, maxSchemaAppender and bucketLimitAppender.
import type { ScrapeConfig } from '../config/scrape-config.ts'
import { EXPONENTIAL_SCHEMA_MIN, isCustom, type FloatHistogram } from '../model/histogram.ts'
import { atSchema } from '../model/histogram-resolution.ts'

/** The histogram in buckets as wide as they must be; null where it has too many however wide. */
export function limitedHistogram(histogram: FloatHistogram, { nativeHistogramSchemaMax, nativeHistogramBucketLimit }: ScrapeConfig): FloatHistogram | null {
  let limited = histogram
  if (!isCustom(limited) && limited.schema > nativeHistogramSchemaMax) limited = atSchema(limited, nativeHistogramSchemaMax)
  if (nativeHistogramBucketLimit === 0) return limited
  while (limited.positive.index.length + limited.negative.index.length > nativeHistogramBucketLimit) {
    if (isCustom(limited) || limited.schema <= EXPONENTIAL_SCHEMA_MIN) return null
    limited = atSchema(limited, limited.schema - 1)
  }
  return limited
}
