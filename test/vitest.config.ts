import { defineConfig, type UserWorkspaceConfig } from 'vitest/config'

const config: UserWorkspaceConfig = defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
})

export default config
