// The manual beside the program: flags, endpoints, metrics and configurations that it names are there, and work as they stand.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FLAGS, FOREIGN_FLAGS } from '../../cmd/flag-table.ts'
import { runTool } from '../../cmd/tool/tool.ts'
import { FakeClock } from '../../lib/std/clock.ts'
import { MonitorProcess } from '../support/monitor-process.ts'
import { tempFolder } from '../support/temp-folder.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const PAGES = ['README.md', ...readdirSync(`${ROOT}/docs`).filter((file) => file.endsWith('.md')).map((file) => `docs/${file}`)]
const textOf = (file: string): string => readFileSync(`${ROOT}/${file}`, 'utf8')
const manual = PAGES.map(textOf).join('\n')
/** Code in the text, between backticks or in blocks. */
const code = [...manual.matchAll(/```\w*\n(.*?)```|`([^`\n]+)`/gs)].map(([, block, word]) => block ?? word ?? '').join('\n')

function allOf(pattern: RegExp, text: string): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))].toSorted()
}

function blocks(language: string): [page: string, block: string][] {
  return PAGES.flatMap((page) => [...textOf(page).matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, block = '']): [string, string] => [page, block]))
}

async function tool(...args: string[]): Promise<{ code: number | null; said: string }> {
  let said = ''
  const write = (text: string): void => void (said += text)
  return { code: await runTool(args, { out: write, err: write, clock: new FakeClock() }), said }
}

describe('the manual', () => {
  it('lists every flag of the server, and no flag that nobody takes', async () => {
    const listed = allOf(/`--([a-z][a-z0-9.-]+)`/g, textOf('docs/configuration.md').split('\n').filter((line) => line.startsWith('| `--')).join('\n'))
    expect(listed).toEqual(FLAGS.map(({ name }) => name).toSorted())
    const helps = (await Promise.all(['query', 'tsdb', 'check', 'test'].map((word) => tool(word, '--help')))).map(({ said }) => said).join('') + textOf('cmd/deadman/flags.ts')
    // Of amtool and curl, of the text about flags, and what is said not to be there.
    const others = new Set(['alertmanager.url', 'no-version-check', 'comment', 'duration', 'flag', 'no-switch', 'diff', 'debug', 'help', 'data-urlencode'])
    const known = new Set([...FLAGS.map(({ name }) => name), ...FOREIGN_FLAGS.keys(), ...others, ...allOf(/--(?:\[no-\])?([a-z][a-z0-9.-]+)/g, helps)])
    expect(allOf(/(?<![\w-])--([a-z][a-z0-9.-]*[a-z0-9])/g, code).filter((name) => !known.has(name))).toEqual([])
  })

  it.each(blocks('yaml'))('%s: has a configuration that is taken: %s', async (_, block) => {
    const folder = tempFolder()
    const file = `${folder}/monitor.yml`
    writeFileSync(file, block)
    writeFileSync(`${folder}/alertmanager.yml`, 'route: {receiver: a}\nreceivers: [{name: a}]\n')
    const kind = /^(tls_server_config|basic_auth_users):/m.test(block) ? 'web-config' : block.includes('\ngroups:') ? 'rules' : block.includes('\nreceivers:') ? 'alertmanager' : 'config'
    expect(await tool('check', kind, file, ...(kind === 'config' || kind === 'web-config' ? ['--syntax-only'] : []))).toMatchObject({ code: 0 })
  })

  it('names endpoints and metrics that are there, and has bodies and commands that work', async () => {
    const monitor = await MonitorProcess.start(tempFolder(), { flags: ['--web.enable-admin-api'], config: `storage: {archive: {folder: ${tempFolder()}}}\n` })
    onTestFinished(() => monitor.kill9())
    const paths = allOf(/(\/(?:api|-|alertmanager|ack)\/[\w/<>.-]*\w)/g, code).filter((each) => !/\/(?:admin|v2)$/.test(each))
    expect(paths.length).toBeGreaterThan(40)
    const missing: string[] = []
    for (const each of paths) {
      const reply = await fetch(monitor.base + each.replace('<name>', 'job').replace(/\/(?:ID|NAME|TOKEN)(?=\/|$)/g, '/x'), { method: 'OPTIONS' })
      // Alertmanager's API refuses OPTIONS, of paths that are there.
      if (reply.status !== (each.startsWith('/alertmanager/api/') ? 405 : 204)) missing.push(`${each}: ${reply.status}`)
    }
    expect(missing).toEqual([])
    const routes = readdirSync(`${ROOT}/web/api`).flatMap((file) => allOf(/addRoute\(app, \[[^\]]*\], '(\/[^']*)'/g, textOf(`web/api/${file}`)))
    expect(routes.length).toBeGreaterThan(20)
    expect(routes.map((route) => route.replace(':name', '<name>')).filter((route) => !manual.includes(route) && !manual.includes(`\`${route.replace(/.*(?=\/)/, '')}\``))).toEqual([])
    const metrics = new Set(allOf(/^# TYPE (\S+)/gm, (await monitor.get('/metrics')).text))
    const named = allOf(/(?<![\w/.$])((?:monitor|prometheus|alertmanager|process|nodejs)_[a-z0-9_]*[a-z0-9])(?!\w|_\*)/g, code)
    expect(named.length).toBeGreaterThan(20)
    // The last is a series that rules record.
    expect(named.filter((name) => !metrics.has(name))).toEqual(['monitor_anomaly_learning_series'])
    const bodies = blocks('json').filter(([page]) => page === 'docs/rules.md').flatMap(([, block]) => block.split(/\n(?=\{)/))
    expect(bodies.length).toBeGreaterThan(4)
    for (const body of bodies) {
      const reply = await fetch(`${monitor.base}/api/alerts/rules`, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } })
      expect([reply.status, await reply.text()]).toEqual([201, expect.any(String)])
    }
    const lines = blocks('sh').flatMap(([, block]) => block.trim().split('\n'))
    const asks = lines.filter((line) => /^monitor (query|promql) /.test(line)).map((line) => [...line.matchAll(/'([^']*)'|([^\s']+)(?:'([^']*)')?/g)].slice(1).map(([, quoted, word = '', rest = '']) => quoted ?? word + rest))
    expect(asks.length).toBeGreaterThan(5)
    for (const words of asks) {
      const args = words.map((word) => word.replace('http://localhost:9090', monitor.base))
      expect([args, await tool(...args, ...(args.includes('--explain') ? [`--server=${monitor.base}`] : []))]).toEqual([args, { code: 0, said: expect.any(String) }])
    }
    const requests = lines.filter((line) => line.startsWith('curl ')).map((line) => /^curl -X (\w+) (?:-g )?'?http:\/\/localhost:9090([^']*)'?$/.exec(line) ?? [line])
    expect(requests.length).toBeGreaterThan(2)
    for (const [line, method = '', target = ''] of requests) expect([line, Math.floor((await fetch(monitor.base + target, { method })).status / 100)]).toEqual([line, 2])
  }, 120_000)
})
