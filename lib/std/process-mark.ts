// What a process is known by to those that come after it: a pid is given again, a pid and when it started are not.
import { readTextIfThere } from './fs.ts'

/** `pid start` of this process; the start is '' where there is no /proc. */
export function ownMark(): string {
  return `${process.pid} ${startOf(process.pid)}`
}

/** Whether the process that a mark names lives. */
export function isMarkAlive(mark: string): boolean {
  const [pid = '', start = ''] = mark.trim().split(' ')
  return isAlive(Number(pid)) && startOf(Number(pid)) === start
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: alive, but another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Clock ticks after boot at which a process started, as /proc says; '' where there is no /proc, or it is dead already. */
function startOf(pid: number): string {
  const stat = readTextIfThere(`/proc/${pid}/stat`) ?? ''
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // A killed process whose parent has not noticed yet (Z) owns nothing any more.
  return fields[0] === 'Z' || fields[0] === 'X' ? '' : fields[19] ?? ''
}
