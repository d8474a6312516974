// Hyperbolic functions as Go computes them on amd64, to the last digit (math/sinh.go, tanh.go, asinh.go, acosh.go, atanh.go): a rational
// function near 0, else exponentials; their inverses by logarithms.
import { exp } from './go-exp.ts'
import { log, log1p } from './go-log.ts'

/** Beyond, the other exponential is nothing beside the one. */
const ONE_EXPONENTIAL = 21

export function sinh(x: number): number {
  const size = Math.abs(x)
  let y: number
  if (size > ONE_EXPONENTIAL) y = exp(size) * 0.5
  else if (size > 0.5) y = (exp(size) - 1 / exp(size)) * 0.5
  else {
    const s = size * size
    const above = ((-26.30563213397497 * s + -2894.211355989564) * s + -89912.72022039509) * s +
      -630767.3640497717
    y = above * size / (((s + -173.6789535582337) * s + 15215.17378790019) * s + -630767.3640497717)
  }
  return x < 0 ? -y : x === 0 ? x : y
}

export function cosh(x: number): number {
  const size = Math.abs(x)
  return size > ONE_EXPONENTIAL ? exp(size) * 0.5 : (exp(size) + 1 / exp(size)) * 0.5
}

/** Half the logarithm of the largest double: beyond, the tangent is 1. */
const TANH_MAX = 0.5 * 88.02969193111305

export function tanh(x: number): number {
  const size = Math.abs(x)
  if (size > TANH_MAX) return x < 0 ? -1 : 1
  if (size >= 0.625) {
    const y = 1 - 2 / (exp(2 * size) + 1)
    return x < 0 ? -y : y
  }
  if (x === 0) return x
  const s = x * x
  const above = (-0.9643991794250523 * s + -99.28772310019185) * s + -1614.6876844170845
  const below = ((s + 112.81167849163293) * s + 2235.4883906010045) * s + 4844.063053251255
  return x + x * s * above / below
}

/** Beyond, 1 is nothing beside x². */
const LARGE = 2 ** 28
const NEAR_ZERO = 2 ** -28

export function asinh(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x
  const size = Math.abs(x)
  let y = size
  if (size > LARGE) y = log(size) + Math.LN2
  else if (size > 2) y = log(2 * size + 1 / (Math.sqrt(size * size + 1) + size))
  else if (size >= NEAR_ZERO) y = log1p(size + size * size / (1 + Math.sqrt(1 + size * size)))
  return x < 0 ? -y : y
}

export function acosh(x: number): number {
  if (!(x >= 1)) return NaN
  if (x >= LARGE) return log(x) + Math.LN2
  if (x > 2) return log(2 * x - 1 / (x + Math.sqrt(x * x - 1)))
  const t = x - 1
  return log1p(t + Math.sqrt(2 * t + t * t))
}

export function atanh(x: number): number {
  const size = Math.abs(x)
  if (!(size < 1)) return size === 1 ? x * Infinity : NaN
  if (size < NEAR_ZERO) return x
  const twice = size + size
  const y = 0.5 * log1p(size < 0.5 ? twice + twice * size / (1 - size) : twice / (1 - size))
  return x < 0 ? -y : y
}
