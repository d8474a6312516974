// Whose keys sign requests: those of the configuration, else those of the environment, as AWS' tools name them.
import { DiskError, readRegularUtf8 } from '../../lib/std/fs.ts'
import { ObjectStoreError } from './object-store.ts'
import type { Credentials } from '../../lib/std/sigv4.ts'

export interface CredentialSource {
  /** '' where the environment has both keys. */
  accessKey: string
  secretKey: string
  /** File with the secret key, read for each request, so that a renewed one is taken up; '' for none. */
  secretKeyFile: string
}

/** Throws ObjectStoreError where there are none. */
export function findCredentials(source: CredentialSource, environment: Readonly<Record<string, string | undefined>>): Credentials {
  if (source.accessKey === '') {
    const accessKey = environment['AWS_ACCESS_KEY_ID'] ?? ''
    const secretKey = environment['AWS_SECRET_ACCESS_KEY'] ?? ''
    if (accessKey === '' || secretKey === '') {
      throw new ObjectStoreError('REFUSED', 'no keys to sign requests with: set access_key and secret_key (or secret_key_file), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
    }
    return { accessKey, secretKey, sessionToken: environment['AWS_SESSION_TOKEN'] ?? '' }
  }
  if (source.secretKeyFile === '') return { accessKey: source.accessKey, secretKey: source.secretKey, sessionToken: '' }
  try {
    return { accessKey: source.accessKey, secretKey: readRegularUtf8(source.secretKeyFile).trim(), sessionToken: '' }
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    throw new ObjectStoreError('REFUSED', `no secret key to sign requests with: ${error.message}`, error)
  }
}
