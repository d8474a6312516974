import { describe, expect, it } from 'vitest'
import { acos, asin, atan, atan2, cos, cosh, sin, sinh, tan, tanh } from '../../../lang/func/trigonometry.ts'
import { Random } from '../../../lib/std/random.ts'

describe('trigonometric functions', () => {
  // Recorded from Prometheus 3.14.0 (Go 1.26, amd64), with V8's own results beside them.
  it.each<[string, number, number, number]>([
    ['sin', sin(669708.1873903912), 0.7355909488936686, Math.sin(669708.1873903912)],
    ['sin', sin(-26.00603897793468), -0.7664512533199349, Math.sin(-26.00603897793468)],
    ['sin', sin(25.236775641210208), 0.10384685052361393, Math.sin(25.236775641210208)],
    ['cos', cos(-0.9565407549777307), 0.5763503333011899, Math.cos(-0.9565407549777307)],
    ['cos', cos(24191), 0.7407787920972154, Math.cos(24191)],
    ['cos', cos(-97903), -0.022658206307831285, Math.cos(-97903)],
    ['tan', tan(-3.5817373924818945), -0.47095735732393934, Math.tan(-3.5817373924818945)],
    ['tan', tan(-54944), -0.818769385326612, Math.tan(-54944)],
    ['tan', tan(-602.4125359539854), 0.9760010224754465, Math.tan(-602.4125359539854)],
    ['asin', asin(-0.3967509054279805), -0.40797452405097523, Math.asin(-0.3967509054279805)],
    ['asin', asin(-0.017610788945137124), -0.017611699373554623, Math.asin(-0.017610788945137124)],
    ['asin', asin(0.051260922721573676), 0.05128339887783486, Math.asin(0.051260922721573676)],
    ['acos', acos(0.9025318815242045), 0.4451829883111411, Math.acos(0.9025318815242045)],
    ['acos', acos(0.7958088941906356), 0.6504541117943965, Math.acos(0.7958088941906356)],
    ['acos', acos(0.30362333339988035), 1.2623031069100914, Math.acos(0.30362333339988035)],
    ['atan', atan(-31789), -1.570764869372528, Math.atan(-31789)],
    ['atan', atan(323.6322623760882), 1.5677064098313431, Math.atan(323.6322623760882)],
    ['atan', atan(-0.6925373900981107), -0.6056999226199237, Math.atan(-0.6925373900981107)],
    ['sinh', sinh(-0.28535606444996775), -0.28924452848434773, Math.sinh(-0.28535606444996775)],
    ['sinh', sinh(0.000007397344542422124), 0.00000739734454248959, Math.sinh(0.000007397344542422124)],
    ['sinh', sinh(0.26520500707606365), 0.2683247661477156, Math.sinh(0.26520500707606365)],
    ['cosh', cosh(0.007626232491692174), 1.0000290798519473, Math.cosh(0.007626232491692174)],
    ['cosh', cosh(0.33244631520054835), 1.0557711046186595, Math.cosh(0.33244631520054835)],
    ['tanh', tanh(-0.4994541631786964), -0.4616877768648177, Math.tanh(-0.4994541631786964)],
    ['tanh', tanh(-0.955951332653338), -0.7424655030781413, Math.tanh(-0.955951332653338)],
    ['tanh', tanh(-0.5949820169461308), -0.5334692633141365, Math.tanh(-0.5949820169461308)],
    ['atan2', atan2(-332.2192702481773, -0.8147701333515678), -1.5732488290208853, Math.atan2(-332.2192702481773, -0.8147701333515678)],
    ['atan2', atan2(9.508041391015269, -0.48419012972973197), 1.621676651427823, Math.atan2(9.508041391015269, -0.48419012972973197)],
    ['atan2', atan2(11.47129993317003, -0.29742699584974264), 1.5967184433205177, Math.atan2(11.47129993317003, -0.29742699584974264)],
  ])('%s: %d', (_, got, want, others) => {
    expect(got).toBe(want)
    expect(others).not.toBe(want)
  })

  it('agree with V8 to a few digits of the last, everywhere', () => {
    const random = new Random(2718)
    const pairs: [(x: number) => number, (x: number) => number][] = [
      [sin, Math.sin], [cos, Math.cos], [tan, Math.tan], [asin, Math.asin], [acos, Math.acos], [atan, Math.atan], [sinh, Math.sinh], [cosh, Math.cosh], [tanh, Math.tanh],
    ]
    for (const [ours, theirs] of pairs) {
      for (let i = 0; i < 5000; i++) {
        const x = (random.float() - 0.5) * 10 ** (random.int(14) - 4)
        const [a, b] = [ours(x), theirs(x)]
        if (!Number.isFinite(b) || Math.abs(b) < 1e-6 || Math.abs(b) > 1e6) continue
        expect(Math.abs(a - b) / Math.abs(b), `${theirs.name}(${x})`).toBeLessThan(1e-9)
      }
    }
  })

  it('keep signs, infinities and what is no number', () => {
    const edges = [0, -0, Infinity, -Infinity, NaN, 1, -1, 2, 1e300, -1e300, 5e-324, 710, -710, 45]
    for (const x of edges) {
      for (const [ours, theirs] of [[sin, Math.sin], [cos, Math.cos], [tan, Math.tan], [asin, Math.asin], [atan, Math.atan], [tanh, Math.tanh]] as const) {
        const [a, b] = [ours(x), theirs(x)]
        expect(Number.isNaN(a) === Number.isNaN(b) && Object.is(Math.sign(a), Math.sign(b)) && (Math.abs(a - b) < 1e-12 || a !== a), `${theirs.name}(${x}): ${a}, not ${b}`).toBe(true)
      }
      for (const y of edges) {
        // The quotient of the least number and a larger one is 0, and Go then knows no sign.
        if (Math.abs(y) === 5e-324 && x < 0) continue
        expect(Object.is(atan2(y, x), Math.atan2(y, x)) || Math.abs(atan2(y, x) - Math.atan2(y, x)) < 1e-12, `atan2(${y}, ${x})`).toBe(true)
      }
    }
    expect([sinh(-0), sinh(710), sinh(-710), cosh(710), cosh(0), tanh(-0), acos(1), acos(2), atan2(-5e-324, -2)]).toEqual([-0, Infinity, -Infinity, Infinity, 1, -0, 0, NaN, Math.PI])
  })
})
