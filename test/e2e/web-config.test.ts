// --web.config.file, as an operator starts it.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { Authority, hasOpenssl } from '../support/certificates.ts'
import { MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { tempFolder } from '../support/temp-folder.ts'

const root = path.resolve(import.meta.dirname, '../..')

it.runIf(hasOpenssl)('serves over TLS, scrapes itself over it, and says so', async () => {
  const folder = tempFolder()
  const { certFile, keyFile } = new Authority(folder, 'ca').sign('IP:127.0.0.1')
  fs.writeFileSync(`${folder}/web.yml`, `tls_server_config: { cert_file: ${certFile}, key_file: ${keyFile} }\n`)
  const monitor = await MonitorProcess.launch(folder, { flags: [`--web.config.file=${folder}/web.yml`] })
  onTestFinished(() => monitor.kill9())
  const url = `https://127.0.0.1:${monitor.port}`
  await waitFor('the start', async () => monitor.output.includes(`serves ${url}`))
  expect(monitor.output).toContain(`scrapes 1 target (${url}/metrics)`)
  const query = (text: string): string => spawnSync(process.execPath, ['cmd/monitor.ts', 'query', 'instant', url, text], { cwd: root, encoding: 'utf8', env: { ...process.env, NODE_EXTRA_CA_CERTS: `${folder}/ca.crt` } }).stdout
  await waitFor('a scrape', async () => query('up').startsWith(`up{instance="127.0.0.1:${monitor.port}", job="monitor"} => 1 `))
  expect(await monitor.stop()).toBe(0)
})

it('does not start with a web configuration that cannot be used', () => {
  const folder = tempFolder()
  const f = (text: string | null, fault: string): void => {
    if (text !== null) fs.writeFileSync(`${folder}/web.yml`, text)
    const { status, stderr } = spawnSync(process.execPath, ['cmd/monitor.ts', `--storage.tsdb.path=${folder}/data`, '--web.listen-address=127.0.0.1:0', `--web.config.file=${folder}/web.yml`], { cwd: root, encoding: 'utf8', timeout: 60_000 })
    expect([status, stderr]).toEqual([1, fault])
  }
  f(null, `monitor: web configuration ${folder}/web.yml: cannot read ${folder}/web.yml: no such file or directory (ENOENT)\n`)
  f('basic_auth_user: {}\n', `monitor: ${folder}/web.yml:1:1: unknown key "basic_auth_user"; did you mean "basic_auth_users"?\n`)
})
