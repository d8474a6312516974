// Which columns of a group may leave the head.
import type { Group } from './group.ts'

/** Columns of a group whose series have no sample at `t` or later in it. `generation`: of groups that are made now. */
export function silentColumns(group: Group, u32: Uint32Array, t: number, generation: number): number[] {
  const { ages, columns, rows, refsWord, segmentMaxT } = group
  ages.forgetBefore(t)
  const silent: number[] = []
  for (let c = 0; c < columns; c++) {
    if (u32[refsWord + c] === 0 || ages.newestOf(c, generation, segmentMaxT) >= t) continue
    let r = 0
    while (r < rows && (group.timeOf(r) < t || !group.hasSample(r, c))) r++
    if (r === rows) silent.push(c)
  }
  return silent
}
