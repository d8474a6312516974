// Snappy as senders pack it, by the native package: Monitor itself only unpacks, by lib/kernels/snappy.ts.
import { compressSync } from 'snappy'

/** One block. */
export function snappyCompress(bytes: Uint8Array): Uint8Array {
  return compressSync(bytes)
}
