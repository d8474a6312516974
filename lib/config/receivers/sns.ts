// `sns_configs` (alertmanager notify/sns/config.go).
import type { MapReader } from '../reader.ts'
import type { HttpClientConfig } from '../http-client.ts'
import { readFields, readHttp, readTemplates, standard, type Fields, type SectionContext } from './section.ts'

type Field = 'api_url' | 'topic_arn' | 'phone_number' | 'target_arn' | 'subject' | 'message'

export interface SnsConfig {
  kind: 'sns'
  isResolvedSent: boolean
  http: HttpClientConfig
  /** `api_url` '': AWS' own of the region. */
  fields: Fields<Field>
  attributes: ReadonlyMap<string, string>
  /** '' where the environment says (AWS_REGION). */
  region: string
  /** '' where the profile or the environment has the keys. */
  accessKey: string
  secretKey: string
  /** '' for the environment's. */
  profile: string
  /** Whose keys are borrowed; '' for none. */
  roleArn: string
  externalId: string
  isFipsUsed: boolean
}

const FIELDS: Fields<Field> = { api_url: '', topic_arn: '', phone_number: '', target_arn: '', subject: standard('sns', 'subject'), message: standard('sns', 'message') }

export function readSns(reader: MapReader, context: SectionContext): SnsConfig {
  const fields = readFields(reader, FIELDS)
  const given = [fields.topic_arn, fields.phone_number, fields.target_arn].filter((target) => target !== '')
  if (given.length !== 1) reader.error('topic_arn', `want one of topic_arn, phone_number and target_arn, got ${given.length}`)
  const sigv4 = reader.map('sigv4')
  const text = (key: string): string => sigv4?.text(key, '') ?? ''
  const keys = {
    region: text('region'), accessKey: text('access_key'), secretKey: text('secret_key'), profile: text('profile'), roleArn: text('role_arn'), externalId: text('external_id'),
    isFipsUsed: sigv4?.bool('use_fips_sts_endpoint', false) ?? false,
  }
  if ((keys.accessKey === '') !== (keys.secretKey === '')) sigv4!.error('secret_key', 'access_key and secret_key want each other')
  if (keys.externalId !== '' && keys.roleArn === '') sigv4!.error('external_id', 'wants role_arn')
  text('service_name')
  sigv4?.finish()
  // Which of the SDK's clients is used says nothing here.
  reader.bool('use_aws_http_client', false)
  return {
    kind: 'sns', isResolvedSent: reader.bool('send_resolved', true), http: readHttp(reader, context), fields, attributes: readTemplates(reader, 'attributes'), ...keys,
  }
}
