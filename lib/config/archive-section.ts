// `storage.archive`: where files of the 1-hour tier go once they do not change any more. Secrets never enter a message.
import path from 'node:path'
import { fileOf, isUrl, readTls } from './http-client.ts'
import type { MapReader } from './reader.ts'
import type { ArchiveConfig, S3Config } from './scrape-config.ts'

const REGION = 'us-east-1'
/** Amazon S3, "Bucket naming rules", with the dots that older buckets have. */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/

/** null: in the data folder. Relative paths start from `folder`. */
export function readArchive(reader: MapReader | null, folder: string): ArchiveConfig | null {
  if (reader === null) return null
  const s3 = reader.map('s3')
  const place = reader.text('folder', '')
  if (s3 !== null && place !== '') reader.error('s3', 'at most one of folder and s3 may be set')
  if (s3 === null && place === '') reader.problems.error(reader.at, `${reader.path}: want folder or s3`)
  reader.finish()
  return s3 === null ? { folder: path.resolve(folder, place) } : { s3: readS3(s3, folder) }
}

function readS3(reader: MapReader, folder: string): S3Config {
  const endpoint = reader.text('endpoint', '')
  const config = {
    endpoint, bucket: reader.text('bucket', ''), region: reader.text('region', REGION), prefix: reader.text('prefix', ''),
    isPathStyle: reader.bool('path_style', endpoint !== ''),
    accessKey: reader.text('access_key', ''), secretKey: reader.text('secret_key', ''), secretKeyFile: fileOf(reader, 'secret_key_file', folder),
    tls: readTls(reader.map('tls_config'), folder),
  }
  if (endpoint !== '' && !isOrigin(endpoint)) reader.error('endpoint', 'want a URL such as https://s3.example.org:9000, without a path')
  if (!BUCKET.test(config.bucket)) reader.error('bucket', config.bucket === '' ? 'must be set' : `${JSON.stringify(config.bucket)} is no name of a bucket (3 to 63 of a-z, 0-9, . and -)`)
  if (!/^[a-z0-9-]+$/.test(config.region)) reader.error('region', `want a region such as ${REGION}, got ${JSON.stringify(config.region)}`)
  if (!/^([\w.-]+(\/[\w.-]+)*)?$/.test(config.prefix)) reader.error('prefix', `want names joined by /, of letters, digits, _ . and -, got ${JSON.stringify(config.prefix)}`)
  const secrets = ['secret_key', 'secret_key_file'].filter((key) => reader.text(key, '') !== '')
  if (secrets.length > 1) reader.error('secret_key_file', 'at most one of secret_key and secret_key_file may be set')
  if ((config.accessKey === '') !== (secrets.length === 0)) reader.error('access_key', 'want access_key together with secret_key or secret_key_file, or neither: then AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment are taken')
  reader.finish()
  return config
}

function isOrigin(text: string): boolean {
  const url = URL.parse(text)
  return isUrl(text) && url!.pathname === '/' && url!.search === '' && url!.hash === '' && url!.username === '' && url!.password === ''
}
