// The server's clock as answers tell it: ages, and when a silence begins, go by it. A browser's may be an hour off.
let aheadMs = 0

/** Takes the server's time, RFC 3339, as it was when the answer was made. */
export function noteServerTime(time: string): void {
  const nowMs = Date.parse(time)
  if (!Number.isNaN(nowMs)) aheadMs = nowMs - Date.now()
}

/**
 * Takes an answer's header Date: the second in which it was made, somewhere between the question, `askedMs` by this browser, and now. What is known
 * already stays while it agrees.
 */
export function noteAnswerDate(date: string | null, askedMs: number): void {
  const secondMs = Date.parse(date ?? '')
  if (Number.isNaN(secondMs)) return
  const [leastMs, mostMs] = [secondMs - Date.now(), secondMs + 1000 - askedMs]
  if (aheadMs < leastMs || aheadMs > mostMs) aheadMs = (leastMs + mostMs) / 2
}

export function serverNowMs(): number {
  return Date.now() + aheadMs
}
