// scrape_failure_log_file: a JSON line per failed scrape, with the keys of Prometheus' (util/logging/file.go). Written
// whole lines at a time, at the end of the file, which several jobs may share.
import type { Logger } from '../std/log.ts'
import { DiskError, DiskFile } from '../std/fs.ts'

export class FailureLog {
  readonly path: string
  readonly #logger: Logger
  #file: DiskFile | null = null

  constructor(path: string, logger: Logger) {
    this.path = path
    this.#logger = logger
  }

  /** `t` in Unix ms. A disk that refuses is reported in the ordinary log, and tried again at the next failure. */
  write(t: number, fields: { job: string; target: string; err: Error }): void {
    const line = JSON.stringify({ time: new Date(t).toISOString(), level: 'ERROR', msg: fields.err.message, job_name: fields.job, target: fields.target })
    try {
      this.#file ??= DiskFile.openForWrite(this.path)
      this.#file.write(Buffer.from(`${line}\n`), this.#file.sizeBytes())
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.#logger.repeated('warn', 'cannot write scrape_failure_log_file', { file: this.path, err: error })
      this.close()
    }
  }

  close(): void {
    this.#file?.close()
    this.#file = null
  }
}
