import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'

const SCRIPT = path.resolve(import.meta.dirname, '../../cmd/node.sh')
const LOADER = process.arch === 'arm64' ? '/lib/ld-linux-aarch64.so.1' : '/lib64/ld-linux-x86-64.so.2'

/** A tree whose pinned Node is this script; what it was called with goes to `calls`. */
function tree(node: string): { run: (...args: string[]) => string; calls: () => string[] } {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'monitor-test-'))
  onTestFinished(() => fs.rmSync(root, { recursive: true }))
  const bin = path.join(root, `node_modules/node-linux-${process.arch}/bin`)
  fs.mkdirSync(bin, { recursive: true })
  fs.mkdirSync(path.join(root, 'cmd'))
  fs.copyFileSync(SCRIPT, path.join(root, 'cmd/node.sh'))
  fs.writeFileSync(path.join(bin, 'node'), `#!/bin/sh\necho "$1" >>"${root}/calls"\n${node}\n`, { mode: 0o755 })
  const env = { ...process.env, PATH: `${path.dirname(process.execPath)}:${process.env['PATH']}` }
  return {
    run: (...args) => spawnSync('sh', [path.join(root, 'cmd/node.sh'), ...args], { encoding: 'utf8', env }).stdout,
    calls: () => fs.readFileSync(path.join(root, 'calls'), 'utf8').trim().split('\n'),
  }
}

describe.runIf(process.platform === 'linux')('cmd/node.sh', () => {
  it("becomes the user's own Node where the pinned one does not run, and asks again the next time", () => {
    const { run, calls } = tree('exit 1')
    for (let i = 0; i < 2; i++) expect(run('-p', 'process.versions.node')).toBe(`${process.versions.node}\n`)
    expect(calls()).toEqual(['--version', '--version'])
  })

  it('asks the pinned Node once whether it runs', () => {
    const { run, calls } = tree('echo pinned')
    for (let i = 0; i < 2; i++) expect(run(`start-${i}`)).toBe('pinned\n')
    expect(calls()).toEqual(['--version', 'start-0', ...(fs.existsSync(LOADER) ? [] : ['--version']), 'start-1'])
  })
})
