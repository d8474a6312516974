// A real S3 server for tests: OpenStack Swift with its S3 API (Debian's python3-swift), on loopback, in a folder of the test's own.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'

const PYTHON = '/usr/bin/python3'
/** Whether the package python3-swift is there. */
export const hasSwift: boolean = existsSync('/usr/lib/python3/dist-packages/swift/proxy/server.py')

export interface SwiftServer {
  endpoint: string
  accessKey: string
  secretKey: string
  pid: number
  stop(): Promise<void>
}

/** Resolves when it answers; `folder` must be empty, on a file system that has extended attributes. */
export async function startSwift(folder: string): Promise<SwiftServer> {
  const child = spawn(PYTHON, [path.join(import.meta.dirname, 'swift-s3.py'), folder], { stdio: ['pipe', 'pipe', 'pipe'] })
  let complaints = ''
  child.stderr.on('data', (text: Buffer) => (complaints += text.toString('utf8')))
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const port = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (text: Buffer) => resolve(text.toString('utf8').trim()))
    child.once('exit', (code) => reject(new Error(`swift ended with ${code}: ${complaints}`)))
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  return { endpoint: `http://127.0.0.1:${port}`, accessKey: 'test:tester', secretKey: 'testing-secret', pid: child.pid!, stop }
}
