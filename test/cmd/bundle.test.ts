import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { bundleInto, newFolder } from '../../cmd/bundle.ts'
import { DIST, freshBundle, inputOf, installedList, installedPackages, publishBundle } from '../../cmd/bundled.ts'
import { freePort, waitFor } from '../support/monitor-process.ts'

const root = path.resolve(import.meta.dirname, '../..')
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-bundle-'))
afterAll(() => fs.rmSync(work, { recursive: true }))

/** What a GET answers, as JSON. */
async function json(url: string): Promise<{ data: { groups: { name: string }[]; result: { value: [number, string] }[] } }> {
  const reply = await fetch(url)
  if (reply.status !== 200) throw new Error(`${url}: ${reply.status} ${await reply.text()}`)
  return (await reply.json()) as Awaited<ReturnType<typeof json>>
}

describe('a bundle', () => {
  it('serves as the sources do: its threads come from it, and what lies beside a source is found there', async () => {
    const outDir = newFolder(DIST)
    expect(fs.statSync(outDir).mode).toBe(fs.statSync(DIST).mode)
    onTestFinished(() => fs.rmSync(outDir, { recursive: true }))
    const { files, sources, packages } = await bundleInto(outDir)
    expect(packages).toEqual(expect.arrayContaining(['node_modules/fastify', 'node_modules/@fastify/static', 'node_modules/chevrotain']))
    expect(Object.keys(installedPackages())).toEqual(expect.arrayContaining([...packages]))
    expect(sources).toContain('storage/database.ts')
    expect(sources.filter((file) => file.startsWith('test/') || file.startsWith('web/ui/'))).toEqual([])
    expect(files.has('query-worker.js')).toBe(true)

    const port = await freePort()
    const entry = path.join(outDir, 'entry.js')
    fs.writeFileSync(entry, "import { run } from './run.js'\nprocess.exitCode = await run(process.argv.slice(2))\n")
    const child = spawn(process.execPath, [entry, `--storage.tsdb.path=${work}/data`, `--web.listen-address=127.0.0.1:${port}`], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
    const base = `http://127.0.0.1:${port}`
    try {
      await waitFor('readiness', async () => (await fetch(`${base}/-/ready`)).status === 200)
      // Of the rules' thread, over the file that lies beside lib/config/load.ts.
      const groups = await waitFor('the own rules', async () => (await json(`${base}/api/v1/rules`)).data.groups)
      expect(groups.map(({ name }: { name: string }) => name)).toEqual(['monitor-deadman', 'monitor-self', 'monitor-servers', 'monitor-targets'])
      const value = await waitFor('a scrape', async () => (await json(`${base}/api/v1/query?query=up`)).data.result[0]?.value[1])
      expect(value).toBe('1')
    } finally {
      child.kill('SIGTERM')
    }
    expect(await ended, output).toBe(0)
    expect(output).not.toMatch(/level=(WARN|ERROR)/)
  })

  it('is loaded only while all that it was made of is as it was', () => {
    const dist = path.join(work, 'dist')
    const tree = path.join(work, 'tree')
    for (const folder of [dist, `${dist}/abc`, tree]) fs.mkdirSync(folder)
    fs.writeFileSync(`${dist}/abc/run.js`, '')
    const write = (name: string, text: string): void => fs.writeFileSync(path.join(tree, name), text)
    const install = (packages: object): void => write('node_modules/.package-lock.json', JSON.stringify({ packages }))
    const own = { 'node_modules/used': { version: '1.0.0', integrity: 'sha512-a' } }
    fs.mkdirSync(`${tree}/node_modules`)
    install({ ...own, 'node_modules/builder': { version: '2.0.0' } })
    const publish = (): void => publishBundle({
      id: 'abc', inputs: ['a.ts', 'b.ts'].map((name) => inputOf(name, tree)!), installed: installedList(tree), packages: { 'node_modules/used': '1.0.0 sha512-a' },
    }, dist)
    expect(freshBundle(dist, tree)).toBeNull()
    write('a.ts', '1')
    write('b.ts', '2')
    publish()
    expect(freshBundle(dist, tree)).toBe(path.join(dist, 'abc'))

    const f = (what: string, change: () => void): void => {
      change()
      expect(freshBundle(dist, tree), what).toBeNull()
      write('a.ts', '1')
      write('b.ts', '2')
      publish()
    }
    f('longer', () => write('a.ts', '11'))
    f('touched', () => fs.utimesSync(path.join(tree, 'b.ts'), 1, 1))
    f('gone', () => fs.rmSync(path.join(tree, 'b.ts')))
    f('without its files', () => fs.renameSync(`${dist}/abc/run.js`, `${dist}/abc/away.js`))
    fs.renameSync(`${dist}/abc/away.js`, `${dist}/abc/run.js`)
    f('without a package list', () => fs.rmSync(`${tree}/node_modules/.package-lock.json`))
    install(own)
    publish()
    f('of another version', () => install({ 'node_modules/used': { version: '1.0.1', integrity: 'sha512-b' } }))
    install({ ...own, 'node_modules/builder': { version: '2.0.0' } })
    publish()
    // npm prune --omit=dev: what only builds need has gone.
    install(own)
    fs.utimesSync(`${tree}/node_modules/.package-lock.json`, 1, 1)
    expect(freshBundle(dist, tree)).toBe(path.join(dist, 'abc'))
    f('cut', () => fs.truncateSync(path.join(dist, 'current.json'), 20))
  })
})
