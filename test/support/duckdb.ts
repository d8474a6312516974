// DuckDB, a reader of Parquet that we did not write. It has binaries for some platforms only, so it is loaded when asked for.

interface Connection {
  run(sql: string): Promise<{ getRows(): Promise<unknown[][]> }>
  closeSync(): void
}

const PACKAGE = '@duckdb/node-api'

async function load(): Promise<{ DuckDBInstance: { create(path: string): Promise<{ connect(): Promise<Connection> }> } } | null> {
  try {
    return await import(PACKAGE) as Awaited<ReturnType<typeof load>>
  } catch {
    return null
  }
}

const duckdb = await load()
/** Whether it is there. */
export const hasDuckDb: boolean = duckdb !== null

/** Rows that a query gives. */
export async function askDuckDb(sql: string): Promise<unknown[][]> {
  const connection = await (await duckdb!.DuckDBInstance.create(':memory:')).connect()
  try {
    return await (await connection.run(sql)).getRows()
  } finally {
    connection.closeSync()
  }
}
