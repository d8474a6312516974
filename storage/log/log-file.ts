// A file of the log: its name, its header (FORMAT.md, "Log").
import path from 'node:path'
import { faultPoint } from '../../lib/std/fault-point.ts'
import { DiskFile, syncFolder } from '../../lib/std/fs.ts'

export const LOG_HEADER_BYTES = 16
const LOG_MAGIC = 'MONLOG01'

export interface LogFile {
  startLsn: number
  /** Where the rows of the next file begin, or later. */
  endLsn: number
  path: string
}

export function logPath(folder: string, startLsn: number): string {
  return `${folder}/${String(startLsn).padStart(20, '0')}.log`
}

/** As the list of files has it. */
export function listed(file: string): string {
  return `log/${path.basename(file)}`
}

/** A file with nothing but its header; its name outlasts a power cut. Throws DiskError. */
export function makeLogFile(folder: string, startLsn: number): DiskFile {
  const file = DiskFile.openForWrite(logPath(folder, startLsn))
  try {
    const header = Buffer.alloc(LOG_HEADER_BYTES)
    header.write(LOG_MAGIC, 0, 'latin1')
    header.writeDoubleLE(startLsn, 8)
    file.write(header, 0)
    faultPoint('log.file-made')
    syncFolder(folder)
    return file
  } catch (error) {
    file.close()
    throw error
  }
}
