// The tree of routes: an alert goes to the deepest ones that it matches, from left to right, one of each level unless that
// one says `continue`. After alertmanager dispatch/route.go.
import type { RouteConfig } from '../../config/alertmanager-config.ts'
import { getLabel, printLabelSet, type Labels } from '../../model/labels.ts'
import { compileRouteMatchers, formatRouteMatchers } from '../../model/route-matcher.ts'

export class Route {
  readonly config: RouteConfig
  /** Part of the key of each of its groups; not always one route's alone. */
  readonly key: string
  /** One route's alone. */
  readonly id: string
  readonly children: readonly Route[]
  readonly #test: ReturnType<typeof compileRouteMatchers>

  /** `beside`: of a route beside the tree. */
  constructor(config: RouteConfig, parent: Route | null, place = 0, beside: Pick<Route, 'key' | 'id'> | null = null) {
    const own = formatRouteMatchers(config.matchers)
    this.config = config
    this.key = beside?.key ?? (parent === null ? own : `${parent.key}/${own}`)
    this.id = beside?.id ?? (parent === null ? own : `${parent.id}/${own}/${place}`)
    this.#test = compileRouteMatchers(config.matchers)
    this.children = config.routes.map((child, i) => new Route(child, this, i))
  }

  /** Routes that take the alert; none where this one does not match. */
  match(labels: Labels): Route[] {
    if (!this.#test((name) => getLabel(labels, name))) return []
    const found: Route[] = []
    for (const child of this.children) {
      const deeper = child.match(labels)
      found.push(...deeper)
      if (deeper.length > 0 && !child.config.isContinued) break
    }
    return found.length > 0 ? found : [this]
  }

  /** The labels that alerts of one group share. */
  groupLabels(labels: Labels): Labels {
    const { groupBy } = this.config
    if (groupBy === null) return labels
    return labels.filter((_, i) => groupBy.includes(labels[i - (i % 2)]!))
  }

  groupKey(groupLabels: Labels): string {
    return `${this.key}:${printLabelSet(groupLabels)}`
  }
}

/** The route on which a receiver is told of alerts one by one, at once: a step of an escalation. */
export function escalationRoute(receiver: string, root: Route): Route {
  const key = `${ESCALATION_KEY}${receiver}`
  return besideTree(receiver, root, { key, id: key })
}

/** The route on which a receiver is told the ends of a group that no route makes any more. */
export function farewellRoute(groupKey: string, groupLabels: Labels, receiver: string, root: Route): Route {
  const key = groupKey.slice(0, -printLabelSet(groupLabels).length - 1)
  return besideTree(receiver, root, { key, id: `farewell/${receiver}/${key}` })
}

function besideTree(receiver: string, { config }: Route, beside: Pick<Route, 'key' | 'id'>): Route {
  const own: RouteConfig = { ...config, receiver, groupBy: null, matchers: [], groupWaitMs: 0, muteTimeIntervals: [], activeTimeIntervals: [], escalation: '', routes: [] }
  return new Route(own, null, 0, beside)
}

/** What the keys of groups of escalations begin with. */
export const ESCALATION_KEY = 'escalation/'
