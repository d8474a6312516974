// WeChat Work: a token for two hours, then messages with it (developer.work.weixin.qq.com/document/path/90236).
import type { WechatConfig } from '../../config/receivers/wechat.ts'
import { DeliveryError, type Receiver } from '../receiver.ts'
import { secretOf, type ReceiverGround } from './ground.ts'
import { filled, httpReceiver, type Delivery } from './http-receiver.ts'
import { answerObject } from './slack.ts'

const TOKEN_AGE_MS_MAX = 7_200_000
/** The service's word for a token that is over, and for one it does not know any more. */
const TOKEN_FAULTS: readonly unknown[] = [40014, 42001]
/** It is busy; it was asked too often. */
const BUSY: readonly unknown[] = [-1, 45009]

export function wechatReceiver(config: WechatConfig, ground: ReceiverGround): Receiver {
  let token = ''
  let tokenAtMs = 0
  const fetchToken = async ({ expander, sender, signal }: Delivery): Promise<string> => {
    const query = new URLSearchParams({ corpid: expander.text('corp_id', config.corpId), corpsecret: expander.text('api_secret', secretOf('api_secret', config.secret)) })
    const answer = await sender.send({ method: 'GET', url: `${config.url}gettoken?${query.toString()}`, body: null }, signal)
    const { access_token, errmsg } = answerObject(answer.text, 'WeChat')
    if (typeof access_token !== 'string' || access_token === '') throw new DeliveryError(`WeChat gives no token: ${String(errmsg)}`, { isRetryable: true })
    return access_token
  }
  const deliver = async (delivery: Delivery): Promise<void> => {
    const { expander, sender, signal, receipt } = delivery
    if (token === '' || ground.clock.monotonic() - tokenAtMs > TOKEN_AGE_MS_MAX) {
      token = await fetchToken(delivery)
      tokenAtMs = ground.clock.monotonic()
    }
    const { message, to_user, to_party, to_tag, agent_id } = expander.fields(config.fields)
    const body = {
      ...filled({ touser: to_user, toparty: to_party, totag: to_tag, agentid: agent_id }), safe: '0', msgtype: config.messageType, [config.messageType]: { content: message },
    }
    const answer = await sender.json(`${config.url}message/send?access_token=${encodeURIComponent(token)}`, body, signal, { receipt, word: { field: 'errcode', value: 0 } })
    const { errcode, errmsg } = answerObject(answer.text, 'WeChat')
    if (errcode === 0) return
    const isTokenOver = TOKEN_FAULTS.includes(errcode)
    if (isTokenOver) token = ''
    throw new DeliveryError(`WeChat says: ${String(errmsg)}`, { isRetryable: isTokenOver || BUSY.includes(errcode) })
  }
  return httpReceiver(config, ground, deliver)
}
