// Where tests and proofs make their folders: in memory, where there is room. Those of the store sync 40,000 times in a run of the suite,
// and on a disk wait for it, and for each other. None of them is about what a disk keeps: power cuts are those of a simulated one.
import fs from 'node:fs'
import os from 'node:os'

const FOLDER = '/dev/shm'
/** A run of the suite takes some hundred MB. */
const FREE_BYTES_MIN = 4 * 2 ** 30

/** TMPDIR names another place. */
export function folderInMemory(): string {
  if (process.env['TMPDIR'] !== undefined || !fs.existsSync(FOLDER)) return os.tmpdir()
  const { bavail, bsize } = fs.statfsSync(FOLDER)
  return Math.min(bavail * bsize, os.freemem()) < FREE_BYTES_MIN ? os.tmpdir() : FOLDER
}
