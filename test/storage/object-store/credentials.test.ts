import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { findCredentials } from '../../../storage/object-store/credentials.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const none = { accessKey: '', secretKey: '', secretKeyFile: '' }
const environment = { AWS_ACCESS_KEY_ID: 'EA', AWS_SECRET_ACCESS_KEY: 'ES', AWS_SESSION_TOKEN: 'ET' }

it('takes the keys of the configuration, else those of the environment', () => {
  expect(findCredentials({ ...none, accessKey: 'A', secretKey: 'S' }, environment)).toEqual({ accessKey: 'A', secretKey: 'S', sessionToken: '' })
  expect(findCredentials(none, environment)).toEqual({ accessKey: 'EA', secretKey: 'ES', sessionToken: 'ET' })
})

it('reads a file of the secret each time', () => {
  const secretKeyFile = path.join(tempFolder(), 'secret')
  const source = { ...none, accessKey: 'A', secretKeyFile }
  expect(() => findCredentials(source, {})).toThrow(/no secret key.*secret.*ENOENT/)
  fs.writeFileSync(secretKeyFile, 'one\n')
  expect(findCredentials(source, {}).secretKey).toBe('one')
  fs.writeFileSync(secretKeyFile, 'two')
  expect(findCredentials(source, {}).secretKey).toBe('two')
})

it('says what to set where there are none', () => {
  expect(() => findCredentials(none, { AWS_ACCESS_KEY_ID: 'EA' })).toThrow(/set access_key and secret_key.*AWS_ACCESS_KEY_ID/)
})
