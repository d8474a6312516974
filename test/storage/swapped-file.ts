// Real faults for an open file: another file is put under its descriptor, as if the device had gone bad underneath.
// /dev/full refuses every write (ENOSPC); /dev/null takes writes and loses them, and refuses fdatasync (EINVAL).
import fs from 'node:fs'
import { expect } from 'vitest'

/** False where the system has no /proc or no such devices; tests then skip. */
export const CAN_SWAP: boolean = fs.existsSync('/proc/self/fd') && fs.existsSync('/dev/full')

/** Puts `other` under the descriptor that this process has open on `file`; the result puts `file` back. */
export function swapFile(file: string, other: '/dev/full' | '/dev/null'): () => void {
  const fd = descriptorOf(file)
  reopen(fd, other)
  return () => reopen(fd, file)
}

/** What each open descriptor of this process points to. */
export function openDescriptors(): Map<number, string> {
  const links = new Map<number, string>()
  for (const fd of fs.readdirSync('/proc/self/fd')) {
    try {
      links.set(Number(fd), fs.readlinkSync(`/proc/self/fd/${fd}`))
    } catch {
      // The descriptor of the listing itself is gone by now.
    }
  }
  return links
}

function descriptorOf(file: string): number {
  const real = fs.realpathSync(file)
  const found = [...openDescriptors()].filter(([, target]) => target === real)
  expect(found, `descriptors of ${file}`).toHaveLength(1)
  return found[0]![0]
}

/** The kernel gives the lowest free number: descriptors below are taken until it comes round. */
function reopen(fd: number, file: string): void {
  fs.closeSync(fd)
  const extra: number[] = []
  for (let got = fs.openSync(file, 'r+'); got !== fd; got = fs.openSync(file, 'r+')) {
    extra.push(got)
    expect(extra.length, `attempts to get descriptor ${fd}`).toBeLessThan(100)
  }
  for (const other of extra) fs.closeSync(other)
}
