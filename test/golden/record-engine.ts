// Re-records engine-3.14.json.gz:
//
//   go build -o ENGINE record-engine.go      in a module that requires github.com/prometheus/prometheus v0.314.0
//   node test/golden/record-engine.ts ENGINE
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { ANSWERS_FILE, errorLine, pointLine, readQuestions } from './engine-questions.ts'

/** What record-engine.go prints. */
interface Answer {
  Error: string
  Points: { Labels: Record<string, string> | null; T: number; V: string }[] | null
  Notes: string[] | null
}

const [engine] = process.argv.slice(2)
if (engine === undefined) throw new Error('usage: node test/golden/record-engine.ts ENGINE')

const sets = readQuestions()
const input = sets.flatMap(({ load, asked }) => [
  { Load: load },
  ...asked.map(({ query, startMs, endMs, stepMs, isDelayed, isTyped }) => (
    { Query: query, Start: startMs, End: endMs, Step: stepMs, Delayed: isDelayed, TypeLabels: isTyped }
  )),
])
const output = execFileSync(engine, { input: input.map((line) => `${JSON.stringify(line)}\n`).join(''), maxBuffer: 1 << 28 }).toString()
const answers = output.trimEnd().split('\n').map((line) => JSON.parse(line) as Answer)
const lines = answers.map(({ Error: message, Points, Notes }) => (message !== ''
  ? [errorLine(message)]
  : [...(Points ?? []).map(({ Labels, T, V }) => pointLine(Labels ?? {}, V, T)), ...(Notes ?? [])].toSorted()))
writeFileSync(ANSWERS_FILE, gzipSync(JSON.stringify(lines), { level: 9 }))
console.log(`${lines.length} answers`)
