// Walks a run of frames from its start to its end, whatever lies between them.
import { DamageTally } from './damage.ts'
import { FRAME_HEAD_BYTES, FRAME_OVERHEAD_BYTES, TYPE_SYNCED, findFrame, frameLength, isPayloadSound } from './frame.ts'

/**
 * Visits each sound frame of bytes[from, end) in order, but for marks: (type, payload start, payload length, frame start).
 * What is not sound is skipped to the next sound header.
 */
export function scanFrames(
  bytes: Buffer, from: number, end: number, visit: (type: number, at: number, length: number, frameAt: number) => void,
): DamageTally {
  const tally = new DamageTally()
  let at = from
  while (at < end) {
    const length = frameLength(bytes, at, end)
    const frameEnd = at + length + FRAME_OVERHEAD_BYTES
    if (length >= 0 && isPayloadSound(bytes, at, length, end)) {
      const type = bytes.readUInt32LE(at + 8)
      if (type === TYPE_SYNCED) tally.synced(bytes, at + FRAME_HEAD_BYTES)
      else visit(type, at + FRAME_HEAD_BYTES, length, at)
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
