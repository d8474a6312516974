// The entry file of a thread that fetches ranges of the archive for a query thread.
import { workerData } from 'node:worker_threads'
import { serveFetches, type FetchSeat } from '../storage/object-store/fetch-thread.ts'

serveFetches(workerData as FetchSeat)
