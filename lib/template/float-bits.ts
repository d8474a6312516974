// Doubles by their bits, as Go's strconv writes them for %b and %x:
//
//   %b   1.5   6755399441055744p-52       %x   1.5   0x1.8p+00       %.1x   0x1.8p+00

const BITS = new DataView(new ArrayBuffer(8))
const FRACTION_BITS = 52n
const ONE = 1n << FRACTION_BITS

/** sign, mantissa and power of two: ±mantissa × 2^power. */
function parts(value: number): { sign: string; mantissa: bigint; power: number } {
  BITS.setFloat64(0, value)
  const bits = BITS.getBigUint64(0)
  const exponent = Number((bits >> FRACTION_BITS) & 0x7ffn)
  const fraction = bits & (ONE - 1n)
  return { sign: bits >> 63n === 1n ? '-' : '', mantissa: exponent === 0 ? fraction : fraction | ONE, power: Math.max(exponent, 1) - 1023 - 52 }
}

/** Of a finite number. */
export function floatInBits(value: number): string {
  const { sign, mantissa, power } = parts(value)
  return `${sign}${mantissa}p${power < 0 ? '-' : '+'}${Math.abs(power)}`
}

/** Of a finite number; with so many digits behind the point, or as many as it takes. */
export function floatInHex(value: number, digits: number | null): string {
  const { sign, mantissa, power } = parts(value)
  let whole = mantissa
  let exponent = whole === 0n ? 0 : power + 52
  while (whole !== 0n && whole < ONE) {
    whole <<= 1n
    exponent--
  }
  if (digits !== null && digits < 13) {
    const shift = BigInt(4 * (13 - digits))
    const [half, rest] = [1n << (shift - 1n), whole & ((1n << shift) - 1n)]
    whole >>= shift
    // Ties go to the even digit.
    if (rest > half || (rest === half && (whole & 1n) === 1n)) whole++
    whole <<= shift
    if (whole >= 2n * ONE) {
      whole >>= 1n
      exponent++
    }
  }
  const all = (whole & (ONE - 1n)).toString(16).padStart(13, '0')
  const fraction = digits === null ? all.replace(/0+$/, '') : all.slice(0, digits).padEnd(digits, '0')
  return `${sign}0x${whole === 0n ? 0 : 1}${fraction === '' ? '' : `.${fraction}`}p${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
}
