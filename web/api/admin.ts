// /api/v1/admin/tsdb/*: deleting series, cleaning tombstones, snapshots; off unless --web.enable-admin-api.
import type { FastifyInstance, FastifyReply } from 'fastify'
import { QueryError } from '../../lang/exec/query-error.ts'
import { matcherSets } from '../../lang/match-parameter.ts'
import { MetaError } from '../../lib/meta/errors.ts'
import type { Matcher } from '../../lib/model/matcher.ts'
import { explainDisk } from '../../lib/std/disk-advice.ts'
import { DiskError } from '../../lib/std/fs.ts'
import { LogError } from '../../storage/errors.ts'
import type { ServerParts, StorageAdmin } from '../parts.ts'
import { refuseOtherSites } from './cross-site.ts'
import { ApiError, badParameter, sendData } from './envelope.ts'
import { MAX_TIME_MS, MIN_TIME_MS, Params } from './params.ts'
import { addRoute } from './router.ts'

export function addAdminRoutes(app: FastifyInstance, parts: ServerParts): void {
  const admin = (): StorageAdmin => {
    if (parts.admin === null) throw new ApiError('unavailable', 'admin APIs disabled')
    return parts.admin
  }
  const guard = refuseOtherSites(parts.options)
  addRoute(app, ['POST', 'PUT'], '/api/v1/admin/tsdb/delete_series', async (request, reply) => {
    const store = admin()
    const params = new Params(request)
    const selectors = params.all('match[]')
    if (selectors.length === 0) throw new ApiError('bad_data', 'no match[] parameter provided')
    await unlessRefused(reply, store.deleteSeries(selected(selectors), params.time('start', MIN_TIME_MS), params.time('end', MAX_TIME_MS)))
    return reply.code(204).send()
  }, { guard })
  addRoute(app, ['POST', 'PUT'], '/api/v1/admin/tsdb/clean_tombstones', async (_request, reply) => {
    await unlessRefused(reply, admin().cleanTombstones())
    return reply.code(204).send()
  }, { guard })
  addRoute(app, ['POST', 'PUT'], '/api/v1/admin/tsdb/snapshot', async (request, reply) => {
    const text = new Params(request).text('skip_head')
    if (text !== '' && !TRUE.has(text) && !FALSE.has(text)) throw badParameter('skip_head', `unable to parse boolean: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`)
    return sendData(reply, { name: await unlessRefused(reply, admin().snapshot(TRUE.has(text))) })
  }, { guard })
}

/** As Go's strconv.ParseBool has them. */
const TRUE: ReadonlySet<string> = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const FALSE: ReadonlySet<string> = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

/** What a store refuses because of its disk is for whoever asked to mend, and no fault of ours. */
async function unlessRefused<T>(reply: FastifyReply, done: Promise<T>): Promise<T> {
  try {
    return await done
  } catch (error) {
    if (!(error instanceof LogError || error instanceof MetaError || error instanceof DiskError)) throw error
    reply.header('Retry-After', '5')
    throw new ApiError('unavailable', error instanceof DiskError ? explainDisk(error) : error.message)
  }
}

/** Of `match[]`. */
function selected(texts: readonly string[]): readonly (readonly Matcher[])[] {
  try {
    return matcherSets(texts)
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    throw badParameter('match[]', error.message)
  }
}
