// Functions of one instant vector that change points in place: math, clamp and round, calendar. They are of floats;
// native histograms vanish.
import { exp } from '../../lib/std/go-exp.ts'
import { acosh, asinh, atanh, cosh, sinh, tanh } from '../../lib/std/go-hyperbolic.ts'
import { log, log10, log2 } from '../../lib/std/go-log.ts'
import { acos, asin, atan, cos, sin, tan } from '../../lib/std/go-trigonometry.ts'
import { ABSENT, FLOAT } from '../exec/operator.ts'
import { dayOfMonth, dayOfWeek, dayOfYear, daysInMonth, hour, minute, month, year } from './civil-date.ts'
import type { Elementwise, ElementwiseFuncs } from './contract.ts'
import { clamp, degrees, goMax, goMin, radians, roundTo, sign } from './math.ts'

/** A function of the value alone. The call through `f` costs some 2 ns a point, little beside what most of these do. */
function mapped(f: (x: number) => number): Elementwise {
  return (values, kinds, rows, _args, steps) => {
    const points = rows * steps.count
    for (let k = 0; k < points; k++) {
      if (kinds[k] === FLOAT) values[k] = f(values[k]!)
      else kinds[k] = ABSENT
    }
  }
}

/** A function of the value and the step's first scalar argument, or of `missing` where that was left out. */
function mappedWith(f: (x: number, arg: number) => number, missing: number): Elementwise {
  return (values, kinds, rows, args, steps) => {
    const { count } = steps
    const arg = args[0]
    for (let r = 0; r < rows; r++) {
      for (let i = 0, k = r * count; i < count; i++, k++) {
        if (kinds[k] === FLOAT) values[k] = f(values[k]!, arg === undefined ? missing : arg[i]!)
        else kinds[k] = ABSENT
      }
    }
  }
}

/** Where the upper limit is below the lower one, there is no result. */
const clampBetween: Elementwise = (values, kinds, rows, args, steps) => {
  const { count } = steps
  const lower = args[0]!
  const upper = args[1]!
  for (let r = 0; r < rows; r++) {
    for (let i = 0, k = r * count; i < count; i++, k++) {
      if (kinds[k] !== FLOAT || upper[i]! < lower[i]!) kinds[k] = ABSENT
      else values[k] = clamp(values[k]!, lower[i]!, upper[i]!)
    }
  }
}

export const ELEMENTWISE: ElementwiseFuncs = new Map<string, Elementwise>([
  ['abs', mapped(Math.abs)],
  ['ceil', mapped(Math.ceil)],
  ['floor', mapped(Math.floor)],
  ['exp', mapped(exp)],
  ['sqrt', mapped(Math.sqrt)],
  ['ln', mapped(log)],
  ['log2', mapped(log2)],
  ['log10', mapped(log10)],
  ['sgn', mapped(sign)],
  ['sin', mapped(sin)],
  ['cos', mapped(cos)],
  ['tan', mapped(tan)],
  ['asin', mapped(asin)],
  ['acos', mapped(acos)],
  ['atan', mapped(atan)],
  ['sinh', mapped(sinh)],
  ['cosh', mapped(cosh)],
  ['tanh', mapped(tanh)],
  ['asinh', mapped(asinh)],
  ['acosh', mapped(acosh)],
  ['atanh', mapped(atanh)],
  ['deg', mapped(degrees)],
  ['rad', mapped(radians)],
  ['clamp', clampBetween],
  ['clamp_min', mappedWith(goMax, NaN)],
  ['clamp_max', mappedWith(goMin, NaN)],
  ['round', mappedWith(roundTo, 1)],
  ['minute', mapped(minute)],
  ['hour', mapped(hour)],
  ['day_of_week', mapped(dayOfWeek)],
  ['day_of_month', mapped(dayOfMonth)],
  ['day_of_year', mapped(dayOfYear)],
  ['days_in_month', mapped(daysInMonth)],
  ['month', mapped(month)],
  ['year', mapped(year)],
])
