// Names of HTTP's statuses.

/**
 * `Not Found` for 404; '' for a number that has no name. Not by an import of node:http: that reads all which the module has to
 * export, and among it is a WebSocket whose library takes a thread 40 ms to load.
 */
export function statusName(status: number): string {
  return process.getBuiltinModule('node:http').STATUS_CODES[status] ?? ''
}
