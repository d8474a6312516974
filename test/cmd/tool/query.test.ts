import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { explainText } from '../../../cmd/tool/explain-text.ts'
import { runTool } from '../../../cmd/tool/tool.ts'
import { FakeClock } from '../../../lib/std/clock.ts'
import { Authority, hasOpenssl } from '../../support/certificates.ts'
import { freePort } from '../../support/monitor-process.ts'
import { tempFolder } from '../../support/temp-folder.ts'

interface Recorded {
  args: string[]
  path: string
  body: string
  promql: string
  json: string
}

interface Asked {
  method: string
  path: string
  parameters: [string, string][]
  headers: IncomingMessage['headers']
}

const recorded = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../golden/promtool-query.json'), 'utf8')) as Recorded[]
let server: Server | null = null
const asked: Asked[] = []

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
  server = null
  asked.length = 0
})

/** A server that gives every request to `answer`; its URL. */
async function serve(answer: (asked: Asked, response: ServerResponse) => void): Promise<string> {
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const url = new URL(request.url!, 'http://x')
      const parameters = [...(body === '' ? url.searchParams : new URLSearchParams(body))]
      const one = { method: request.method!, path: url.pathname, parameters, headers: request.headers }
      asked.push(one)
      answer(one, response)
    })
  })
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server!.address() as AddressInfo).port}`
}

const says = (status: number, body: unknown) => (_: Asked, response: ServerResponse): void => {
  response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
}
const NOTHING = { status: 'success', data: { resultType: 'vector', result: [] } }

async function run(...argv: string[]): Promise<{ code: number | null; out: string; err: string }> {
  let out = ''
  let err = ''
  const clock = new FakeClock(1_700_000_000_000)
  const code = await runTool(argv, { out: (text) => (out += text), err: (text) => (err += text), clock })
  return { code, out, err }
}

describe('monitor query', () => {
  it('prints what promtool prints', async () => {
    expect(recorded.length).toBeGreaterThan(25)
    let current: Recorded
    const url = await serve((_, response) => response.end(current.body))
    for (current of recorded) {
      const words = current.args.map((arg) => (arg === 'SERVER' ? url : arg))
      expect(await run('query', ...words)).toEqual({ code: 0, out: current.promql, err: '' })
      expect(await run('query', '-o', 'json', ...words)).toEqual({ code: 0, out: current.json, err: '' })
      expect(asked.at(-1)!.path).toBe(current.path)
    }
  })

  it('prints strings, at which promtool fails', async () => {
    const url = await serve(says(200, { status: 'success', data: { resultType: 'string', result: [5.5, 'a <b>\n'] } }))
    expect((await run('query', 'instant', url, 'x')).out).toBe('a <b>\n\n')
    expect((await run('query', '-ojson', 'instant', url, 'x')).out).toBe('[5.5,"a \\u003cb\\u003e\\n"]\n')
  })

  it('asks for what promtool asks for', async () => {
    const url = await serve(says(200, NOTHING))
    const f = async (argv: string[], method: string, where: string, parameters: Record<string, string>): Promise<void> => {
      expect((await run('query', ...argv)).err).toBe('')
      expect(asked.at(-1)).toMatchObject({ method, path: where, parameters: Object.entries(parameters) })
    }
    await f(['instant', url, 'up'], 'POST', '/api/v1/query', { query: 'up', time: '1700000000' })
    await f(['instant', `${url}/deep/`, 'up', '--time', '2023-11-14T22:13:20.5Z'], 'POST', '/deep/api/v1/query', { query: 'up', time: '1700000000.5' })
    await f(['range', url, 'up'], 'POST', '/api/v1/query_range', { query: 'up', start: '1699999700', end: '1700000000', step: '1' })
    await f(['range', '--start=0', '--end', '1000', url, 'up'], 'POST', '/api/v1/query_range', { query: 'up', start: '0', end: '1000', step: '4' })
    await f(['range', '--step=1m30s', url, '--', '-up'], 'POST', '/api/v1/query_range', { query: '-up', start: '1699999700', end: '1700000000', step: '90' })
    const reach = { start: '1664003600', end: '1735996400' }
    server!.removeAllListeners('request').on('request', (request: IncomingMessage, response: ServerResponse) => {
      request.resume()
      const target = new URL(request.url!, 'http://x')
      request.on('end', () => response.end('{"status":"success","data":[]}'))
      asked.push({ method: request.method!, path: target.pathname, parameters: [...target.searchParams], headers: request.headers })
    })
    await f(['labels', url, 'a/b', '--match=x'], 'GET', '/api/v1/label/a%2Fb/values', { 'match[]': 'x', ...reach })
  })

  it('sends headers along, and GET where POST is refused', async () => {
    const url = await serve((one, response) => (one.method === 'POST' ? says(405, 'no')(one, response) : says(200, NOTHING)(one, response)))
    expect(await run('query', 'instant', '--header', 'X-Scope-OrgID=team a', '--header=Authorization:Bearer x=y', url, 'up')).toEqual({ code: 0, out: '\n', err: '' })
    expect(asked.map(({ method }) => method)).toEqual(['POST', 'GET'])
    expect(asked[1]!.headers).toMatchObject({ 'x-scope-orgid': 'team a', authorization: 'Bearer x=y' })
    expect(asked[1]!.parameters).toEqual(asked[0]!.parameters)
  })

  it('sends name and password of the URL, unless a header says who asks', async () => {
    const url = await serve(says(200, NOTHING))
    const f = async (authorization: string, ...more: string[]): Promise<void> => {
      expect(await run('query', 'instant', url.replace('http://', 'http://ops:p%40ss@'), 'up', ...more)).toEqual({ code: 0, out: '\n', err: '' })
      expect(asked.at(-1)!.headers.authorization).toBe(authorization)
    }
    await f(`Basic ${Buffer.from('ops:p@ss').toString('base64')}`)
    await f('Bearer x', '--header=Authorization=Bearer x')
  })

  it('asks as --http.config.file says', async () => {
    const folder = tempFolder()
    const url = await serve(says(200, NOTHING))
    const f = async (text: string, want: object, ...more: string[]): Promise<void> => {
      writeFileSync(`${folder}/http.yml`, text)
      expect(await run('query', 'instant', `--http.config.file=${folder}/http.yml`, url, 'up', ...more)).toMatchObject(want)
    }
    writeFileSync(`${folder}/password`, 'secret\n')
    await f('basic_auth: { username: ops, password_file: password }\n', { code: 0 })
    expect(asked.at(-1)).toMatchObject({ method: 'POST', headers: { authorization: `Basic ${Buffer.from('ops:secret').toString('base64')}` } })
    await f('basic_auth: { username: ops, password: x }\n', { code: 0 }, '--header=Authorization=Bearer y')
    expect(asked.at(-1)!.headers.authorization).toBe('Bearer y')
    await f('authorization: { credentials: token }\nhttp_headers: { X-Scope-OrgID: { values: [a] } }\n', { code: 0 }, '--header=X-More=b')
    expect(asked.at(-1)!.headers).toMatchObject({ authorization: 'Bearer token', 'x-scope-orgid': 'a', 'x-more': 'b' })
    await f('basic_aut: {}\n', { code: 1, err: `query error: ${folder}/http.yml:1:1: unknown key "basic_aut"; did you mean "basic_auth"?\n` })
    await f('- a\n', { code: 1, err: `query error: ${folder}/http.yml:1:1: want keys such as basic_auth, authorization and tls_config, got a list\n` })
    expect((await run('query', 'instant', '--http.config.file=/nope.yml', url, 'up')).err).toBe('query error: cannot read /nope.yml: no such file or directory (ENOENT)\n')
  })

  it.runIf(hasOpenssl)('asks over TLS whom the file trusts', async () => {
    const folder = tempFolder()
    const { cert, key } = new Authority(folder, 'ca').sign('IP:127.0.0.1')
    const tls = createTlsServer({ cert, key }, (_, response) => response.end(JSON.stringify(NOTHING)))
    onTestFinished(() => void tls.close())
    await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve))
    const host = `127.0.0.1:${(tls.address() as AddressInfo).port}`
    writeFileSync(`${folder}/http.yml`, 'tls_config: { ca_file: ca.crt }\n')
    expect(await run('query', 'instant', `--http.config.file=${folder}/http.yml`, `https://${host}`, 'up')).toEqual({ code: 0, out: '\n', err: '' })
    expect((await run('query', 'instant', `https://${host}`, 'up')).err).toBe(`query error: cannot trust ${host}: tls: failed to verify certificate: x509: certificate signed by unknown authority; name the file with its authority: tls_config.ca_file of --http.config.file, or NODE_EXTRA_CA_CERTS=ca.pem in the environment\n`)
  })

  it('follows redirects', async () => {
    const url = await serve((one, response) => (one.path.startsWith('/new') ? response.end(JSON.stringify(NOTHING)) : response.writeHead(302, { Location: `/new${one.path}` }).end()))
    expect(await run('query', 'instant', url, 'up')).toEqual({ code: 0, out: '\n', err: '' })
    expect(asked.map(({ method, path: where }) => `${method} ${where}`)).toEqual(['POST /api/v1/query', 'GET /api/v1/query', 'GET /new/api/v1/query'])
  })

  it('shows warnings beside the answer', async () => {
    const url = await serve(says(200, { ...NOTHING, warnings: ['mind the gap'], infos: ['by the way'] }))
    expect(await run('query', 'instant', url, 'up')).toEqual({ code: 0, out: '\n', err: 'query warning: mind the gap\nquery info: by the way\n' })
  })

  it('says what went wrong and what to do, with code 1', async () => {
    const f = async (answer: (asked: Asked, response: ServerResponse) => void, want: string, ...more: string[]): Promise<void> => {
      const url = await serve(answer)
      expect(await run('query', 'instant', url, 'sum(', ...more)).toEqual({ code: 1, out: '', err: `query error: ${want.replace('HOST', new URL(url).host)}\n` })
      server!.closeAllConnections()
      server!.close()
    }
    await f(says(400, { status: 'error', errorType: 'bad_data', error: 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis' }),
      'bad_data: invalid parameter "query": 1:5: parse error: unclosed left parenthesis')
    await f(says(404, '404 page not found\n'), 'the server answers 404 Not Found without JSON: 404 page not found; is this the URL of a Prometheus API?')
    await f(says(401, 'Unauthorized\n'), 'the server asks for a name and a password, or has others: give them in the URL (http://NAME:PASSWORD@HOST) or in a file: --http.config.file')
    await f(says(200, '[]'), "the server answers 200 OK and JSON that is not its API's")
    await f(says(200, 'null'), "the server answers 200 OK and JSON that is not its API's")
    await f(says(502, { status: 'success', data: 1 }), "the server answers 502 Bad Gateway and JSON that is not its API's")
    await f(() => {}, 'HOST does not answer within 0.05 s; give a longer --timeout', '--timeout=50ms')
    await f((_, response) => response.destroy(), 'cannot reach HOST: EOF: connection closed without an answer')
    await f(says(200, NOTHING), 'the server does not explain queries; only Monitor does', '--explain')
    await f(says(200, { status: 'success', data: { resultType: 'vector' } }), 'the server answers with data that are no query result')
    const closed = `127.0.0.1:${await freePort()}`
    expect((await run('query', 'instant', closed, 'up')).err).toBe(`query error: nothing listens on ${closed}; is the server running there?\n`)
    expect((await run('query', 'instant', 'http://[', 'up')).err).toBe('query error: "http://[" is not a server\'s URL; give one such as http://localhost:9090\n')
  })

  it('refuses a wrong command line with code 2', async () => {
    const f = async (want: string, ...argv: string[]): Promise<void> => {
      expect(await run('query', ...argv)).toEqual({ code: 2, out: '', err: `monitor: ${want}\nSee monitor query --help.\n` })
    }
    await f('query wants a command: instant, range, series or labels')
    await f('there is no command query instnt; there are instant, range, series and labels', 'instnt', 'x', 'y')
    await f('query instant wants SERVER EXPR; EXPR is missing', 'instant', 'http://x')
    await f('query instant wants SERVER EXPR; "b" is too much: quote the expression', 'instant', 'http://x', 'a', 'b')
    await f('query instant takes no --step', 'instant', 'http://x', 'a', '--step=5')
    await f('unknown flag --tme; did you mean --time?', 'instant', '--tme=5', 'http://x', 'a')
    await f('unknown flag -f; put -- before an argument that begins with a minus', 'instant', 'http://x', '-foo')
    await f('flag --time wants a value', 'instant', 'http://x', 'a', '--time')
    await f('flag --time is given twice', 'instant', 'http://x', 'a', '--time=1', '--time=2')
    await f('flag --explain takes no value', 'instant', 'http://x', 'a', '--explain=1')
    await f('--format wants promql or json, got "yaml"', '-oyaml', 'instant', 'http://x', 'a')
    await f('--time: cannot parse "noon" to a valid timestamp; give RFC 3339 or Unix seconds', 'instant', '--time=noon', 'http://x', 'a')
    await f('--step: "0" is no duration; give one such as 30s or 1h30m', 'range', '--step=0', 'http://x', 'a')
    await f('start time is not before end time', 'range', '--start=5', '--end=5', 'http://x', 'a')
    await f('query series wants at least one --match=SELECTOR', 'series', 'http://x')
    await f('--header wants NAME=VALUE, got "x"', 'instant', '--header=x', 'http://x', 'a')
    expect((await run('query', '--help')).out).toContain('monitor query [-o|--format promql|json]')
    expect(await run('start')).toEqual({ code: null, out: '', err: '' })
  })

  it('asks a tier by name, and tells which tiers answered', async () => {
    const tree = {
      node: 'sum(x)', series: 1, ms: 1, tiers: [{ tier: 'raw', steps: 3, rows: 9 }, { tier: '1h', steps: 1200, rows: 1 }],
      children: [{ node: 'x', tiers: [{ tier: 'raw', steps: 0, rows: 9 }, { tier: '1h', steps: 1200, rows: 1 }] }],
    }
    const url = await serve(says(200, { status: 'success', data: { resultType: 'vector', result: [], explain: tree } }))
    expect((await run('query', 'instant', '--explain', '--tier=1h', url, 'sum(x)')).out.split('\n')).toEqual([
      'node        series     samples          ms   steps by tier',
      'sum(x)           1           -         1.0   raw 3, 1h 1,200',
      '└─ x             -           -           -   1h 1,200',
      '',
    ])
    expect(asked.at(-1)!.parameters).toContainEqual(['tier', '1h'])
  })

  it('explains a query as a tree', async () => {
    const tree = {
      node: 'sum by (job)', series: 3, samples: 0, ms: 41.26,
      children: [{ node: 'a / b', ms: 40, children: [{ node: 'rate(x[5m])', series: 500, samples: 120_000, ms: 30 }, { node: 'y', series: 1 }] }],
    }
    const want = [
      'node                   series     samples          ms',
      'sum by (job)                3           0        41.3',
      '└─ a / b                    -           -        40.0',
      '   ├─ rate(x[5m])         500     120,000        30.0',
      '   └─ y                     1           -           -',
    ]
    expect(explainText(tree).split('\n')).toEqual(want)
    for (const data of [{ explain: tree }, { stats: { explain: tree } }]) {
      const url = await serve(says(200, { status: 'success', data: { resultType: 'vector', result: [], ...data } }))
      expect((await run('query', '--explain', 'sum(x)', '--server', url)).out).toBe(`${want.join('\n')}\n`)
      expect(asked.at(-1)!.parameters).toEqual([['query', 'sum(x)'], ['time', '1700000000'], ['stats', 'all'], ['explain', '1']])
      expect(JSON.parse((await run('query', 'instant', '-ojson', '--explain', url, 'x')).out)).toEqual(tree)
      server!.closeAllConnections()
      server!.close()
    }
  })
})

describe('monitor promql format', () => {
  it('lays a query out', async () => {
    expect(await run('promql', 'format', 'sum(rate(x[5m]))by(job)')).toEqual({ code: 0, out: 'sum by (job) (rate(x[5m]))\n', err: '' })
    expect((await run('--experimental', 'promql', 'format', 'x')).code).toBe(null)
    expect((await run('promql', 'format', '--experimental', 'limitk(1,x)')).out).toBe('limitk(1, x)\n')
  })

  it('says what is wrong', async () => {
    expect(await run('promql', 'format', 'sum(')).toEqual({ code: 1, out: '', err: '1:5: parse error: unclosed left parenthesis\n' })
    expect((await run('promql', 'format')).err).toBe('monitor: promql format wants one EXPR; quote it\nSee monitor promql --help.\n')
    expect((await run('promql', 'fmt', 'x')).err).toBe('monitor: there is no command promql fmt; there is format\nSee monitor promql --help.\n')
  })
})
