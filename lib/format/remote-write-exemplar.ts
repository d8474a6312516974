// The Exemplar message of remote write 1.0 (prometheus/prompb/types.proto), read in place.
//
//   Exemplar { repeated Label 1 { name 1, value 2 }, double value 2, int64 ms timestamp 3 }
//
// A timestamp of 0 is none, as in Prometheus.
import { isUtf8 } from 'node:buffer'
import { EXEMPLAR_INVALID, type ExemplarColumns, type RawExemplar } from '../model/exemplar.ts'
import { labelOffsets } from './remote-write-labels.ts'
import { WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT, int64Value, malformed, skipField, skipVarint, varintValue } from './remote-write-wire.ts'

const WIRES: readonly number[] = [-1, WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT]
const RAW: RawExemplar = { bytes: new Uint8Array(0), offsets: [], isEscaped: false, value: 0, hasTime: false, timeMs: 0 }

/** Appends the Exemplar message in bytes[at, end) to `out`, without a series. Throws RemoteWriteError where it is none. */
export function readExemplar(bytes: Uint8Array, view: DataView, at: number, end: number, out: ExemplarColumns): void {
  RAW.bytes = bytes
  RAW.offsets.length = 0
  RAW.value = 0
  RAW.timeMs = 0
  let isText = true
  while (at < end) {
    const tagEnd = skipVarint(bytes, at, end)
    const tag = varintValue(bytes, at, tagEnd)
    const next = skipField(bytes, tagEnd, end, tag)
    const number = tag >>> 3
    if (number <= 3 && (tag & 7) !== WIRES[number]) throw malformed(`field ${number} of exemplar has wire type ${tag & 7}, not ${WIRES[number]}`)
    if (number === 1) {
      if (tagEnd !== at + 1) throw malformed('tag longer than it needs to be')
      const k = RAW.offsets.length
      labelOffsets(bytes, at, next, RAW.offsets)
      isText &&= isUtf8(bytes.subarray(RAW.offsets[k]!, RAW.offsets[k + 1]!)) && isUtf8(bytes.subarray(RAW.offsets[k + 2]!, RAW.offsets[k + 3]!))
    } else if (number === 2) RAW.value = view.getFloat64(tagEnd, true)
    else if (number === 3) RAW.timeMs = int64Value(bytes, tagEnd, next)
    at = next
  }
  RAW.hasTime = RAW.timeMs !== 0
  out.push(RAW, 0, 0)
  if (!isText) out.verdicts[out.count - 1] = EXEMPLAR_INVALID
}
