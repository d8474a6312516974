// fast-check with the run's seed: every test takes it from here, so that one run of a commit fails or passes as the next does.
import fc from 'fast-check'
import { freshSeed } from '../../lib/std/random.ts'

fc.configureGlobal({ seed: freshSeed() | 0 })

export { fc }
