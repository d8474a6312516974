// Walks a run of frames from its start to its end, whatever lies between them.
import { runThrough, type Steps } from '../../lib/std/steps.ts'
import { DamageTally } from './damage.ts'
import { FRAME_HEAD_BYTES, FRAME_OVERHEAD_BYTES, TYPE_SYNCED, findFrame, frameLength, isKnownType, isPayloadSound } from './frame.ts'

/** Read between two turns of others; some 10 ms where all of it is samples. */
const STEP_BYTES = 256 * 1024

/** false: the frame is sound, and says what cannot be. */
type FrameVisitor = (type: number, at: number, length: number, frameAt: number) => unknown

/**
 * Visits each sound frame of bytes[from, end) in order, but for marks: (type, payload start, payload length, frame start).
 * What is not sound is skipped to the next sound header.
 */
export function scanFrames(bytes: Buffer, from: number, end: number, visit: FrameVisitor): DamageTally {
  return runThrough(scanFramesInSteps(bytes, from, end, visit))
}

/** The same, in steps of so many bytes. */
export function* scanFramesInSteps(bytes: Buffer, from: number, end: number, visit: FrameVisitor, stepBytes: number = STEP_BYTES): Steps<DamageTally> {
  const tally = new DamageTally()
  let at = from
  let stepEnd = from + stepBytes
  while (at < end) {
    if (at > stepEnd) {
      yield
      stepEnd = at + stepBytes
    }
    const length = frameLength(bytes, at, end)
    const frameEnd = at + length + FRAME_OVERHEAD_BYTES
    if (length >= 0 && isPayloadSound(bytes, at, length, end)) {
      const type = bytes.readUInt32LE(at + 8)
      if (!isKnownType(type)) tally.unknown ??= { type, at }
      if (type === TYPE_SYNCED) tally.synced(bytes, at + FRAME_HEAD_BYTES, length, at)
      else if (visit(type, at + FRAME_HEAD_BYTES, length, at) === false) tally.found(at, frameEnd)
      at = frameEnd
      tally.soundEnd = at
      continue
    }
    // A sound header tells where the next is, whatever its payload looks like.
    const isNextKnown = length >= 0 && frameLength(bytes, frameEnd, end) >= 0
    const next = isNextKnown ? frameEnd : findFrame(bytes, at + 1, end)
    if (next < 0) break
    tally.found(at, next)
    at = next
  }
  return tally
}
