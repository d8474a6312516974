// Whether a remote-write body is well-formed, for one that is stored later: what is wrong with its bytes is said at once.
// What the store has to say of series and samples comes when it takes them.
import { RemoteWriteError } from '../format/remote-write-wire.ts'
import { SampleColumns, WriteRequestReader } from '../format/remote-write.ts'
import { SnappyDecoder, SnappyError } from '../kernels/snappy.ts'
import { DECODED_BYTES_MAX, type RemoteWriteResult } from './remote-write.ts'

/** Columns beyond this are given back after the request that needed them. */
const KEEP_SAMPLES = 1 << 17

export class WriteCheck {
  readonly #decoder = new SnappyDecoder(DECODED_BYTES_MAX)
  #columns = new SampleColumns()

  /** The answer if all of the body is stored, or why it cannot be: 400 or 413. */
  check(body: Uint8Array): RemoteWriteResult {
    try {
      const length = this.#decoder.decode(body)
      return this.#count(length)
    } catch (error) {
      if (error instanceof SnappyError) return refused(error.code === 'SNAPPY_TOO_LARGE' ? 413 : 400, error.message)
      if (error instanceof RemoteWriteError) return refused(error.code === 'REMOTE_WRITE_TOO_LARGE' ? 413 : 400, error.message)
      throw error
    }
  }

  #count(length: number): RemoteWriteResult {
    const { bytes, view } = this.#decoder
    const reader = new WriteRequestReader(bytes, view, length)
    const columns = this.#columns.values.length > KEEP_SAMPLES ? (this.#columns = new SampleColumns()) : this.#columns
    columns.clear()
    while (reader.nextSeries()) reader.readSamples(columns, reader.scanLabels())
    const histograms = columns.histograms.length + columns.histogramMarkerPlaces.length
    return { status: 204, message: '', samplesWritten: columns.count - histograms, histogramsWritten: histograms, exemplarsWritten: columns.exemplars.count }
  }
}

function refused(status: 400 | 413, message: string): RemoteWriteResult {
  return { status, message, samplesWritten: 0, histogramsWritten: 0, exemplarsWritten: 0 }
}
