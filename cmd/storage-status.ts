// What a store holds and where, for /api/v1/status/storage.
import type { Database } from '../storage/database.ts'
import type { StorageStatus, TierStatus } from '../web/parts.ts'

export function storageStatus(db: Database): StorageStatus {
  const { newestT } = db.head
  return {
    tiers: [rawTier(db)],
    head: { series: db.seriesCount, memoryBytes: db.headBytes, segmentBytes: db.segmentBytes, maxTime: Number.isFinite(newestT) ? newestT : null },
    log: { bytes: db.logBytes },
  }
}

function rawTier({ blocks: { blocks } }: Database): TierStatus {
  const metas = blocks.map(({ meta }) => meta)
  const sum = (of: (meta: (typeof metas)[number]) => number): number => metas.reduce((total, meta) => total + of(meta), 0)
  return {
    name: 'raw', blocks: metas.length, bytes: sum(({ bytes }) => bytes), samples: sum(({ samples }) => samples),
    series: Math.max(0, ...metas.map(({ series }) => series)),
    minTime: metas.length === 0 ? null : Math.min(...metas.map(({ minT }) => minT)),
    maxTime: metas.length === 0 ? null : Math.max(...metas.map(({ maxT }) => maxT)),
  }
}
