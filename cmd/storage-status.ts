// What a store holds and where, for /api/v1/status/storage.
import type { Config } from '../lib/config/scrape-config.ts'
import type { Database } from '../storage/database.ts'
import type { StoredBlock } from '../storage/block-folder.ts'
import type { HoursState } from '../storage/tier/hour-manifest.ts'
import type { StorageStatus, TierStatus } from '../web/parts.ts'

const GB = 1e9

export function storageStatus(db: Database, { currency, disk, bucket }: Config['storage']['prices']): StorageStatus {
  const { newestT } = db.head
  const { blocks, minutes, hours, hourRetentionMs } = db.blocks
  return {
    tiers: [tierOf('raw', blocks, disk), ...((db.blocks.minuteRetentionMs ?? 0) > 0 || minutes.length > 0 ? [tierOf('1m', minutes, disk)] : []),
      ...(hourRetentionMs > 0 || hours.files > 0 ? [tierOfHours(hours, db.uploads === null ? disk : bucket)] : [])],
    currency,
    head: { series: db.seriesCount, memoryBytes: db.headBytes, segmentBytes: db.segmentBytes, maxTime: Number.isFinite(newestT) ? newestT : null },
    log: { bytes: db.logBytes },
  }
}

/** `price`: of a GB for a month. */
function tierOf(name: TierStatus['name'], blocks: readonly StoredBlock[], price: number | null): TierStatus {
  const metas = blocks.map(({ meta }) => meta)
  const sum = (of: (meta: (typeof metas)[number]) => number): number => metas.reduce((total, meta) => total + of(meta), 0)
  const bytes = sum((meta) => meta.bytes)
  return {
    name, blocks: metas.length, bytes, samples: sum(({ samples }) => samples),
    series: Math.max(0, ...metas.map(({ series }) => series)),
    minTime: metas.length === 0 ? null : Math.min(...metas.map(({ minT }) => minT)),
    maxTime: metas.length === 0 ? null : Math.max(...metas.map(({ maxT }) => maxT)),
    cost: price === null ? null : (bytes / GB) * price,
  }
}

/** Its blocks are files. */
function tierOfHours({ files, bytes, rows, series, minT, maxT }: HoursState, price: number | null): TierStatus {
  return {
    name: '1h', blocks: files, bytes, samples: rows, series, minTime: files === 0 ? null : minT, maxTime: files === 0 ? null : maxT,
    cost: price === null ? null : (bytes / GB) * price,
  }
}
