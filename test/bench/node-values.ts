// Series and values like node_exporter's, with a tenth of classic histogram buckets: about half of a host's 49 series never
// change, the others are counters in hundredths, gauges in hundredths or whole pages. Deterministic.
import { labelsFromRecord, type Labels } from '../../lib/model/labels.ts'
import { Random } from '../../lib/std/random.ts'

const SERIES_PER_HOST = 49
const MODES = ['idle', 'user', 'system', 'iowait', 'irq', 'nice', 'softirq', 'steal']
const RATES = [90, 8, 3, 0, 0, 0, 0.2, 0]
const LE = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '+Inf']
const LE_RATES = [40, 80, 60, 30, 20, 10, 5, 3, 2, 1]
const REGIONS = ['us-east', 'us-west', 'eu-west', 'eu-north', 'ap-south', 'ap-east', 'sa-east', 'af-south']
const STEP_S = 10

type Next = (random: Random) => number

const constant = (value: number): Next => () => value
function counter(start: number, rate: number, unit: number): Next {
  return (random) => (start += Math.floor(rate * STEP_S * (0.5 + random.float()))) / unit
}
function gauge(start: number, rate: number, { low, unit }: { low: number; unit: (v: number) => number }): Next {
  return (random) => unit(start = Math.max(low, start + Math.floor(rate * (random.float() * 2 - 1))))
}
const pages = { low: 1000, unit: (v: number): number => v * 4096 }
const hundredths = { low: 0, unit: (v: number): number => v / 100 }

function hostSeries(random: Random): [string, Record<string, string>, Next][] {
  const some = (): number => 0.5 + random.float()
  const whole = (value: number): number => Math.floor(value * some())
  const series: [string, Record<string, string>, Next][] = [
    ['node_load1', {}, gauge(whole(200), 20 * some(), hundredths)],
    ['node_memory_MemAvailable_bytes', {}, gauge(whole(3e6), 2000 * some(), pages)],
    ['node_memory_MemTotal_bytes', {}, constant(16_627_314_688)],
    ['node_network_receive_bytes_total', { device: 'eth0' }, received(whole(4e10), 250_000 * some())],
    ['node_network_receive_errs_total', { device: 'eth0' }, constant(0)],
    ['node_filesystem_avail_bytes', { device: '/dev/sda1', fstype: 'ext4', mountpoint: '/' }, available(whole(2e7), 300 * some())],
    ['node_boot_time_seconds', {}, constant(1_700_000_000)],
  ]
  for (let k = 0; series.length < SERIES_PER_HOST; k++) {
    const mode = k % MODES.length
    const rate = RATES[mode]!
    const next = rate === 0 ? constant(0) : counter(whole(rate * 1e5), rate * some(), 100)
    series.push(['node_cpu_seconds_total', { cpu: String(Math.floor(k / MODES.length)), mode: MODES[mode]! }, next])
  }
  return series
}

function received(start: number, rate: number): Next {
  return (random) => (start += Math.floor(rate * STEP_S * 2 * random.float()))
}

/** Changes at a fifth of the steps. */
function available(start: number, rate: number): Next {
  return (random) => {
    const u = random.float()
    if (u < 0.2) start = Math.max(1000, start + Math.floor(rate * (u * 10 - 1)))
    return start * 4096
  }
}

function bucketSeries(): Next[] {
  let added = 0
  return LE_RATES.map((rate, b) => {
    let value = 1000 * (b + 1)
    return (random) => {
      const own = Math.floor(rate * STEP_S * random.float() / 5)
      added = b === 0 ? own : added + own
      return (value += added)
    }
  })
}

export interface NodeSeries {
  labels: Labels
  next: Next
}

/** About `count` series; take the next value of each in turn, step by step. */
export function nodeSeries(count: number, random: Random): NodeSeries[] {
  const all: NodeSeries[] = []
  for (let h = 0; h < Math.round(count * 0.9 / SERIES_PER_HOST); h++) {
    const region = REGIONS[h % REGIONS.length]!
    const common = {
      job: 'node', instance: `host-${String(h).padStart(5, '0')}.${region}.example:9100`, region, dc: `${region}-${'abc'[h % 3]}`,
      env: h % 10 === 0 ? 'staging' : 'prod', rack: `r${String(Math.floor(h / 40)).padStart(4, '0')}`,
    }
    for (const [name, own, next] of hostSeries(random)) all.push({ labels: labelsFromRecord({ __name__: name, ...own, ...common }), next })
  }
  for (let i = 0; i < Math.round(count / 100); i++) {
    const common = { job: 'node-app', instance: `app-${String(i).padStart(4, '0')}.example:8080`, region: REGIONS[i % REGIONS.length]!, service: `service-${i % 10}` }
    bucketSeries().forEach((next, b) => all.push({ labels: labelsFromRecord({ __name__: 'http_request_duration_seconds_bucket', le: LE[b]!, ...common }), next }))
  }
  return all
}
