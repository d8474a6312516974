// Named places at which the process can be made to die as by kill -9, so that a test hits the moments that chance rarely
// does: `--fault-point=log.rows-written`, or `=log.rows-written:3` for the third time it is passed.
// A thread has points of its own: what runs in a worker is armed there.

/** The places, in the order of a row's way to disk. */
export const FAULT_POINTS = [
  // A new log file has its header; the folder does not know its name for sure.
  'log.file-made',
  // Definitions are handed to the kernel; rows that use them wait.
  'log.definitions-written',
  'log.definitions-synced',
  'log.rows-written',
  // Nobody has been told yet.
  'log.rows-synced',
  // Rows are a segment in memory.
  'flush.encoded',
  // The segment is handed to the kernel; its rows are in the log, too.
  'flush.written',
  // All segments are on the device; the log has not been cut behind them.
  'flush.synced',
  'flush.log-cut',
  // The head is frozen below the cut; what is cut is in the log, on the device.
  'cut.begun',
  // Blocks are staged and synced, and mean nothing yet.
  'cut.written',
  // The moment of the change is past: the blocks are covered, but not at their place.
  'cut.changed',
  'cut.installed',
  // Readers take the blocks; the head still has what is in them.
  'cut.published',
  // Nobody reads the covered segments any more; their files go next.
  'cut.released',
  'compact.written',
  'compact.changed',
  'compact.installed',
  // The folder of a block that nobody reads is gone.
  'compact.removed',
  // Blocks go because of age or size: it is noted that what is left of their time is not all.
  'retention.changed',
  // A tier's block is staged and synced, and means nothing yet.
  'tier.written',
  // It is there, but not at its place; its rows count as still to be made.
  'tier.changed',
  'tier.installed',
  'tier.noted',
  // A block has its new tombstones; others may not.
  'delete.written',
  // A snapshot is whole, but not under its name.
  'snapshot.linked',
  // A file of the 1-hour tier is there; no list names it.
  'hours.written',
  // The list names it; its rows still count as to be made.
  'hours.listed',
  // The object store has taken a file of the 1-hour tier; that it holds it is not known.
  'upload.sent',
  // It is known, but not noted.
  'upload.checked',
  // It is noted; the file is still in the folder.
  'upload.noted',
] as const
export type FaultPoint = (typeof FAULT_POINTS)[number]

let armed: string = ''
let passesLeft = 0

/** True if `spec`, `NAME` or `NAME:COUNT`, names a point. */
export function isFaultPoint(spec: string): boolean {
  const match = /^([a-z.-]+)(?::([1-9]\d{0,8}))?$/.exec(spec)
  return match !== null && FAULT_POINTS.some((name) => name === match[1])
}

/** Arms a point of this thread; '' arms none. */
export function armFaultPoint(spec: string): void {
  const [name = '', count = '1'] = spec.split(':')
  armed = name
  passesLeft = Number(count)
}

/** What this thread's point is, for a thread that it starts; '' if none is armed. */
export function armedFaultPoint(): string {
  return armed === '' ? '' : `${armed}:${passesLeft}`
}

/** Ends the process here if the point is armed; costs a comparison if not. */
export function faultPoint(name: FaultPoint): void {
  if (armed === name && --passesLeft === 0) process.kill(process.pid, 'SIGKILL')
}
