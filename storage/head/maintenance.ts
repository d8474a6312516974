// Upkeep of the head in the background: encodes rows of idle groups, cuts the log behind what is synced in segments,
// and drops what is past the retention or in blocks. A million groups take a while; main gets its turn in between.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../lib/std/clock.ts'
import { faultPoint } from '../../lib/std/fault-point.ts'
import type { Log } from '../log/log.ts'
import type { RetentionClock } from '../../lib/std/retention-clock.ts'
import type { Forgetter } from './forgetter.ts'
import type { Group } from './group.ts'
import type { Head } from './head.ts'
import { isCut, type Cut } from './published.ts'
import type { SegmentWriter } from './segment-file.ts'

/** Rows younger than this stay in memory; older ones of idle groups are encoded so that the log can be cut. */
const IDLE_FLUSH_MS = 15 * 60_000
/** Groups looked at in one turn of the event loop, some 1 ms. */
const LOOKS_PER_TURN = 4096
/** What a flush counts in looks: 64 of them fill a turn, and so do 16 Ki values, which take 1 ms to encode. */
const FLUSH_LOOKS = 64
const VALUES_A_LOOK = 4
/** What a segment or group that is let go counts in looks, and a group's columns. */
const DROP_LOOKS = 8
const COLUMNS_A_LOOK = 4
/** Flushes of one round; the rest waits for the next, so that the log is cut now and then. */
const FLUSHES_MAX = 4096

export interface Upkeep {
  head: Head
  log: Log
  segments: SegmentWriter
  clock: Clock
  retentionClock: RetentionClock
  isClosed: () => boolean
  /** What is in blocks and was let go here. */
  released: Cut
  forgetter: Forgetter
}

/** One round. Rejects with DiskError when segments cannot be written or synced; the log then stays as it is. */
export async function maintainHead(upkeep: Upkeep): Promise<void> {
  const { head, log, segments, isClosed } = upkeep
  const safeLsn = await flushIdleGroups(upkeep)
  head.arena.reclaim()
  if (isClosed()) return
  await segments.sync()
  faultPoint('flush.synced')
  if (isClosed()) return
  await log.dropBefore(safeLsn)
  faultPoint('flush.log-cut')
  if (isClosed()) return
  const { released } = upkeep
  upkeep.released = await dropOld(upkeep)
  if (upkeep.released !== released && !isClosed()) await upkeep.forgetter.round(upkeep.released, isClosed)
  if (!isClosed()) head.groupIds.release({ lsn: log.oldestLsn, segmentFile: segments.oldestFile })
}

/** Resolves to an LSN below which every row is in a segment. */
async function flushIdleGroups({ head, log, clock, isClosed }: Upkeep): Promise<number> {
  const before = clock.monotonic() - IDLE_FLUSH_MS
  const { crowdedBelow } = log
  // Rows that come during the walk have LSNs from here on.
  let safeLsn = log.nextLsn
  let flushes = 0
  await eachGroup(head, isClosed, (group) => {
    const isOld = group.firstAtMs < before || group.firstLsn < crowdedBelow
    const isDue = group.rows > 0 && isOld && flushes < FLUSHES_MAX
    const values = group.rows * group.columns
    if (isDue) {
      head.flushGroup(group)
      flushes++
    }
    if (group.firstLsn < safeLsn) safeLsn = group.firstLsn
    return isDue ? FLUSH_LOOKS + values / VALUES_A_LOOK : 1
  })
  return safeLsn
}

/**
 * Lets go of what is past the retention, by file, and of what is in blocks and read here by nobody any more.
 * Segments are forgotten before their files go: a reader that begins later looks for none of them.
 */
async function dropOld({ head, log, segments, retentionClock, isClosed, released }: Upkeep): Promise<Cut> {
  // What is old is old beside the newest sample, too, as in Prometheus.
  const oldest = Math.min(retentionClock.now(), head.newestT) - head.retentionMs
  const { unread } = head.cuts
  const first = segments.firstKept(({ maxT, generation }) => maxT < oldest || isCut(unread, generation, maxT))
  if (first === 0 && unread === released) return released
  await eachGroup(head, isClosed, (group) => {
    const dropped = group.dropSegments(({ file, maxT }) => file < first || isCut(unread, group.generation, maxT))
    const isRowless = group.generation <= unread.generation && group.dropRows(unread.t)
    if (dropped === 0 && !isRowless && !group.isEmpty) return 1
    const columns = group.isEmpty ? group.columns : 0
    if (group.isEmpty) head.dissolve(group)
    return (dropped + 1) * DROP_LOOKS + columns / COLUMNS_A_LOOK
  })
  const marks = { lsn: log.nextLsn, segmentFile: segments.newestFile }
  await forgetPlaces(head, isClosed)
  if (!isClosed()) head.groupIds.unplaced(marks)
  if (first > 0) faultPoint('cut.released')
  if (isClosed()) return unread
  await segments.removeBefore(first)
  segments.beginFile()
  return unread
}

/** Series that were moved or late keep a list of where. */
async function forgetPlaces(head: Head, isClosed: () => boolean): Promise<void> {
  for (let ref = 1; ref <= head.series.newest && !isClosed(); ref++) {
    if (ref % LOOKS_PER_TURN === 0) await nextTurn()
    ref = head.series.endOfDead(ref)
    if (head.series.hasOlderPlaces(ref)) head.forgetPlaces(ref)
  }
}

/** Visits all groups there are; `visit` says what the visit cost, in looks. Stops when the store closes. */
async function eachGroup(head: Head, isClosed: () => boolean, visit: (group: Group) => number): Promise<void> {
  let looks = 0
  for (let id = 1; id < head.groups.length; id++) {
    looks += visit(head.groups[id]!)
    if (looks < LOOKS_PER_TURN) continue
    looks = 0
    await nextTurn()
    if (isClosed()) return
  }
}
