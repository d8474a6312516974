// Lines of a scraped body that go on like those of the last one (twin: matchLines, lib/scrape/line-match.ts, which has the why).
// Both bodies are compared 16 bytes at a time across lines, up to the first byte that differs; lines before it are taken without
// looking at them again.
//
//   last body   …idle"} 91234.56\nnode_load1 2.5\n…      same: where the first byte stands that this body has not in its place
//   this body   …idle"} 91235.02\nnode_load1 2.5\n…      from the next line on it is looked for anew
import {
  BODY, LAST_BODY, LAST_ENDS, LAST_VALUES, LINE_ENDS, LINE_INFOS, LINE_REFS, LINE_VALUES, MATCH, SAMPLE_REFS, SAMPLE_VALUES,
} from './memory'
import { number, readNumber } from './read-number'

// As lib/scrape/line-table.ts has them.
const LINE_COMMENT: u32 = 0
const LINE_UNIT: u32 = 2
const LINE_SAMPLE: u32 = 3
const LINE_DROPPED: u32 = 5
const FAMILY_SHIFT: u32 = 3
const FAMILY_MASK: u32 = 15
const TRACKED_SHIFT: u32 = 7
const PREFIX_SHIFT: u32 = 8
// As lib/format/metric-family.ts.
const FAMILY_TYPE_MASK: u32 = 7
const FAMILY_HAS_UNIT: u32 = 8
const NOT_KNOWN: u32 = 0xffffffff

/** How far is looked ahead: lines that need the parser may come at any time. */
const AHEAD: u32 = 1024

/**
 * Goes on at MATCH, which says place, line and family in force, as far as lines are those of the last body, `count` of them
 * and this body `length` bytes. Returns how many that were; MATCH then says where it stopped, how many samples there were,
 * how many of them are tracked, and how many more were dropped.
 */
export function matchLines(length: u32, count: u32): u32 {
  let pos = load<u32>(MATCH)
  let line = load<u32>(MATCH, 4)
  let family = load<u32>(MATCH, 8)
  const first = line
  const lastLength = load<u32>(LAST_ENDS + ((count - 1) << 2))
  let from: u32 = line === 0 ? 0 : load<u32>(LAST_ENDS + ((line - 1) << 2))
  let same = from
  let isApart = false
  let samples: u32 = 0
  let tracked: u32 = 0
  let dropped: u32 = 0
  while (line < count && pos < length) {
    const end = load<u32>(LAST_ENDS + (line << 2))
    if (end > same && !isApart) {
      const last = min(lastLength, from + (length - pos))
      const until = min(last, max(end, same + AHEAD))
      same += equalLength(LAST_BODY + same, BODY + pos + (same - from), until - same)
      isApart = same < until || until === last
    }
    const info = load<u32>(LINE_INFOS + (line << 2))
    const kind = info & 7
    const isSame = end <= same
    let next = pos + (end - from)
    let value = load<f64>(LAST_VALUES + (line << 3))
    if (kind <= LINE_UNIT) {
      const behind = isSame ? familyBehind(info, family) : NOT_KNOWN
      if (behind === NOT_KNOWN) break
      family = behind
    } else {
      if (((info >> FAMILY_SHIFT) & FAMILY_MASK) !== family || (kind !== LINE_SAMPLE && kind !== LINE_DROPPED)) break
      if (!isSame) {
        const prefix = info >> PREFIX_SHIFT
        if (same - from < prefix) break
        const newline = readNumber(BODY + pos + prefix)
        if (newline === 0) break
        value = number
        next = <u32>(newline + 1 - BODY)
        same = end
        isApart = false
      }
      if (kind === LINE_SAMPLE) {
        store<u32>(SAMPLE_REFS + (samples << 2), load<u32>(LINE_REFS + (line << 2)))
        store<f64>(SAMPLE_VALUES + (samples << 3), value)
        samples++
        tracked += (info >> TRACKED_SHIFT) & 1
      } else dropped++
    }
    store<u32>(LINE_ENDS + (line << 2), next)
    store<f64>(LINE_VALUES + (line << 3), value)
    line++
    from = end
    pos = next
  }
  store<u32>(MATCH, pos)
  store<u32>(MATCH, family, 8)
  store<u32>(MATCH, samples, 12)
  store<u32>(MATCH, tracked, 16)
  store<u32>(MATCH, dropped, 20)
  return line - first
}

// @ts-ignore: decorator
@inline
function familyBehind(info: u32, family: u32): u32 {
  const kind = info & 7
  if (kind === LINE_COMMENT) return family
  const told = (info >> FAMILY_SHIFT) & FAMILY_MASK
  if (kind === LINE_UNIT) return (told & FAMILY_HAS_UNIT) | (family & FAMILY_TYPE_MASK)
  return (family & FAMILY_HAS_UNIT) === 0 ? told & FAMILY_TYPE_MASK : NOT_KNOWN
}

/** How many bytes are equal, `size` at most. Looks up to 16 further. */
// @ts-ignore: decorator
@inline
function equalLength(a: usize, b: usize, size: u32): u32 {
  let i: u32 = 0
  for (; i < size; i += 16) {
    const equal = i8x16.bitmask(i8x16.eq(v128.load(a + i), v128.load(b + i)))
    if (equal !== 0xffff) return min(size, i + ctz(~equal))
  }
  return size
}
