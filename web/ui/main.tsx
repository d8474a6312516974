// Boot: theme, router, and the app into #app.
import { render } from 'preact'
import { App } from './shell/app.tsx'
import { startRouter } from './shell/router.ts'
import './style/base.css'
import './style/controls.css'
import './style/query.css'
import './style/targets.css'
import './style/alerts.css'

startRouter('query')
render(<App />, document.getElementById('app')!)
