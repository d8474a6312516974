// Who is told of the alerts of a rule made by API: what the rules hand to the pipeline that routes alerts. An alert is the
// rule's where its label `rule_id` is the rule's id.

export interface RuleRoute {
  /** UUID: value of the label `rule_id`. */
  ruleId: string
  /** Short forms: `email:a@b.example`, `sms:+15551234567`, `push:all`, `webhook:https://…`, `receiver:NAME`. Empty: as the configured route says. */
  notify: readonly string[]
  /** Nobody is told of the same alert again within it unless its severity rises; 0: as the route says. */
  cooldownMs: number
}
