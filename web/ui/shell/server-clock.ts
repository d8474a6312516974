// The server's clock as answers tell it: ages, and when a silence begins, go by it. A browser's may be an hour off.
let aheadMs = 0

/** Takes the server's time, RFC 3339, as it was when the answer was made. */
export function noteServerTime(time: string): void {
  const nowMs = Date.parse(time)
  if (!Number.isNaN(nowMs)) aheadMs = nowMs - Date.now()
}

export function serverNowMs(): number {
  return Date.now() + aheadMs
}
