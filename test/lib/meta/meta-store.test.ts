import { tempFolder } from '../../support/temp-folder.ts'
import { openStore } from './open-store.ts'
import { describeMetaStore } from './store-conformance.ts'

for (const isThread of [false, true]) {
  describeMetaStore(isThread ? 'SQLite in a thread' : 'SQLite in place', () => {
    const folder = tempFolder()
    return () => Promise.resolve(openStore(folder, { isThread }))
  })
}
