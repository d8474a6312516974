import { expect, it } from 'vitest'
import { ConfigError, loadConfig } from '../../../lib/config/load.ts'
import type { Config } from '../../../lib/config/scrape-config.ts'

const archive = (text: string): Config['archive'] => loadConfig(`storage: {archive: ${text}}`, '/etc/monitor/monitor.yml', { strict: true }).config.archive

function fault(text: string): string {
  try {
    archive(text)
  } catch (error) {
    if (error instanceof ConfigError) return error.errors.map(({ message }) => message).join('; ')
    throw error
  }
  return ''
}

it('reads a folder, from the folder of the file', () => {
  expect(archive('{folder: hours}')).toEqual({ folder: '/etc/monitor/hours' })
  expect(archive('{folder: /mnt/nas}')).toEqual({ folder: '/mnt/nas' })
})

it('reads a bucket: in the host name at AWS, in the path elsewhere', () => {
  const s3 = { bucket: 'hours', region: 'us-east-1', prefix: '', accessKey: '', secretKey: '', secretKeyFile: '', tls: null }
  expect(archive('{s3: {bucket: hours}}')).toEqual({ s3: { ...s3, endpoint: '', isPathStyle: false } })
  expect(archive('{s3: {bucket: hours, endpoint: "http://127.0.0.1:9000", prefix: a/b, access_key: A, secret_key_file: key}}')).toEqual({
    s3: { ...s3, endpoint: 'http://127.0.0.1:9000', isPathStyle: true, prefix: 'a/b', accessKey: 'A', secretKeyFile: '/etc/monitor/key' },
  })
  expect(archive('{s3: {bucket: hours, endpoint: "https://s3.example", path_style: false, region: eu-west-3}}')).toMatchObject({ s3: { isPathStyle: false, region: 'eu-west-3' } })
})

it('says what is wrong, without the secrets', () => {
  expect(fault('{s3: {bucket: b1b}, folder: x}')).toContain('storage.archive.s3: at most one of folder and s3 may be set')
  expect(fault('{folder: ""}')).toContain('storage.archive: want folder or s3')
  expect(fault('{s3: {region: eu}}')).toContain('storage.archive.s3.bucket: must be set')
  expect(fault('{s3: {bucket: No_Name}}')).toContain('"No_Name" is no name of a bucket')
  for (const url of ['ftp://a', 'https://a/b', 'https://u:hunter2@a', 'a:9000']) {
    expect(fault(`{s3: {bucket: hours, endpoint: "${url}"}}`)).toContain('storage.archive.s3.endpoint: want a URL such as')
    expect(fault(`{s3: {bucket: hours, endpoint: "${url}"}}`)).not.toContain('hunter2')
  }
  expect(fault('{s3: {bucket: hours, prefix: /a/}}')).toContain('storage.archive.s3.prefix: want names joined by /')
  expect(fault('{s3: {bucket: hours, access_key: A}}')).toContain('want access_key together with secret_key')
  expect(fault('{s3: {bucket: hours, secret_key: hunter2}}')).toContain('want access_key together with secret_key')
  expect(fault('{s3: {bucket: hours, secret_key: hunter2}}')).not.toContain('hunter2')
  expect(fault('{s3: {bucket: hours, access_key: A, secret_key: hunter2, secret_key_file: f}}')).toContain('at most one of secret_key and secret_key_file')
  expect(fault('{s3: {bucket: hours, secrt_key: x}}')).toContain('did you mean "secret_key"?')
})
