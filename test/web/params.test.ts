import { describe, expect, it } from 'vitest'
import { unescapeLabelName } from '../../web/api/label-name.ts'
import { toOpenMetrics } from '../../web/api/open-metrics.ts'
import { MAX_TIME_MS, MIN_TIME_MS, parseSeconds, parseTime } from '../../web/api/params.ts'
import { encodingFor } from '../../web/api/reply-sender.ts'

describe('parseTime', () => {
  it('reads what Prometheus 3.5 reads', () => {
    const f = (text: string, want: number | null): void => expect(parseTime(text)).toBe(want)
    f('0', 0)
    f('-1', -1000)
    f('1e3', 1_000_000)
    f('.5', 500)
    f('1.', 1000)
    f('+2', 2000)
    f('1435781451.7815', 1_435_781_451_782)
    f('1700000000.123', 1_700_000_000_123)
    f('-0.0005', -1)
    f('2015-07-01T20:10:51.781Z', 1_435_781_451_781)
    f('2023-01-01T00:00:00.1234567+02:00', 1_672_524_000_123)
    f('2023-01-01T00:00:00-00:30', 1_672_533_000_000)
    f('0001-01-01T00:00:00Z', -62_135_596_800_000)
    f('2024-02-29T12:00:00Z', 1_709_208_000_000)
    f('-292273086-05-16T16:47:06Z', MIN_TIME_MS)
    f('292277025-08-18T07:12:54.999999999Z', MAX_TIME_MS)
  })

  it('refuses all else', () => {
    for (const text of ['', 'abc', '0x10', 'NaN', 'Inf', '1e300', '-1e300', '1 ', '1,5', '2023-02-29T00:00:00Z', '2023-13-01T00:00:00Z', '2023-01-01T24:00:00Z',
      '2023-01-01T00:60:00Z', '2023-01-01 00:00:00Z', '2023-01-01T00:00:00', '2023-01-01', '2023-01-01t00:00:00z', 'now']) expect(parseTime(text), text).toBe(null)
  })
})

describe('durations', () => {
  it('are float seconds or units from the largest down', () => {
    const f = (text: string, want: number | null): void => expect(parseSeconds(text)).toBe(want)
    f('15', 15_000)
    f('0.25', 250)
    f('-1', -1000)
    f('1h30m', 5_400_000)
    f('1y2w3d4h5m6s7ms', 31_536_000_000 + 2 * 604_800_000 + 3 * 86_400_000 + 4 * 3_600_000 + 5 * 60_000 + 6007)
    f('5ms', 5)
    f('0', 0)
    for (const text of ['', 'x', '1', '1m1h', '1.5h', '-5m', '1 m', 'm', '5M'].filter((text) => text !== '1')) f(text, null)
  })
})

describe('unescapeLabelName', () => {
  it('undoes the values escaping, and leaves other names alone', () => {
    const f = (name: string, want: string): void => expect(unescapeLabelName(name)).toBe(want)
    f('job', 'job')
    f('U__', '')
    f('U__a_20_b', 'a b')
    f('U__http_2e_status__code', 'http.status_code')
    f('U__gr_f6__df_e', 'größe')
    f('U___1f600_', '😀')
    f('U__a_zz_', 'U__a_zz_')
    f('U__a_d800_', 'U__a_d800_')
    f('U__a_110000_', 'U__a_110000_')
    f('U__a_20', 'U__a_20')
    f('U__a_2E_', 'U__a_2E_')
  })
})

describe('toOpenMetrics', () => {
  it('renames counters, escapes help, ends with EOF', () => {
    const text = '# HELP a_total Say "hi".\\n\n# TYPE a_total counter\na_total{x="1"} 2\n\n# HELP b B\n# TYPE b counter\nb 1\n\n# HELP c C\n# TYPE c histogram\nc_bucket{le="+Inf"} 1\nc_sum 1\nc_count 1\n'
    expect(toOpenMetrics(text)).toBe('# TYPE a counter\n# HELP a Say \\"hi\\".\\n\na_total{x="1"} 2\n# TYPE b unknown\n# HELP b B\nb 1\n# TYPE c histogram\n# HELP c C\nc_bucket{le="+Inf"} 1\nc_sum 1\nc_count 1\n# EOF\n')
  })
})

describe('the encoding of an answer', () => {
  it('is zstd or gzip where they are named and not forbidden', () => {
    const f = (header: string | undefined, want: 'zstd' | 'gzip' | null): void => expect(encodingFor(header)).toBe(want)
    f(undefined, null)
    f('', null)
    f('gzip', 'gzip')
    f('br, GZIP;q=0.5', 'gzip')
    f('gzip;q=0, br', null)
    f('gzip; q=0.000', null)
    f('identity', null)
    f('xgzip', null)
    f('gzip, deflate, br, zstd', 'zstd')
    f('gzip, zstd;q=0', 'gzip')
    f('gzip;q=1.0, zstd;q=0.5', 'gzip')
    f('gzip;q=0.5, zstd;q=0.8', 'zstd')
  })
})
