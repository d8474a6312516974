// fast-check with the run's seed: every test takes it from here, so that one run of a commit fails or passes as the next does.
import fc from 'fast-check'
import { testSeed } from './seed.ts'

fc.configureGlobal({ seed: testSeed() | 0 })

export { fc }
