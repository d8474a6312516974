// Numbers the series of a folder anew, at a start, before it has given all refs there are: a ref is 31 bits, and each series
// that comes takes one for good, as blocks, tiers and exemplars name it.
//
//   newest ref past the middle ─▶ which refs do files name? ─▶ live series get the lowest that none does ─▶ definitions replaced
//
// Files stay as they are. Under the refs that they have for series that go on they are read as those of series that the head
// has forgotten: by their labels (cold-series.ts). Rows of the log and segments name columns of groups, not refs. From then on
// each start looks which refs files name, and new series pass over them: no ref ever speaks of two series.
import type { Logger } from '../lib/std/log.ts'
import type { Steps } from '../lib/std/steps.ts'
import type { Head } from './head/head.ts'
import { MovedColumns, writeDefinitions } from './head/definitions-write.ts'
import { markFormat } from './format-mark.ts'
import { findUsedRefs } from './used-refs.ts'

/** Of a folder whose series were numbered anew. */
const FORMAT_RENUMBERED = 2
const RENUMBER_SHARE = 0.5
/** From here on a server says that it wants a start. */
const LOW_SHARE = 0.9

/** True if a start should number the series anew. */
export function isRenumberingDue({ series }: Head): boolean {
  return series.newest > series.refMax * RENUMBER_SHARE
}

/** Why new series may soon be refused for want of ids; null where there are enough. */
export function lowRefs({ series }: Head): string | null {
  if (series.newest <= series.refMax * LOW_SHARE) return null
  return `${series.newest} of ${series.refMax} ids of series are given, and new series are refused when all are; restart Monitor, and it numbers them anew`
}

/**
 * Gives series that a start has found refs that no file names, in a file of definitions that takes the place of the one there
 * is; the head is then to be loaded once more. Returns whether it did. Throws DiskError; the old file holds then.
 */
export function* renumber(head: Head, folder: string, logger: Logger): Steps<boolean> {
  const { series, definitions } = head
  const { used, unread } = yield* findUsedRefs(folder, 0)
  const names = new Map<number, number>()
  // One is forgotten, so that readers ask blocks for series that the head does not see.
  let newest = 1
  for (let ref = 1; ref <= series.newest; ref++) {
    if (series.isLive(ref)) names.set(ref, newest = used.next(newest + 1))
    else ref = series.endOfDead(ref)
  }
  if (unread.length > 0 || newest >= series.refMax * RENUMBER_SHARE) {
    const why = unread.length > 0 ? `cannot read which series these have: ${unread.slice(0, 3).join(', ')}; see monitor tsdb repair` : 'blocks and tiers name most ids; a shorter retention frees them'
    logger.warn('ids of series run low, and cannot be given anew', { given: series.newest, of: series.refMax, why })
    return false
  }
  markFormat(folder, FORMAT_RENUMBERED, logger)
  series.renumberings++
  const target = definitions.beginRewrite()
  try {
    for (const _ of writeDefinitions(head, target, new MovedColumns(head), { of: (ref) => names.get(ref)!, newest })) {
      target.write()
      yield
    }
    target.write()
    target.syncNow()
    definitions.finishRewrite()
  } catch (error) {
    definitions.abandonRewrite()
    throw error
  }
  logger.info('series were numbered anew', { series: names.size, given: series.newest, newest })
  return true
}

/** From now on new series get no ref that a file names. For folders whose series were numbered anew. */
export function* passUsedRefs({ series }: Head, folder: string, logger: Logger): Steps<void> {
  const { used, unread } = yield* findUsedRefs(folder, series.newest)
  if (unread.length > 0) logger.error('cannot read which series some files have; what is found for them may be those of others', { files: unread.slice(0, 3).join(', ') })
  series.renumberings ||= 1
  series.nextUnused = (ref) => used.next(ref)
}

