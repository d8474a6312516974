// The entry file of a thread that fetches ranges of the archive for a query thread.
import { workerData } from 'node:worker_threads'
import { serveFetches } from '../storage/object-store/fetch-serve.ts'
import type { FetchSeat } from '../storage/object-store/fetch-thread.ts'

serveFetches(workerData as FetchSeat)
