// Bodies of remote write 2.0 as those of 1.0, for what waits in the inbox while the store is being read: it has one form.
import { WriteRequestTranslator } from '../format/remote-write-v2.ts'
import { RemoteWriteError } from '../format/remote-write-wire.ts'
import { SnappyDecoder, SnappyError, snappyLiteral } from '../kernels/snappy.ts'
import { DECODED_BYTES_MAX } from './remote-write.ts'

export class WriteTranslator {
  readonly #decoder = new SnappyDecoder(DECODED_BYTES_MAX)
  readonly #translator = new WriteRequestTranslator(DECODED_BYTES_MAX)

  /** A compressed body of 1.0 that says the same, or why there is none. */
  toV1(body: Uint8Array): Uint8Array | { status: 400 | 413; message: string } {
    try {
      const length = this.#decoder.decode(body)
      const { bytes, view } = this.#decoder
      const translated = this.#translator.translate({ bytes, view, length })
      return snappyLiteral(translated.bytes.subarray(0, translated.length))
    } catch (error) {
      if (error instanceof SnappyError) return { status: error.code === 'SNAPPY_TOO_LARGE' ? 413 : 400, message: error.message }
      if (error instanceof RemoteWriteError) return { status: error.code === 'REMOTE_WRITE_TOO_LARGE' ? 413 : 400, message: error.message }
      throw error
    }
  }
}
