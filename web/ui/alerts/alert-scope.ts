// Which alerts an address asks for beside its search: those of a receiver, those that pass matchers. Links in messages, templates
// written for Alertmanager and its own page have them: ?receiver=team, ?filter={alertname="X"}.
export interface AlertScope {
  /** A pattern of whole names; '' for all. */
  receiver: string
  /** Alertmanager's matchers, in braces or not. */
  filters: readonly string[]
}

export const WHOLE: AlertScope = { receiver: '', filters: [] }

export function scopeOf(params: URLSearchParams): AlertScope {
  return { receiver: params.get('receiver') ?? '', filters: params.getAll('filter').filter((text) => text.replace(/[{}\s]/g, '') !== '') }
}

/** As parameters of the page and of the API alike. */
export function scopeParams({ receiver, filters }: AlertScope): [string, string][] {
  return [...(receiver === '' ? [] : [['receiver', receiver] as [string, string]]), ...filters.map((text) => ['filter', text] as [string, string])]
}

export function isWhole({ receiver, filters }: AlertScope): boolean {
  return receiver === '' && filters.length === 0
}
