// The cold half of remote write: what a series seen for the first time is called, and what metadata says. Bytes
// become strings here, and only here; they must be UTF-8, nothing is replaced.
import { isUtf8 } from 'node:buffer'
import type { MetricMetadata, MetricType } from '../model/metadata.ts'
import {
  RemoteWriteError, WIRE_BYTES, WIRE_VARINT, malformed, skipField, skipVarint, varintValue, wireFields,
} from './remote-write-wire.ts'

/** enum MetricType of prompb. */
const TYPES: readonly MetricType[] = [
  'unknown', 'counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset',
]

/** Sizes in bytes of UTF-8. */
export interface LabelLimits {
  count: number
  nameBytes: number
  valueBytes: number
}

/**
 * The (name, value) pairs of a run of label fields, in the sender's order, or why the series is no good. Empty values
 * are dropped, being the same as absent ones. Order and repetition are not judged. The run must have passed
 * checkLabelField.
 */
export function readLabels(run: Uint8Array, limits: LabelLimits): [name: string, value: string][] | string {
  const text = Buffer.from(run.buffer, run.byteOffset, run.length)
  const pairs: [string, string][] = []
  const part = { nameFrom: 0, nameTo: 0, valueFrom: 0, valueTo: 0 }
  for (let at = 0; at < run.length;) {
    const to = skipField(run, at + 1, run.length, LABEL_TAG)
    locate(run, at, to, part)
    const nameBytes = part.nameTo - part.nameFrom
    const valueBytes = part.valueTo - part.valueFrom
    if (nameBytes === 0) return 'empty label name'
    if (nameBytes > limits.nameBytes) return `label name of ${nameBytes} bytes exceeds ${limits.nameBytes}`
    if (valueBytes > limits.valueBytes) return `label value of ${valueBytes} bytes exceeds ${limits.valueBytes}`
    // One call for the whole field where its framing is ASCII (no length over 127), as it nearly always is.
    if (!isUtf8(text.subarray(at, to))) {
      const [name, value] = [text.subarray(part.nameFrom, part.nameTo), text.subarray(part.valueFrom, part.valueTo)]
      if (!isUtf8(name) || !isUtf8(value)) return 'label is not valid UTF-8'
    }
    at = to
    if (valueBytes === 0) continue
    if (pairs.length === limits.count) return `more than ${limits.count} labels`
    pairs.push([text.toString('utf8', part.nameFrom, part.nameTo), text.toString('utf8', part.valueFrom, part.valueTo)])
  }
  return pairs
}

/** Throws RemoteWriteError unless the label field at [at, to), tag included, is well-formed protobuf. */
export function checkLabelField(bytes: Uint8Array, at: number, to: number): void {
  locate(bytes, at, to, SCRATCH)
}

interface LabelPart {
  nameFrom: number
  nameTo: number
  valueFrom: number
  valueTo: number
}

const LABEL_TAG = 0x0a
const SCRATCH: LabelPart = { nameFrom: 0, nameTo: 0, valueFrom: 0, valueTo: 0 }

/** Finds name and value in a label field; of repeated ones the last counts, as protobuf says. */
function locate(bytes: Uint8Array, at: number, to: number, part: LabelPart): void {
  part.nameFrom = part.nameTo = part.valueFrom = part.valueTo = 0
  for (let i = skipVarint(bytes, at + 1, to); i < to;) {
    const tagEnd = skipVarint(bytes, i, to)
    const tag = varintValue(bytes, i, tagEnd)
    const number = tag >>> 3
    if ((number === 1 || number === 2) && (tag & 7) !== WIRE_BYTES) {
      throw malformed(`field ${number} of label has wire type ${tag & 7}, not 2`)
    }
    const next = skipField(bytes, tagEnd, to, tag)
    if (number === 1) {
      part.nameFrom = skipVarint(bytes, tagEnd, to)
      part.nameTo = next
    } else if (number === 2) {
      part.valueFrom = skipVarint(bytes, tagEnd, to)
      part.valueTo = next
    }
    i = next
  }
}

/** A MetricMetadata message. Text that is not UTF-8 makes the entry anonymous (metric ''), which callers drop. */
export function readMetadata(message: Uint8Array): { metric: string; metadata: MetricMetadata } {
  let metric = ''
  const metadata: MetricMetadata = { type: 'unknown', help: '', unit: '' }
  let isClean = true
  for (const field of wireFields(message)) {
    if (field.number === 1) {
      if (field.wire !== WIRE_VARINT) throw wrongMetadata(field.number, field.wire)
      metadata.type = TYPES[field.value] ?? 'unknown'
      continue
    }
    if (field.number !== 2 && field.number !== 4 && field.number !== 5) continue
    if (field.wire !== WIRE_BYTES) throw wrongMetadata(field.number, field.wire)
    isClean &&= isUtf8(field.bytes)
    if (field.number === 2) metric = textOf(field.bytes)
    else if (field.number === 4) metadata.help = textOf(field.bytes)
    else metadata.unit = textOf(field.bytes)
  }
  return { metric: isClean ? metric : '', metadata }
}

function wrongMetadata(number: number, wire: number): RemoteWriteError {
  return malformed(`field ${number} of metadata has wire type ${wire}`)
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}
