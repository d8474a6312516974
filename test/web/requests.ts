// What tests of the server share: one that stops with its test, and short ways to ask it and to say what is expected.
import net from 'node:net'
import { onTestFinished } from 'vitest'
import type { ServerParts } from '../../web/parts.ts'
import { startServer, type TestServer } from '../support/web-server.ts'

/** A server for the test that runs; stopped when it ends, unless it is already. */
export async function start(change?: (parts: ServerParts) => Partial<ServerParts>, isReady = true): Promise<TestServer> {
  const server = await startServer(change, isReady)
  let stopped: Promise<void> | null = null
  const stop = (): Promise<void> => (stopped ??= server.stop())
  onTestFinished(stop)
  return { ...server, stop }
}

/** Status and body, parsed where it is JSON. */
export async function get(url: string, init?: RequestInit): Promise<[status: number, body: unknown]> {
  const response = await fetch(url, { redirect: 'manual', ...init })
  const text = await response.text()
  return [response.status, response.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text]
}

export const form = (text: string): RequestInit => ({ method: 'POST', body: text, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } })
export const success = (data: unknown): [number, unknown] => [200, { status: 'success', data }]
export const failure = (status: number, errorType: string, error: string): [number, unknown] => [status, { status: 'error', errorType, error }]

/** Sends raw bytes, gives all that came back until the server closed. */
export function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
    // A server that closes before it has read all resets the connection; what it said counts.
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
  })
}
