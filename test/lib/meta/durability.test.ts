// What the store has resolved is there after kill -9; what the disk refuses is said to be refused, and stops nothing else.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { MetaError } from '../../../lib/meta/errors.ts'
import { Metrics } from '../../../lib/std/metrics.ts'
import { tempFolder } from '../../support/temp-folder.ts'
import { openStore } from './open-store.ts'
import { ALL, alertRecord, SILENCE, T0 } from './store-conformance.ts'

/** Numbers whose four writes were resolved before the process was killed. */
async function writeUntilKilled(folder: string, mode: string, lines: number): Promise<number[]> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'kept-writer.ts'), folder, mode], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (piece: Buffer) => {
      text += piece.toString()
      if (text.split('\n').length > lines) child.kill('SIGKILL')
    })
    child.on('close', () => resolve())
  })
  return text.split('\n').slice(0, -1).map(Number)
}

describe('after kill -9', () => {
  for (const mode of ['thread', 'inline']) {
    it(`has all that was resolved (${mode})`, async () => {
      const folder = tempFolder()
      const told = new Set<number>()
      for (const lines of [1, 50, 300]) {
        for (const n of await writeUntilKilled(folder, mode, lines)) told.add(n)
        const store = openStore(folder)
        const silences = new Set((await store.silences()).map(({ id }) => Number(id)))
        const rules = new Set((await store.rules()).map(({ id }) => Number(id)))
        const alerts = new Set((await store.alerts({ ...ALL, limit: 1e6 })).map(({ id }) => Number(id.slice(-12))))
        for (const n of told) {
          expect([silences.has(n), rules.has(n), alerts.has(n), await store.value(`${n}`)], `${n} of ${told.size}`).toEqual([true, true, true, `${n}`])
          expect(await store.events(alertRecord(n).id)).toHaveLength(1)
        }
        await store.close()
      }
      expect(told.size).toBeGreaterThan(250)
    }, 120_000)
  }
})

describe('calls that come together', () => {
  it('share one transaction, and so one sync', async () => {
    const metrics = new Metrics()
    const store = openStore(tempFolder(), { metrics })
    onTestFinished(() => store.close())
    await Promise.all(Array.from({ length: 500 }, (_, n) => store.putAlerts([alertRecord(n)], [])))
    const count = async (name: string): Promise<number> => (await metrics.registry.getSingleMetric(name)!.get()).values[0]!.value
    expect(await count('monitor_meta_writes_total')).toBe(500)
    expect(await count('monitor_meta_commits_total')).toBe(1)
    expect(await count('monitor_meta_file_bytes')).toBeGreaterThan(100_000)
  })

  it('fail alone where one of them is bad', async () => {
    const store = openStore(tempFolder())
    onTestFinished(() => store.close())
    const outcomes = await Promise.allSettled([
      store.putValue('a', '1'), store.putAlerts([alertRecord(1, { status: 'lost' as 'open' })], [{ alertId: 'x', timeMs: T0, kind: 'firing', detail: '' }]), store.putValue('b', '2'),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(outcomes[1]).toMatchObject({ reason: { code: 'META', message: expect.stringMatching(/^cannot putAlerts in .*monitor\.db: CHECK constraint failed/) as string } })
    expect([await store.value('a'), await store.value('b'), await store.alerts(ALL), await store.events('x')]).toEqual(['1', '2', [], []])
  })
})

describe('a file that cannot be had', () => {
  it('is refused by name while another process has it, and used once that one is gone', async () => {
    const folder = tempFolder()
    const child = spawn(process.execPath, [path.join(import.meta.dirname, 'kept-writer.ts'), folder, 'inline'], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    await new Promise((resolve) => child.stdout.once('data', resolve))
    const warnings: string[] = []
    const store = openStore(folder, { warnings })
    onTestFinished(() => store.close())
    expect(warnings[0]).toMatch(/cannot open .*monitor\.db: another program has the file open; end it\. Until then silences/)
    await expect(store.putValue('a', '1')).rejects.toThrow(/another program has the file open/)
    const gone = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await gone
    await store.putValue('a', '1')
    expect(await store.value('a')).toBe('1')
  })

  it('is refused where it was deleted or moved beneath the process, and used once it is back', async () => {
    const folder = tempFolder()
    const store = openStore(folder)
    onTestFinished(() => store.close())
    await store.putValue('a', '1')
    const names = ['monitor.db', 'monitor.db-wal']
    for (const name of names) fs.renameSync(`${folder}/${name}`, `${folder}/${name}.moved`)
    await expect(store.putValue('a', '2')).rejects.toThrow(`cannot write ${folder}/monitor.db: it was deleted or moved; put it back, or restart Monitor to begin anew there`)
    expect(await store.value('a')).toBe('1')
    for (const name of names) fs.renameSync(`${folder}/${name}.moved`, `${folder}/${name}`)
    await store.putValue('a', '2')
    expect(await store.value('a')).toBe('2')
  })

  it('is refused with what the system says where its folder cannot be looked into', async () => {
    const folder = `${tempFolder()}/meta`
    const store = openStore(folder)
    onTestFinished(() => store.close())
    await store.putValue('a', '1')
    fs.renameSync(folder, `${folder}.moved`)
    fs.writeFileSync(folder, '')
    await expect(store.putValue('a', '2')).rejects.toThrow(`cannot write ${folder}/monitor.db: cannot stat ${folder}/monitor.db: not a directory (ENOTDIR)`)
  })

  it('of a newer version is left alone', async () => {
    const folder = tempFolder()
    const store = openStore(folder)
    await store.putValue('a', '1')
    await store.close()
    execFileSync('sh', ['-c', `"$0" -e 'const { DatabaseSync } = require("node:sqlite"); new DatabaseSync(process.argv[1]).exec("PRAGMA user_version = 99")' "$1"`, process.execPath, `${folder}/monitor.db`])
    const later = openStore(folder)
    await expect(later.value('a')).rejects.toThrow(/a newer Monitor made it \(version 99/)
    expect(fs.readdirSync(folder)).toEqual(['monitor.db'])
  })

  it('on a full disk is refused with that name, and written once there is room', async (context) => {
    const folder = tempFolder()
    const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', folder], { encoding: 'utf8' })
    if (mount.status !== 0) context.skip(`cannot mount a small file system here: ${mount.error?.message ?? mount.stderr.trim()}`)
    onTestFinished(() => void execFileSync('umount', [folder]))
    const store = openStore(folder)
    onTestFinished(() => store.close())
    const large = 'x'.repeat(50_000)
    const refused: unknown[] = []
    for (let i = 0; i < 60; i++) await store.putValue(`v${i}`, large).catch((error: unknown) => refused.push(error))
    expect(refused.length).toBeGreaterThan(20)
    expect(refused[0]).toBeInstanceOf(MetaError)
    expect((refused[0] as Error).message).toMatch(/^cannot putValue in .*monitor\.db: the disk is full; free space on it$/)
    // What was taken is still there to be read.
    expect(await store.value('v0')).toBe(large)
    execFileSync('mount', ['-o', 'remount,size=64m', folder])
    await store.putSilence(SILENCE)
    expect(await store.silences()).toEqual([SILENCE])
    expect(await store.value('v0')).toBe(large)
  })

  it('on a disk that is full from the start stops no start', async (context) => {
    const folder = tempFolder()
    const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', folder], { encoding: 'utf8' })
    if (mount.status !== 0) context.skip(`cannot mount a small file system here: ${mount.error?.message ?? mount.stderr.trim()}`)
    onTestFinished(() => void execFileSync('umount', [folder]))
    fs.writeFileSync(`${folder}/filler`, Buffer.alloc(60_000))
    const warnings: string[] = []
    const store = openStore(path.join(folder, 'meta'), { warnings })
    onTestFinished(() => store.close())
    expect(warnings[0]).toMatch(/the disk is full; free space on it\. Until then silences, acknowledgements/)
    await expect(store.silences()).rejects.toThrow(/the disk is full/)
    execFileSync('mount', ['-o', 'remount,size=64m', folder])
    await store.putSilence(SILENCE)
    expect(await store.silences()).toEqual([SILENCE])
  })
})
