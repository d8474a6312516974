// What an operator may do about a file operation that the system refused.
import path from 'node:path'
import { DiskError, isWithoutInodes } from './fs.ts'

/** What was refused, and what to do where that is known. */
export function explainDisk(error: DiskError): string {
  const advice = adviceOn(error)
  return advice === '' ? error.message : `${error.message}; ${advice}`
}

function adviceOn(error: DiskError): string {
  switch (error.code) {
    case 'ENOSPC': return lacksInodes(error) ? 'there is room, but no free inode (df -i): remove files that are not needed from its file system, or use one with more' : 'free space on its file system'
    case 'EDQUOT': return 'the quota of its owner is used up: raise it, or remove files'
    case 'EACCES':
    case 'EPERM': return `Monitor runs as user ${process.getuid?.() ?? '?'}: let that one own the folder with all that is in it (chown -R), and look into those above it`
    case 'EROFS': return 'mount it writable; a file system that has become read-only by itself has met an error of its device: see dmesg'
    case 'EIO': return 'the device or its file system fails: see dmesg'
    case 'EMFILE':
    case 'ENFILE': return 'raise the limit of open files (ulimit -n)'
    default: return ''
  }
}

function lacksInodes({ cause }: DiskError): boolean {
  // `dest` is the new name: of a symbolic link `path` is what it leads to.
  const { path: from = '', dest = from } = (cause instanceof Error ? cause : {}) as { path?: string; dest?: string }
  if (dest === '') return false
  try {
    return isWithoutInodes(path.dirname(dest))
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    return false
  }
}
