// A thread of rules that dies of its first configuration.
import { parentPort } from 'node:worker_threads'

parentPort!.on('message', () => {
  throw new Error('a fault of our own')
})
