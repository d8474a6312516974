// What discovery hands to scraping: targets that share labels, under a source name that is stable over updates.

export interface TargetGroup {
  /** Unique within one scrape config; an update with the same source replaces the group. */
  readonly source: string
  /** One label map per target; each has at least `__address__`. */
  readonly targets: readonly ReadonlyMap<string, string>[]
  /** Labels common to all targets of the group; a target's own label wins. */
  readonly labels: ReadonlyMap<string, string>
}
