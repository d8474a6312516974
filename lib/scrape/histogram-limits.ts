// How fine the buckets of a target's native histograms may be, and how many (native_histogram_min_bucket_factor,
// native_histogram_bucket_limit). After prometheus scrape/target.go, maxSchemaAppender and bucketLimitAppender.
import { EXPONENTIAL_SCHEMA_MIN, isCustom, type FloatHistogram } from '../model/histogram.ts'
import { atSchema } from '../model/histogram-resolution.ts'

/** The histogram in buckets as wide as they must be; a limit of 0 is none. null where it has too many however wide. */
export function limitedHistogram(histogram: FloatHistogram, schemaMax: number, bucketLimit: number): FloatHistogram | null {
  let limited = histogram
  if (!isCustom(limited) && limited.schema > schemaMax) limited = atSchema(limited, schemaMax)
  if (bucketLimit === 0) return limited
  while (limited.positive.index.length + limited.negative.index.length > bucketLimit) {
    if (isCustom(limited) || limited.schema <= EXPONENTIAL_SCHEMA_MIN) return null
    limited = atSchema(limited, limited.schema - 1)
  }
  return limited
}
