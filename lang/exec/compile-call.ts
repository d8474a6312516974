// Function calls: looked up in lang/func/table.ts, argument by argument compiled to what the function takes.
import { assert } from '../../lib/std/assert.ts'
import type { Elementwise, FuncArg, OperatorFunc } from '../func/contract.ts'
import { CALENDAR } from '../func/signatures.ts'
import { ELEMENTWISE, OPERATOR_FUNCS, RANGE_KERNELS } from '../func/table.ts'
import type { Call, Expr, Span } from '../parse/ast.ts'
import { unwrapParens } from '../plan/tree.ts'
import { typeOf } from '../parse/value-type.ts'
import { contextOf, type ExprCompiler } from './call-context.ts'
import { infoCall } from './info.ts'
import { instantSelector } from './instant-selector.ts'
import { MappedRows } from './mapped-rows.ts'
import { ABSENT, type Operator, type Steps } from './operator.ts'
import { rangeCall } from './range-call.ts'

/** The operator of a call. Throws ExecutionError for arguments out of range. */
export function compileCall(compiler: ExprCompiler, call: Call, steps: Steps): Operator {
  const { func } = call
  if (func === 'timestamp' || func === 'start_timestamp') {
    const selector = unwrapParens(call.args[0]!)
    if (selector.type === 'vectorSelector') {
      const rows = instantSelector(compiler, selector, steps, { func, wanted: func === 'timestamp' ? 'time' : 'startTime' })
      const isKnown = func === 'timestamp' || compiler.scope.features.startTimestamps
      return compiler.merged(new MappedRows(rows, compiler.dropName, isKnown ? () => {} : ({ kinds }) => kinds.fill(ABSENT)), steps)
    }
  }
  if (func === 'info') return infoCall(compiler, call, steps)
  const range = RANGE_KERNELS.get(func)
  if (range !== undefined) return rangeCall(compiler, call, range, steps)
  const elementwise = ELEMENTWISE.get(func)
  if (elementwise !== undefined) return elementwiseCall(compiler, call, elementwise, steps)
  const operatorFunc = OPERATOR_FUNCS.get(func)
  assert(operatorFunc !== undefined, `${func} is in no table`)
  return operatorCall(compiler, call, operatorFunc, steps)
}

function elementwiseCall(compiler: ExprCompiler, call: Call, apply: Elementwise, steps: Steps): Operator {
  const [first, ...rest] = call.args
  const args = rest.map((arg) => compiler.scalar(arg, steps))
  assert(first !== undefined || CALENDAR.has(call.func), `${call.func} without argument`)
  const input = compiler.compile(first ?? evaluationTime(call.span), steps)
  const rows = new MappedRows(input, compiler.dropName, (batch) => apply(batch.values, batch.kinds, batch.rows, args, steps))
  return compiler.merged(rows, steps)
}

/** `vector(time())` */
function evaluationTime(span: Span): Expr {
  return { type: 'call', func: 'vector', args: [{ type: 'call', func: 'time', args: [], span }], span }
}

function operatorCall(compiler: ExprCompiler, call: Call, make: OperatorFunc, steps: Steps): Operator {
  const args = call.args.map((expr): FuncArg => {
    switch (typeOf(expr)) {
      case 'scalar': return { kind: 'scalar', values: compiler.scalar(expr, steps), expr }
      case 'vector': return { kind: 'vector', operator: compiler.compile(expr, steps), expr }
      case 'matrix': return { kind: 'vector', operator: presence(compiler, call, expr, steps), expr }
      case 'string': return { kind: 'string', value: stringOf(expr), expr }
    }
  })
  return compiler.merged(make(contextOf(compiler, call, steps), args), steps)
}

function presence(compiler: ExprCompiler, call: Call, expr: Expr, steps: Steps): Operator {
  const present = RANGE_KERNELS.get('present_over_time')
  assert(present !== undefined, 'present_over_time is missing')
  // Presence is asked of each series: names kept, so that series of several metrics do not collide.
  return rangeCall(compiler, { ...call, func: 'present_over_time', args: [expr] }, { ...present, keepsName: true }, steps)
}

function stringOf(expr: Expr): string {
  const inner = unwrapParens(expr)
  assert(inner.type === 'string', `string expected, not ${inner.type}`)
  return inner.value
}
