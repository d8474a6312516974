// Power cuts under a store that takes pushes: its file system, ext4 in an image behind a loop device, is shut down at a random
// moment. EXT4_IOC_SHUTDOWN without a flush of the journal stops all writing at once, as xfstests does it: what had not
// reached the image by then is gone, and the next mount recovers what is there. An fdatasync that is under way at that moment may
// return 0 for what is gone (Linux 6.18: in 4 of 120 cuts under a program of four lines that does nothing but append and sync), so that
// what was acknowledged while the cut was made is no promise that it tests; all before is.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { Random } from '../../lib/std/random.ts'
import { LEDGER_SERIES } from '../support/ledger-client.ts'
import { MonitorProcess, freePort } from '../support/monitor-process.ts'
import { missing, readLedger, startClient } from './kills.ts'

export interface PowerCutReport {
  cuts: number
  /** Acknowledged samples. */
  acknowledged: number
  /** What was promised and is gone. */
  lost: string[]
}

const IMAGE_BYTES = 1 << 30
/** _IOR('X', 125, u32), and the flag that leaves the journal as it is. */
const SHUTDOWN = `my $leaveJournal = pack('L', 2); ioctl(D, 0x8004587D, $leaveJournal) or die "ioctl: $!"`
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Why there can be no power cuts here; null if there can. */
export function whyNoPowerCuts(): string | null {
  if (process.getuid?.() !== 0) return 'it takes root to mount'
  const lacking = ['mkfs.ext4', 'mount', 'umount', 'perl'].find((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0)
  if (lacking !== undefined) return `there is no ${lacking}`
  return fs.existsSync('/dev/loop-control') ? null : 'there are no loop devices'
}

/** `folder`: for the image, and what must survive. */
export async function runPowerCuts({ folder, cuts, seed, print }: { folder: string; cuts: number; seed: number; print: (line: string) => void }): Promise<PowerCutReport> {
  const random = new Random(seed)
  const disk = new CutDisk(folder)
  const port = await freePort()
  const ledgerPath = path.join(folder, 'ledger')
  const report: PowerCutReport = { cuts: 0, acknowledged: 0, lost: [] }
  const amidCuts = new Set<number>()
  const start = (): Promise<MonitorProcess> => MonitorProcess.start(disk.mounted, { config: 'global: {}\n', port, flags: ['--web.enable-admin-api'] })
  let monitor = await start()
  const client = startClient(port, ledgerPath, `p${seed}`)
  try {
    for (let round = 1; round <= cuts; round++) {
      await sleep(4000 + random.int(8000))
      // Jobs on blocks are cut, too.
      const job = random.int(2) === 0 ? fetch(`${monitor.base}/api/v1/admin/tsdb/snapshot`, { method: 'POST' }).catch(() => null) : null
      await sleep(random.int(200))
      const before = readLedger(ledgerPath)
      disk.cut()
      await monitor.kill9()
      await job
      report.cuts++
      disk.mount()
      for (const request of readLedger(ledgerPath).keys()) if (!before.has(request)) amidCuts.add(request)
      const promised = new Map([...before].filter(([request]) => !amidCuts.has(request)))
      monitor = await start()
      const lost = await missing(monitor, promised, new Set())
      report.lost.push(...lost.map((what) => `cut ${round}: ${what}`))
      print(`cut ${round}${job === null ? '' : ' amid a snapshot'}: ${promised.size * LEDGER_SERIES} acknowledged samples, ${lost.length} lost`)
    }
    report.acknowledged = (readLedger(ledgerPath).size - amidCuts.size) * LEDGER_SERIES
    return report
  } finally {
    client.kill('SIGKILL')
    await monitor.kill9()
    disk.unmount()
  }
}

/** An ext4 file system that can be cut off. */
class CutDisk {
  readonly mounted: string
  readonly #image: string

  constructor(folder: string) {
    this.#image = path.join(folder, 'image')
    this.mounted = path.join(folder, 'mounted')
    fs.writeFileSync(this.#image, '')
    fs.truncateSync(this.#image, IMAGE_BYTES)
    fs.mkdirSync(this.mounted)
    run('mkfs.ext4', '-q', '-F', this.#image)
    run('mount', '-o', 'loop', this.#image, this.mounted)
  }

  /** Writes two files, one of them synced, and cuts: what `mount` then finds of them shows that it was a cut. */
  cut(): void {
    const synced = fs.openSync(this.#witness('synced'), 'w')
    fs.writeSync(synced, 'synced')
    fs.fsyncSync(synced)
    fs.closeSync(synced)
    fs.writeFileSync(this.#witness('unsynced'), 'unsynced')
    run('perl', '-e', `open(D, '<', $ARGV[0]) or die; ${SHUTDOWN}`, this.mounted)
  }

  mount(): void {
    this.unmount()
    run('mount', '-o', 'loop', this.#image, this.mounted)
    if (read(this.#witness('synced')) !== 'synced') throw new Error('the cut took what was synced')
    if (read(this.#witness('unsynced')) !== '') throw new Error('the cut left what was not synced: it was none')
    for (const name of ['synced', 'unsynced']) fs.rmSync(this.#witness(name), { force: true })
  }

  unmount(): void {
    run('umount', this.mounted)
  }

  #witness(name: string): string {
    return path.join(this.mounted, `witness-${name}`)
  }
}

/** '' for a file that is not there. */
function read(file: string): string {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''
}

function run(command: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr}`)
}
