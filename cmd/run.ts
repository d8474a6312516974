// From a command line to an exit code: a tool, or the server.

/** Security fixes of Node that Monitor counts on are in this one. */
const NODE_MIN = [24, 14, 1] as const

/** Runs a tool to its end, or the server until a signal ends it; the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  if (isNodeTooOld(process.versions.node)) {
    process.stderr.write(`monitor: Node ${process.versions.node} is too old; use ${NODE_MIN.join('.')} or newer (npm start brings its own)\n`)
    return 1
  }
  // It must work where nothing else does: not a module of Monitor's is loaded for it.
  if (argv[0] === 'deadman') return (await import('./deadman/run.ts')).runDeadman(argv.slice(1))
  // A tool answers in a fifth of the time without the server's modules, and the server starts sooner without the tools'.
  if (argv[0]?.startsWith('-') === false) {
    const [{ runTool }, { standardIo }, { systemClock }] = await Promise.all([import('./tool/tool.ts'), import('./tool/tool-io.ts'), import('../lib/std/clock.ts')])
    const io = standardIo(systemClock)
    const code = await runTool(argv, io)
    const failure = await io.failure()
    if (failure !== '') process.stderr.write(failure)
    if (code !== null) return failure === '' ? code : 1
    process.stderr.write(`monitor: there is no command ${argv[0]}; there are query, tsdb, check, test, promql and deadman\nSee monitor --help.\n`)
    return 2
  }
  const { runServer } = await import('./run-server.ts')
  return runServer(argv)
}

function isNodeTooOld(version: string): boolean {
  const parts = version.split('.').map(Number)
  for (let i = 0; i < NODE_MIN.length; i++) if (parts[i] !== NODE_MIN[i]) return parts[i]! < NODE_MIN[i]!
  return false
}
