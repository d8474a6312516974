import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FileDiscoverer } from '../../discovery/file.ts'
import { FakeClock, systemClock, type Clock } from '../../lib/std/clock.ts'
import { Logger } from '../../lib/std/log.ts'
import type { TargetGroup } from '../../lib/model/target-group.ts'
import { waitFor } from '../support/monitor-process.ts'
import { tempFolder } from '../support/temp-folder.ts'

interface Found {
  /** Addresses now known, by source. */
  now: Map<string, string[]>
  log: string[]
  errors: number
}

function discover(files: readonly string[], clock: Clock): Found {
  const found: Found = { now: new Map(), log: [], errors: 0 }
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const logger = new Logger({ level: 'info', format: 'logfmt', write: (line) => found.log.push(line) })
  const discoverer = new FileDiscoverer({ config: { files, refreshIntervalMs: 60_000 }, clock, logger, onError: () => found.errors++ })
  void discoverer.run((groups: readonly TargetGroup[]) => {
    for (const group of groups) {
      if (group.targets.length === 0) found.now.delete(group.source)
      else found.now.set(group.source, group.targets.map((target) => target.get('__address__')!))
    }
  }, stop.signal)
  return found
}

describe('file discovery', () => {
  it('reads JSON and YAML, by name and by glob, with labels', async () => {
    const folder = tempFolder()
    fs.writeFileSync(`${folder}/a.json`, '[{"targets": ["a:1", "b:2"], "labels": {"env": "prod"}}]')
    fs.writeFileSync(`${folder}/b.yml`, '- targets: [c:3]\n- targets: [d:4]\n  labels: {x: "1"}\n')
    fs.writeFileSync(`${folder}/c.txt`, 'no')
    // As one that goes between two looks.
    fs.symlinkSync('/nowhere', `${folder}/d.yml`)
    const found = discover([`${folder}/a.json`, `${folder}/*.yml`], new FakeClock())
    expect(found.now).toEqual(new Map([[`${folder}/a.json:0`, ['a:1', 'b:2']], [`${folder}/b.yml:0`, ['c:3']], [`${folder}/b.yml:1`, ['d:4']]]))
    expect(found.errors).toBe(0)
  })

  it('refuses a file that is not UTF-8, and repairs nothing', () => {
    const folder = tempFolder()
    fs.writeFileSync(`${folder}/a.json`, Buffer.from('[{"targets": ["a:1"], "labels": {"env": "caf\xe9"}}]', 'latin1'))
    const found = discover([`${folder}/a.json`], new FakeClock())
    expect(found.now).toEqual(new Map())
    expect(found.log.join()).toContain('the file is not UTF-8 (EILSEQ)')
  })

  it.each([
    ['a pipe that nobody writes to', (file: string) => void spawnSync('mkfifo', [file])],
    ['a device without an end', (file: string) => fs.symlinkSync('/dev/zero', file)],
    ['a folder', (file: string) => fs.mkdirSync(file)],
  ])('refuses %s at once', (_, make) => {
    const folder = tempFolder()
    fs.writeFileSync(`${folder}/a.yml`, '- targets: [a:1]\n')
    make(`${folder}/b.yml`)
    const found = discover([`${folder}/*.yml`], new FakeClock())
    expect(found.now).toEqual(new Map([[`${folder}/a.yml:0`, ['a:1']]]))
    expect(found.log.join()).toContain('it is a pipe, a device or a folder; give a regular file (EINVAL)')
    expect(found.errors).toBe(1)
  })

  it('keeps what a file said when it turns bad, says why, and empties it when it is gone', async () => {
    const folder = tempFolder()
    const file = `${folder}/t.yml`
    fs.writeFileSync(file, '- targets: [a:1]\n- targets: [b:2]\n')
    const clock = new FakeClock()
    const found = discover([file], clock)
    fs.writeFileSync(file, '- target: [a:1]\n')
    await clock.advance(60_000)
    expect(found.now.size).toBe(2)
    expect(found.errors).toBe(1)
    expect(found.log.join()).toContain('in entry 1; did you mean')
    fs.writeFileSync(file, '- targets: [a:1]\n')
    await clock.advance(60_000)
    expect([...found.now.values()]).toEqual([['a:1']])
    fs.rmSync(file)
    await clock.advance(60_000)
    expect(found.now.size).toBe(0)
  })

  it('sees a file that is replaced by rename, without waiting for the refresh', async () => {
    const folder = tempFolder()
    const file = `${folder}/t.json`
    const found = discover([file], systemClock)
    expect(found.now.size).toBe(0)
    fs.writeFileSync(`${folder}/.new`, '[{"targets": ["a:1"]}]')
    fs.renameSync(`${folder}/.new`, file)
    await waitFor('the file', async () => found.now.size === 1, 5000)
    fs.writeFileSync(`${folder}/.new`, '[{"targets": ["b:1"]}]')
    fs.renameSync(`${folder}/.new`, file)
    await waitFor('the new content', async () => [...found.now.values()].join() === 'b:1', 5000)
  })

  it('watches a folder that was not there at the start, or that has been replaced, from the next refresh on', async () => {
    const folder = `${tempFolder()}/later`
    const clock = new FakeClock()
    const found = discover([`${folder}/*.json`], clock)
    expect(found.log.join()).toContain('cannot watch a folder of targets')
    for (const [name, port] of [['t', 1], ['u', 2]] as const) {
      fs.rmSync(folder, { recursive: true, force: true })
      fs.mkdirSync(folder)
      await clock.advance(60_000)
      fs.writeFileSync(`${folder}/${name}.json`, `[{"targets": ["a:${port}"]}]`)
      // Far from the next refresh: a tenth of a second a look.
      await waitFor('the file', async () => {
        await clock.advance(100)
        return [...found.now.values()].join() === `a:${port}`
      }, 5000)
    }
  })

  it('lets the thread turn while it reads a large file, and reads it again if it has changed meanwhile', async () => {
    const folder = tempFolder()
    const file = `${folder}/t.yml`
    // The comments keep it from the short way, so that it takes some 20 slices.
    const large = (port: number): string => Array.from({ length: 4000 }, (_, i) => `- targets: [a${i}:${port}] # large\n`).join('')
    fs.writeFileSync(file, large(1))
    const found = discover([file], systemClock)
    expect(found.now.size).toBe(0)
    let turns = 0
    const counting = setInterval(() => turns++, 1)
    onTestFinished(() => clearInterval(counting))
    fs.writeFileSync(`${folder}/.new`, large(2))
    fs.renameSync(`${folder}/.new`, file)
    await waitFor('the new content', async () => found.now.get(`${file}:3999`)?.[0] === 'a3999:2')
    expect(found.now.size).toBe(4000)
    expect(turns).toBeGreaterThan(5)
    expect(found.errors).toBe(0)
  })
})
