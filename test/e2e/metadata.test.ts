// What metrics mean is known after a restart, also while their target does not answer.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { MonitorProcess, waitFor } from '../support/monitor-process.ts'
import { field, writeBody } from '../support/remote-write-body.ts'
import { tempFolder } from '../support/temp-folder.ts'

const PAGE = '# HELP jobs_total Jobs "done".\n# TYPE jobs_total counter\njobs_total 3\n'

describe('metadata', () => {
  it('is answered after a restart, until the target says something else', async () => {
    const target = http.createServer((_request, reply) => reply.setHeader('Content-Type', 'text/plain; version=0.0.4').end(PAGE)).listen(0, '127.0.0.1')
    onTestFinished(() => void target.close())
    await new Promise((resolve) => target.once('listening', resolve))
    const folder = tempFolder()
    const config = `global: { scrape_interval: 200ms, scrape_timeout: 200ms }\nscrape_configs: [{ job_name: x, static_configs: [{ targets: ['127.0.0.1:${(target.address() as AddressInfo).port}'] }] }]\n`
    const first = await MonitorProcess.start(folder, { config })
    onTestFinished(() => first.kill9())
    const pushed = writeBody([], field(3, Uint8Array.of(8, 2), field(2, Buffer.from('pushed')), field(4, Buffer.from('From afar.'))))
    const reply = await fetch(`${first.base}/api/v1/write`, { method: 'POST', headers: { 'content-encoding': 'snappy' }, body: new Uint8Array(pushed) })
    expect(reply.status).toBe(204)
    await waitFor('a scrape', async () => (await first.get('/api/v1/targets/metadata?metric=jobs_total')).text.includes('counter'))
    const want = [await first.get('/api/v1/targets/metadata'), await first.get('/api/v1/metadata')].map(({ text }) => text)
    expect(want[1]).toContain('From afar.')
    expect(await first.stop()).toBe(0)
    target.closeAllConnections()
    await new Promise((resolve) => target.close(resolve))
    const second = await MonitorProcess.start(folder, { config })
    onTestFinished(() => second.kill9())
    await waitFor('a failed scrape', async () => (await second.value('up')) === 0)
    expect([await second.get('/api/v1/targets/metadata'), await second.get('/api/v1/metadata')].map(({ text }) => text)).toEqual(want)
  }, 120_000)
})
