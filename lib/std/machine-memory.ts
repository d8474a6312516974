// How much memory there is: the machine's, or what the container leaves of it.
import os from 'node:os'

/** Bytes of the machine's memory, and what its process may have of it; 0 where the system tells of no limit. */
export interface MachineMemory {
  totalBytes: number
  limitBytes: number
}

export function thisMachine(): MachineMemory {
  return { totalBytes: os.totalmem(), limitBytes: process.constrainedMemory() }
}

/** What counts when memory is shared out. */
export function memoryBytes({ totalBytes, limitBytes }: MachineMemory): number {
  return limitBytes > 0 ? Math.min(totalBytes, limitBytes) : totalBytes
}
