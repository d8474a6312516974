// A damaged file is put aside, what can be read of it is kept, and the store goes on.
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Random } from '../../../lib/std/random.ts'
import { logDamage } from '../../../lib/meta/log-damage.ts'
import { verifyMeta, type MetaFinding } from '../../../lib/meta/meta-verify.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { openStore } from './open-store.ts'
import { ALL, alertRecord, RULE, SILENCE, T0 } from './store-conformance.ts'

const ALERTS = 400

/** A file with something in each table. */
async function filled(folder: string): Promise<string> {
  const store = openStore(folder)
  await store.putSilence(SILENCE)
  await store.putRule(RULE)
  await store.putValue('ack-key', 'k')
  await store.putNotificationEntry({ groupKey: 'g', receiver: 'r', timeMs: T0, firing: ['f'], resolved: [], withheld: [], memory: '', target: 'h1', expiresAtMs: T0 * 2 })
  for (let n = 0; n < ALERTS; n++) await store.putAlerts([alertRecord(n)], [{ alertId: alertRecord(n).id, timeMs: T0, kind: 'firing', detail: '' }])
  await store.close()
  return path.join(folder, 'monitor.db')
}

const FRAME_BYTES = 24 + 4096

describe('a damaged log of transactions', () => {
  /** As a kill leaves it, each alert a transaction of its own. Resolves to the data folder and the log. */
  async function killed(count: number): Promise<{ data: string; file: string; log: Buffer }> {
    const live = tempFolder()
    // Its tables are in the file by then.
    const first = openStore(live)
    await first.putValue('ack-key', 'k')
    await first.close()
    const store = openStore(live)
    for (let n = 0; n < count; n++) await store.putAlerts([alertRecord(n)], [])
    const data = tempFolder()
    fs.mkdirSync(`${data}/meta`)
    for (const name of ['monitor.db', 'monitor.db-wal']) fs.copyFileSync(path.join(live, name), `${data}/meta/${name}`)
    await store.close()
    const file = `${data}/meta/monitor.db-wal`
    return { data, file, log: fs.readFileSync(file) }
  }

  const flipped = (log: Buffer, at: number): Buffer => Buffer.from(log.map((byte, i) => (i === at ? byte ^ 1 : byte)))

  it('is told by verify and by the start, which keeps it', async () => {
    const { data, file, log } = await killed(40)
    const findings = (): MetaFinding[] => {
      const found: MetaFinding[] = []
      verifyMeta(data, (finding) => found.push(finding), () => undefined)
      return found
    }
    expect(findings()).toEqual([])
    const damaged = flipped(log, 32 + 20 * FRAME_BYTES + 100)
    fs.writeFileSync(file, damaged)
    expect(findings()).toMatchObject([{ place: 'meta/monitor.db-wal', damage: expect.stringMatching(/a page at byte \d+ does not match its checksum, and \d\d transactions from there on cannot be read/) }])
    const warnings: string[] = []
    const store = openStore(`${data}/meta`, { warnings })
    onTestFinished(() => store.close())
    expect(warnings).toEqual([expect.stringMatching(/monitor\.db-wal is damaged at byte \d+: \d\d transactions .* copied to .*quarantine\/1-monitor\.db-wal/)])
    expect(fs.readFileSync(`${data}/meta/quarantine/1-monitor.db-wal`)).toEqual(damaged)
    expect((await store.alerts({ ...ALL, limit: 1000 })).length).toBeLessThan(40)
  })

  it('is found wherever a bit flips before the last transaction, and a last one that a crash tore is none', async () => {
    const { log } = await killed(5)
    const count = (log.length - 32) / FRAME_BYTES
    const commits = Array.from({ length: count }, (_, i) => i).filter((i) => log.readUInt32BE(32 + i * FRAME_BYTES + 4) !== 0)
    expect(logDamage(log)).toBe(null)
    for (let at = 0; at < 32; at++) expect(logDamage(flipped(log, at)), `byte ${at}`).not.toBe(null)
    for (let i = 0; i <= commits.at(-2)!; i++) {
      for (const within of [0, 6, 9, 14, 17, 23, 24, 2000, 4119]) expect(logDamage(flipped(log, 32 + i * FRAME_BYTES + within)), `byte ${within} of frame ${i}`).not.toBe(null)
    }
    for (let i = commits.at(-2)! + 1; i < count; i++) expect(logDamage(flipped(log, 32 + i * FRAME_BYTES + 2000)), `frame ${i}`).toBe(null)
  })
})

describe('a damaged file', () => {
  it('that is no database any more goes to the quarantine whole', async () => {
    const folder = tempFolder()
    const file = await filled(folder)
    const bytes = fs.readFileSync(file)
    bytes.write('no longer', 0)
    fs.writeFileSync(file, bytes)
    const warnings: string[] = []
    const store = openStore(folder, { warnings })
    onTestFinished(() => store.close())
    expect(await store.silences()).toEqual([])
    expect(warnings[0]).toMatch(/monitor\.db is damaged \(file is not a database\): it was moved to .*quarantine\/1-monitor\.db; no rows could be read/)
    expect(fs.readFileSync(`${folder}/quarantine/1-monitor.db`)).toEqual(bytes)
    await store.putSilence(SILENCE)
    expect(await store.silences()).toEqual([SILENCE])
  })

  it('gives what its sound pages hold', async () => {
    const folder = tempFolder()
    const file = await filled(folder)
    const bytes = fs.readFileSync(file)
    const seed = 7
    const random = new Random(seed)
    // Pages after the first hold the tables; one in the midst of the file is one of many of the alerts.
    const page = Math.floor(bytes.length / 4096 / 2)
    for (let i = 0; i < 4096; i++) bytes[page * 4096 + i] = random.int(256)
    fs.writeFileSync(file, bytes)
    const warnings: string[] = []
    const store = openStore(folder, { warnings })
    onTestFinished(() => store.close())
    const alerts = await store.alerts({ ...ALL, limit: 1000 })
    expect(warnings[0]).toMatch(/is damaged .* could be read and are kept/)
    expect(await store.silences()).toEqual([SILENCE])
    expect(await store.rules()).toEqual([RULE])
    expect(await store.value('ack-key')).toBe('k')
    expect(await store.notificationEntries()).toHaveLength(1)
    expect(alerts.length).toBeGreaterThan(ALERTS / 2)
    for (const alert of alerts) expect(alert).toEqual(alertRecord(Number(alert.id.slice(-12))))
  })

  it('at any one page stops neither the start nor the next write', async () => {
    const source = tempFolder()
    const whole = fs.readFileSync(await filled(source))
    for (let page = 0; page < whole.length / 4096; page += 3) {
      const folder = tempFolder()
      const bytes = Buffer.from(whole)
      bytes.fill(0x5a, page * 4096, (page + 1) * 4096)
      fs.writeFileSync(path.join(folder, 'monitor.db'), bytes)
      const warnings: string[] = []
      const store = openStore(folder, { warnings })
      await store.putSilence({ ...SILENCE, id: 'new' })
      expect((await store.silences()).map(({ id }) => id), `page ${page}`).toContain('new')
      expect(warnings, `page ${page}`).toHaveLength(1)
      await store.close()
    }
  }, 120_000)

  it('that turns out damaged while it is open is replaced, and the call that met it is carried out', async () => {
    const folder = tempFolder()
    const file = await filled(folder)
    const first = openStore(folder)
    // More than SQLite's cache of 2 MB holds.
    for (let i = 0; i < 60; i++) await first.putValue(`v${i}`, 'x'.repeat(100_000))
    await first.close()
    const warnings: string[] = []
    const store = openStore(folder, { warnings })
    onTestFinished(() => store.close())
    const fd = fs.openSync(file, 'r+')
    fs.writeSync(fd, Buffer.alloc(fs.fstatSync(fd).size - 8192, 0x5a), 0, fs.fstatSync(fd).size - 8192, 8192)
    fs.closeSync(fd)
    const found = await Promise.all(Array.from({ length: 60 }, (_, i) => store.value(`v${i}`)))
    expect(found).toContain(null)
    expect(warnings[0]).toMatch(/is damaged \(database disk image is malformed\)/)
    await store.putAlerts([alertRecord(9999)], [])
    expect((await store.alerts({ ...ALL, limit: 1 }))[0]).toEqual(alertRecord(9999))
  })
})
