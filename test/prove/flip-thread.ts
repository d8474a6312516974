// A thread that flips its share of the bits of a file.
import { parentPort, workerData } from 'node:worker_threads'
import { flipBits, type FlippedFile } from '../sim/bit-flips.ts'

const { file, first, stride } = workerData as { file: FlippedFile; first: number; stride: number }
parentPort!.postMessage(await flipBits(file, { first, stride }))
