// Re-records alertmanager-api.json:
//
//   node test/golden/record-alertmanager-api.ts http://HOST:PORT
//
// HOST is an Alertmanager 0.35 just started over an empty folder, with CONFIG of alertmanager-api-cases.ts.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { askAll } from '../support/alertmanager-api.ts'

const [server] = process.argv.slice(2)
if (server === undefined) throw new Error('usage: node test/golden/record-alertmanager-api.ts http://HOST:PORT')
const answers = await askAll(server)
writeFileSync(path.join(import.meta.dirname, 'alertmanager-api.json'), `[\n${answers.map((answer) => JSON.stringify(answer)).join(',\n')}\n]\n`)
console.log(`${answers.length} answers`)
