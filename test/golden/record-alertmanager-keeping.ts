// Re-records alertmanager-keeping.json:
//
//   go build -o KEEPING record-alertmanager-keeping.go      in a module that requires github.com/prometheus/alertmanager v0.35.0
//   node test/golden/record-alertmanager-keeping.ts KEEPING
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { readMatcher } from '../support/keeping-world.ts'
import { KEEPING_FILE, KEEPING_STORIES, type KeepingAnswer } from './alertmanager-keeping-stories.ts'

const [keeping] = process.argv.slice(2)
if (keeping === undefined) throw new Error('usage: node test/golden/record-alertmanager-keeping.ts KEEPING')

const input = KEEPING_STORIES.map(({ config, startMs, steps }) => {
  const startsAt = new Map<string, number>()
  return {
    Config: config, StartMs: startMs,
    Steps: steps.map(({ at, fire = [], for: held = 1e9, end = [], silences = [], expire = [] }) => {
      const ms = at * 1000
      const alert = (labels: Record<string, string>, endsAt: number): object => {
        const key = JSON.stringify(labels)
        if (!startsAt.has(key)) startsAt.set(key, ms)
        return { labels, startsAt: startsAt.get(key), endsAt }
      }
      const alerts = [...fire.map((labels) => alert(labels, ms + held * 1000)), ...end.map((labels) => alert(labels, ms - 1))]
      for (const labels of end) startsAt.delete(JSON.stringify(labels))
      return {
        AtMs: ms, Alerts: alerts, Expire: expire,
        Silences: silences.map(({ key, matchers, from, to }) => ({
          Key: key, Body: { matchers: matchers.map(readMatcher).map(({ name, op, value }) => ({ name, value, isRegex: op.endsWith('~'), isEqual: op.startsWith('=') })), startsAt: from * 1000, endsAt: to * 1000, createdBy: 'me', comment: 'c' },
        })),
      }
    }),
  }
})
const { stderr, stdout } = spawnSync(keeping, { input: input.map((line) => `${JSON.stringify(line)}\n`).join(''), maxBuffer: 1 << 28, encoding: 'utf8' })
const lines = stderr.trimEnd().split('\n')
if (lines.length !== KEEPING_STORIES.length) throw new Error(`${lines.length} answers: ${lines.slice(-20).join('\n').slice(0, 3000)}${stdout}`)
const answers = lines.map((line, i) => {
  const { told, states } = JSON.parse(line) as KeepingAnswer
  // Groups side by side have no order.
  return [KEEPING_STORIES[i]!.name, { told: told.toSorted(), states }] as const
})
writeFileSync(KEEPING_FILE, `{\n${answers.map(([name, answer]) => `${JSON.stringify(name)}: ${JSON.stringify(answer)}`).join(',\n')}\n}\n`)
console.log(`${answers.length} stories, ${answers.reduce((sum, [, { told }]) => sum + told.length, 0)} lines told`)
