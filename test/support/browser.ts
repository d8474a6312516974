// Chromium on the built pages. Tests of pages skip where it is not installed, and say so.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'

const executablePath = '/usr/bin/chromium'
const root = path.resolve(import.meta.dirname, '../..')
export const hasBrowser: boolean = fs.existsSync(executablePath)

/** A test's title, with what it lacks. */
export function inBrowser(title: string): string {
  return hasBrowser ? title : `${title} (needs the package chromium)`
}

/** Held while pages are built: test files run side by side, and two builds would empty each other's folder. */
const LOCK = path.join(root, 'node_modules/.cache/pages.lock')
const BUILD_MS_MAX = 60_000

/** Builds the pages where they are not built yet. */
export function buildPages(): void {
  fs.mkdirSync(path.dirname(LOCK), { recursive: true })
  const pause = new Int32Array(new SharedArrayBuffer(4))
  while (!tookLock()) Atomics.wait(pause, 0, 0, 100)
  try {
    const built = spawnSync(process.execPath, ['web/build.ts', '--if-missing'], { cwd: root, encoding: 'utf8', timeout: BUILD_MS_MAX })
    expect(built.status, built.stdout + built.stderr).toBe(0)
  } finally {
    fs.rmSync(LOCK, { force: true })
  }
}

/** A lock that is older than any build was left by a process that died. */
function tookLock(): boolean {
  try {
    fs.closeSync(fs.openSync(LOCK, 'wx'))
    return true
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    const sinceMs = fs.statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    if (Date.now() - sinceMs > BUILD_MS_MAX) fs.rmSync(LOCK, { force: true })
    return false
  }
}

export async function launchBrowser(moreArgs: readonly string[] = []): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', ...moreArgs],
  })
  onTestFinished(() => browser.close())
  return browser
}

/** A page in a context of its own that remembers what went wrong on it. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<{ page: Page; problems: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options })
  page.setDefaultTimeout(90_000)
  const problems: string[] = []
  page.on('console', (message) => { if (message.type() === 'error') problems.push(message.text()) })
  page.on('pageerror', (error) => problems.push(String(error)))
  await page.goto(url)
  return { page, problems }
}
