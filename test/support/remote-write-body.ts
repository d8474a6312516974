// Builds remote write 1.0 bodies for tests and benchmarks, straight from the protobuf encoding guide; nothing of the
// reader under test is used.
import { snappyCompress } from './snappy-compress.ts'

/** [value, Unix ms]; a value may be given by its eight little-endian bytes. */
export type BodySample = readonly [value: number | Uint8Array, timeMs: number | bigint]

export interface BodySeries {
  labels: readonly (readonly [name: string | Uint8Array, value: string | Uint8Array])[]
  samples: readonly BodySample[]
}

/** Prometheus' staleness marker, as it stands on the wire. */
export const STALE_NAN: Uint8Array = Uint8Array.of(2, 0, 0, 0, 0, 0, 0xf0, 0x7f)

export function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value))
  const out: number[] = []
  while (rest >= 128n) {
    out.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  out.push(Number(rest))
  return Uint8Array.from(out)
}

/** A length-delimited field. */
export function field(number: number, ...content: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.concat(content)
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
}

export function label(name: string | Uint8Array, value: string | Uint8Array): Uint8Array {
  return field(1, field(1, Buffer.from(name)), field(2, Buffer.from(value)))
}

export function sample(value: number | Uint8Array, timeMs: number | bigint): Uint8Array {
  const double = Buffer.alloc(8)
  if (typeof value === 'number') double.writeDoubleLE(value)
  else double.set(value)
  return field(2, Uint8Array.of(0x09), double, Uint8Array.of(0x10), varint(timeMs))
}

function timeSeries(series: BodySeries): Uint8Array {
  return field(1, ...series.labels.map(([name, value]) => label(name, value)), ...series.samples.map(([value, timeMs]) => sample(value, timeMs)))
}

/** An uncompressed WriteRequest. */
export function writeRequest(series: readonly BodySeries[], ...more: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([...series.map(timeSeries), ...more])
}

/** A body as it goes over the wire. */
export function writeBody(series: readonly BodySeries[], ...more: readonly Uint8Array[]): Uint8Array {
  return snappyCompress(writeRequest(series, ...more))
}

const MODES = ['idle', 'user', 'system', 'iowait', 'irq', 'nice', 'softirq', 'steal']
const REGIONS = ['us-east', 'us-west', 'eu-west', 'eu-north', 'ap-south', 'ap-east', 'sa-east', 'af-south']

/** Labels of the i-th of node_exporter's CPU series, 64 per host, nine labels each, some 200 bytes. */
export function nodeLabelsAt(i: number): [string, string][] {
  const host = Math.floor(i / 64)
  const region = REGIONS[host % 8]!
  return [
    ['__name__', 'node_cpu_seconds_total'], ['cpu', String(Math.floor(i / 8) % 8)], ['dc', `${region}-${'abc'[host % 3]!}`],
    ['env', host % 10 === 0 ? 'staging' : 'prod'], ['instance', `host-${String(host).padStart(5, '0')}.${region}.example:9100`],
    ['job', 'node'], ['mode', MODES[i % 8]!], ['rack', `r${String(Math.floor(host / 40)).padStart(4, '0')}`], ['region', region],
  ]
}

export function nodeLabels(seriesCount: number): [string, string][][] {
  return Array.from({ length: seriesCount }, (_, i) => nodeLabelsAt(i))
}
