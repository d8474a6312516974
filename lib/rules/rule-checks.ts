// What lib/config cannot judge in a rule file: expressions, and the templates of alerts.
import type { ParserFeatures } from '../../lang/parse/ast.ts'
import { ParseError } from '../../lang/parse/parse-error.ts'
import { parseExpr } from '../../lang/parse/parse.ts'
import type { RuleChecks } from '../config/rule-config.ts'
import { ALERT_VARIABLES, prometheusFunctions } from '../template/prometheus-funcs.ts'
import { Templates, TemplateSyntaxError } from '../template/template.ts'

const functions = prometheusFunctions({ query: () => [], timeMs: 0, externalUrl: '' })

/** Checks by the language that `features` switch on. */
export function ruleChecks(features: Partial<ParserFeatures>): RuleChecks {
  return {
    expr: (text) => {
      try {
        parseExpr(text, features)
        return null
      } catch (error) {
        if (error instanceof ParseError) return error.message
        throw error
      }
    },
    template: (alert, text) => {
      // Fast path: most annotations are plain.
      if (!text.includes('{{')) return null
      try {
        new Templates({ functions }).parse(`__alert_${alert}`, ALERT_VARIABLES + text)
        return null
      } catch (error) {
        if (error instanceof TemplateSyntaxError) return error.message
        throw error
      }
    },
  }
}
