// Files of rule tests with the rules they test; promtool's word on each is recorded in rule-tests.json (record-rule-tests.ts).

export interface RuleTestCase {
  name: string
  rules: string
  tests: string
}

const group = (rules: string, more = ''): string => `groups:\n- name: g\n${more}  rules:\n${rules}`
const DOWN = group('  - alert: Down\n    expr: up == 0\n    for: 2m\n    labels: {severity: page}\n    annotations: {summary: "{{ $labels.instance }} is down, {{ $value }}"}\n')
const KEEP = group('  - alert: Keep\n    expr: x > 5\n    for: 1m\n    keep_firing_for: 3m\n')
const SUMS = group('  - record: job:x:sum\n    expr: sum by (job) (x)\n  - record: job:x:double\n    expr: job:x:sum * 2\n    labels: {kind: double}\n')
const NONE = 'groups: []\n'

const file = (body: string, head = ''): string => `rule_files: [rules.yml]\n${head}tests:\n- interval: 1m\n${body}`
const series = (...lines: [string, string][]): string => `  input_series:\n${lines.map(([name, values]) => `  - {series: ${JSON.stringify(name)}, values: ${JSON.stringify(values)}}`).join('\n')}\n`
const alerts = (...tests: [string, string, string][]): string => `  alert_rule_test:\n${tests.map(([at, name, expected]) => `  - {eval_time: ${at}, alertname: ${name}, exp_alerts: ${expected}}`).join('\n')}\n`
const exprs = (...tests: [string, string, string][]): string => `  promql_expr_test:\n${tests.map(([expr, at, expected]) => `  - {expr: ${JSON.stringify(expr)}, eval_time: ${at}, exp_samples: ${expected}}`).join('\n')}\n`
const sample = (labels: string, value: string): string => `{labels: ${JSON.stringify(labels)}, value: ${value}}`
const UP = series(['up{instance="a", job="n"}', '1 1 0 0 0 0 1 1'])
const FIRING = '[{exp_labels: {severity: page, instance: a, job: n}, exp_annotations: {summary: "a is down, 0"}}]'

const c = (name: string, rules: string, tests: string): RuleTestCase => ({ name, rules, tests })
/** One expression over one series at a time. */
const value = (values: string, expr: string, at: string, expected: string): RuleTestCase => c(`${values} ${expr} at ${at}: ${expected}`, NONE, file(series(['x{a="1"}', values]) + exprs([expr, at, expected])))
const X = 'x{a="1"}'

export const RULE_TESTS: readonly RuleTestCase[] = [
  c('alert fires on time', DOWN, file(UP + alerts(['0m', 'Down', '[]'], ['3m', 'Down', '[]'], ['4m', 'Down', FIRING], ['5m', 'Down', FIRING], ['6m', 'Down', '[]']))),
  c('alert expected too early', DOWN, file(UP + alerts(['3m', 'Down', FIRING]))),
  c('alert expected too late', DOWN, file(UP + alerts(['7m', 'Down', FIRING]))),
  c('alert not expected', DOWN, file(UP + alerts(['4m', 'Down', '[]']))),
  c('no exp_alerts', DOWN, file(`${UP}  alert_rule_test:\n  - {eval_time: 4m, alertname: Down}\n`)),
  c('wrong label', DOWN, file(UP + alerts(['4m', 'Down', '[{exp_labels: {severity: warn, instance: a, job: n}, exp_annotations: {summary: "a is down, 0"}}]']))),
  c('missing label', DOWN, file(UP + alerts(['4m', 'Down', '[{exp_labels: {severity: page}, exp_annotations: {summary: "a is down, 0"}}]']))),
  c('wrong annotation', DOWN, file(UP + alerts(['4m', 'Down', '[{exp_labels: {severity: page, instance: a, job: n}, exp_annotations: {summary: "down"}}]']))),
  c('missing annotations', DOWN, file(UP + alerts(['4m', 'Down', '[{exp_labels: {severity: page, instance: a, job: n}}]']))),
  c('empty expected label', DOWN, file(UP + alerts(['4m', 'Down', '[{exp_labels: {severity: page, instance: a, job: n, x: ""}, exp_annotations: {summary: "a is down, 0"}}]']))),
  c('alertname given in labels', DOWN, file(UP + alerts(['4m', 'Down', '[{exp_labels: {alertname: Down, severity: page, instance: a, job: n}, exp_annotations: {summary: "a is down, 0"}}]']))),
  c('other alertname in labels', DOWN, file(UP + alerts(['4m', 'Down', '[{exp_labels: {alertname: Other, severity: page, instance: a, job: n}, exp_annotations: {summary: "a is down, 0"}}]']))),
  c('unknown alertname', DOWN, file(UP + alerts(['4m', 'Up', '[]']))),
  c('unknown alertname expected', DOWN, file(UP + alerts(['4m', 'Up', '[{}]']))),
  c('no alertname', DOWN, file(`${UP}  alert_rule_test:\n  - {eval_time: 4m, exp_alerts: []}\n`)),
  c('no alertname in a named group', DOWN, file(`  name: named\n${UP}  alert_rule_test:\n  - {eval_time: 4m, exp_alerts: []}\n`)),
  c('between two evaluations', DOWN, file(UP + alerts(['4m30s', 'Down', FIRING], ['3m59s', 'Down', '[]']))),
  c('two series, in any order', DOWN, file(series(['up{instance="a"}', '0x5'], ['up{instance="b"}', '0x5']) + alerts(['4m', 'Down', '[{exp_labels: {severity: page, instance: b}, exp_annotations: {summary: "b is down, 0"}}, {exp_labels: {severity: page, instance: a}, exp_annotations: {summary: "a is down, 0"}}]']))),
  c('one of two expected', DOWN, file(series(['up{instance="a"}', '0x5'], ['up{instance="b"}', '0x5']) + alerts(['4m', 'Down', '[{exp_labels: {severity: page, instance: b}, exp_annotations: {summary: "b is down, 0"}}]']))),
  c('keep_firing_for', KEEP, file(series(['x', '1 6 6 1 1 1 1 1']) + alerts(['1m', 'Keep', '[]'], ['2m', 'Keep', '[{}]'], ['3m', 'Keep', '[{}]'], ['5m', 'Keep', '[{}]'], ['6m', 'Keep', '[]']))),
  c('keep_firing_for too long', KEEP, file(series(['x', '1 6 6 1 1 1 1 1']) + alerts(['6m', 'Keep', '[{}]']))),
  c('pending is forgotten', KEEP, file(series(['x', '6 1 6 1 6 1']) + alerts(['4m', 'Keep', '[]']))),
  c('ALERTS and ALERTS_FOR_STATE', DOWN, file(UP + exprs(['ALERTS', '3m', `[${sample('ALERTS{alertname="Down", alertstate="pending", instance="a", job="n", severity="page"}', '1')}]`], ['ALERTS{alertstate="firing"}', '5m', `[${sample('ALERTS{alertname="Down", alertstate="firing", instance="a", job="n", severity="page"}', '1')}]`], ['ALERTS_FOR_STATE', '4m', `[${sample('ALERTS_FOR_STATE{alertname="Down", instance="a", job="n", severity="page"}', '120')}]`], ['ALERTS', '7m', '[]']))),
  c('recording rules chained', SUMS, file(series(['x{job="a", i="1"}', '1+1x5'], ['x{job="a", i="2"}', '10x5']) + exprs(['job:x:sum', '3m', `[${sample('job:x:sum{job="a"}', '14')}]`], ['job:x:double', '3m', `[${sample('job:x:double{job="a", kind="double"}', '28')}]`]))),
  c('recording rule wrong value', SUMS, file(series(['x{job="a"}', '1+1x5']) + exprs(['job:x:sum', '3m', `[${sample('job:x:sum{job="a"}', '5')}]`]))),
  c('recorded series becomes stale', SUMS, file(series(['x{job="a"}', '1 1 stale']) + exprs(['job:x:sum', '2m', '[]']))),
  c('limit', group('  - {record: r, expr: x}\n', '  limit: 1\n'), file(series(['x{a="1"}', '1'], ['x{a="2"}', '1']) + exprs(['r', '0m', '[]']))),
  c('limit of alerts', group('  - {alert: A, expr: x}\n', '  limit: 1\n'), file(series(['x{a="1"}', '1'], ['x{a="2"}', '_ 1']) + alerts(['1m', 'A', '[]']))),
  c('duplicate label sets', group('  - {record: r, expr: x, labels: {a: same}}\n'), file(series(['x{a="1"}', '1'], ['x{a="2"}', '1']) + exprs(['1', '1m', '[]']))),
  c('duplicate alerts', group('  - {alert: A, expr: x, labels: {a: same}}\n'), file(series(['x{a="1"}', '1'], ['x{a="2"}', '1']) + alerts(['0m', 'A', '[]']))),
  c('failing expression', group('  - {record: r, expr: x * on (a) x}\n'), file(series(['x{a="1", b="1"}', '1'], ['x{a="1", b="2"}', '1']) + exprs(['1', '0m', '[]']))),
  c('failing template', group('  - {alert: A, expr: x, annotations: {t: "{{ .Nope }}"}}\n'), file(series(['x', '1']) + alerts(['0m', 'A', '[]']))),
  c('group labels', group('  - {alert: A, expr: x, labels: {b: own}}\n', '  labels: {a: "1", b: group}\n'), file(series(['x', '1']) + alerts(['0m', 'A', '[{exp_labels: {a: "1", b: own}}]']))),
  c('query_offset', group('  - {record: r, expr: x}\n', '  query_offset: 1m\n'), file(series(['x', '0+1x5']) + exprs(['r', '3m', `[${sample('r', '3')}]`], ['timestamp(r)', '3m', `[${sample('{}', '180')}]`]))),
  c('external labels and URL', group('  - {alert: A, expr: x, annotations: {t: "{{ $externalLabels.dc }} {{ $externalURL }}"}}\n'), file(`  external_labels: {dc: eu}\n  external_url: http://x/y\n${series(['x', '1'])}${alerts(['0m', 'A', '[{exp_annotations: {t: "eu http://x/y"}}]'])}`)),
  c('evaluation_interval', group('  - {record: r, expr: count_over_time(x[1h])}\n'), file(series(['x', '0x10']) + exprs(['count_over_time(r[1h])', '10m', `[${sample('{}', '21')}]`]), 'evaluation_interval: 30s\n')),
  c('interval of the group', NONE, file('  interval: 10s\n', '').replace('- interval: 1m\n  interval: 10s\n', `- interval: 10s\n${series(['x', '0+1x10'])}${exprs(['x', '50s', `[${sample('x', '5')}]`])}`)),
  c('group_eval_order', 'groups:\n- name: b\n  rules: [{record: two, expr: one + 1}]\n- name: a\n  rules: [{record: one, expr: x}]\n', file(series(['x', '1+1x3']) + exprs(['two', '2m', `[${sample('two', '4')}]`]), 'group_eval_order: [a, b]\n')),
  c('group_eval_order repeated', NONE, file(exprs(['1', '0m', `[${sample('{}', '1')}]`]), 'group_eval_order: [a, a]\n')),
  c('group_eval_order of unknown groups', NONE, file(exprs(['1', '0m', `[${sample('{}', '1')}]`]), 'group_eval_order: [x, y]\n')),
  c('fuzzy_compare', NONE, file(series(['x', '0.1']) + exprs(['x * 3', '0m', `[${sample('{}', '0.3')}]`]), 'fuzzy_compare: true\n')),
  c('exact compare', NONE, file(series(['x', '0.1']) + exprs(['x * 3', '0m', `[${sample('{}', '0.3')}]`]))),
  c('fuzzy_compare has its bounds', NONE, file(series(['x', '0.1']) + exprs(['x * 3', '0m', `[${sample('{}', '0.2999')}]`]), 'fuzzy_compare: true\n')),
  c('two groups, one fails', DOWN, `${file(`  name: first\n${UP}${alerts(['4m', 'Down', FIRING])}`)}- interval: 1m\n  name: second\n${UP}${alerts(['4m', 'Down', '[]'])}`),
  c('no tests', NONE, 'rule_files: [rules.yml]\ntests: []\n'), c('empty file', NONE, ''), c('tests without content', NONE, 'rule_files: [rules.yml]\ntests:\n- interval: 1m\n'),
  c('rule file missing', NONE, file(exprs(['1', '0m', `[${sample('{}', '1')}]`])).replace('rules.yml', 'none.yml')),
  c('rule files by pattern', SUMS, file(series(['x{job="a"}', '1']) + exprs(['job:x:sum', '0m', `[${sample('job:x:sum{job="a"}', '1')}]`])).replace('rules.yml', '"r*.yml"')),
  c('bad rule file', 'groups: [{name: g, rules: [{record: r, expr: "sum("}]}]\n', file(exprs(['1', '0m', `[${sample('{}', '1')}]`]))),
  c('unknown key', NONE, file('  colour: red\n')), c('unknown key at the top', NONE, 'colour: red\n'), c('unknown key in a sample', NONE, file(exprs(['1', '0m', '[{label: "{}"}]']))), c('doubled key', NONE, file('  interval: 2m\n')),
  c('bad interval', NONE, file('').replace('1m', '1')), c('bad eval_time', NONE, file(exprs(['1', 'x', '[]']))), c('bad value', NONE, file(exprs(['1', '0m', '[{labels: "{}", value: x}]']))), c('quoted value', NONE, file(exprs(['1', '0m', '[{labels: "{}", value: "1"}]']))), c('value NaN', NONE, file(exprs(['1', '0m', '[{labels: "{}", value: NaN}]']))),
  c('bad yaml', NONE, 'tests: [\n'), c('a list', NONE, '- a\n'), c('bad labels of a sample', NONE, file(exprs(['1', '0m', '[{labels: "{a", value: 1}]']))), c('matchers as labels', NONE, file(exprs(['1', '0m', '[{labels: "{a!=\\"b\\"}", value: 1}]']))), c('labels as a bare name', NONE, file(series(['x', '1']) + exprs(['x', '0m', '[{labels: x, value: 1}]']))), c('labels left out', NONE, file(exprs(['1', '0m', '[{value: 1}]']))), c('utf-8 labels', NONE, file(series(['{"é.x", "a b"="c\\"d"}', '1']) + exprs(['{"é.x"}', '0m', '[{labels: "{\\"é.x\\"}", value: 1}]']))),
  c('bad series name', NONE, file(series(['x{', '1']))), c('bad expression', NONE, file(exprs(['sum(', '0m', '[]']))), c('expression of a text', NONE, file(exprs(['"x"', '0m', '[]']))), c('expression of a range', NONE, file(exprs(['x[5m]', '0m', '[]']))), c('expression that fails', NONE, file(series(['x{a="1"}', '1'], ['x{a="2"}', '1']) + exprs(['x + on () x', '0m', '[]']))),
  c('series twice: the later counts', NONE, file(series(['x', '1 1 1'], ['x', '2']) + exprs(['x', '0m', `[${sample('x', '2')}]`], ['count_over_time(x[5m])', '4m', `[${sample('{}', '1')}]`]))),
  ...['{}', 'x{a="1", a="2"}', 'x{a="1", a="1"}'].map((name) => c(`series ${name}`, NONE, file(series([name, '1']) + exprs(['1', '0m', `[${sample('{}', '1')}]`])))),
  c('nothing from the future', NONE, file(series(['x', '0+1x10']) + exprs(['x offset -3m', '2m', '[]']))),
  c('samples in any order', NONE, file(series(['x{a="2"}', '2'], ['x{a="1"}', '1']) + exprs(['x', '0m', `[${sample('x{a="1"}', '1')}, ${sample('x{a="2"}', '2')}]`]))),
  value('0+10x5', 'x', '3m', `[${sample(X, '30')}]`), value('0+10x5', 'x', '5m', `[${sample(X, '50')}]`), value('10-2x3 7', 'x', '4m', `[${sample(X, '7')}]`), value('1 _ 3', 'count_over_time(x[5m])', '2m', `[${sample('{a="1"}', '2')}]`), value('1x3 _x2 5', 'x', '6m', `[${sample(X, '5')}]`), value('1 stale 3', 'x', '1m', '[]'), value('1 2', 'x', '6m1s', '[]'), value('1 2', 'x', '5m59s', `[${sample(X, '2')}]`),
  value('1e3 1.5 .5 5. -1 +2 1_000', 'sum_over_time(x[10m])', '6m', `[${sample('{a="1"}', '2008')}]`), value('Inf -Inf +Inf', 'x', '1m', `[${sample(X, '-.inf')}]`), value('NaN', 'x', '0m', `[${sample(X, '.nan')}]`), value('0.1+0.1x5', 'x', '5m', `[${sample(X, '0.6')}]`), value('0.1+0.1x5', 'x', '2m', `[${sample(X, '0.30000000000000004')}]`), value('0x10', 'x', '10m', `[${sample(X, '0')}]`), value('1x0 2', 'x', '1m', `[${sample(X, '2')}]`), value('', 'x', '0m', '[]'),
  ...['1+1', '1+x3', '1x', 'x3', '1 x3', '5m', '1x-1', 'stalex3', 'foo', '1,2', '_1', '__', '1 + 1x3', '0x1g', '1.2.3', '{{', '{{}', '{{schema}}', '{{foo:1}}', '{{sum:x}}', '{{buckets:1}}', '{{buckets:[]}}', '{{buckets:[1,2]}}', '{{}}+{{}}', '{{counter_reset_hint:x}}', '1e', '1_', '--1', '+-1'].map((values) => value(values, '1', '0m', `[${sample('{}', '1')}]`)),
  value('{{schema:1 sum:10 count:6 buckets:[1 2 3]}}', 'x', '0m', '[{labels: "x{a=\\"1\\"}", histogram: "{{schema:1 sum:10 count:6 buckets:[1 2 3]}}"}]'), value('{{schema:1 sum:10 count:6 buckets:[1 2 3]}}x3', 'histogram_sum(x)', '3m', `[${sample('{a="1"}', '10')}]`),
  value('{{count:3 sum:5 buckets:[1 2]}}x2', 'x', '1m', '[{labels: "x{a=\\"1\\"}", histogram: "{{count:3 sum:5 buckets:[1 2]}}"}]'), value('{{count:3 sum:5 buckets:[1 2]}}x2', 'x', '1m', '[{labels: "x{a=\\"1\\"}", histogram: "{{count:3 sum:5 counter_reset_hint:not_reset buckets:[1 2]}}"}]'), value('{{count:1 sum:1 buckets:[1]}}+{{count:2 sum:3 buckets:[2]}}x4', 'histogram_count(x)', '4m', `[${sample('{a="1"}', '9')}]`), value('{{count:9 sum:9 buckets:[9]}}-{{count:2 sum:3 buckets:[2]}}x2', 'histogram_count(x)', '2m', `[${sample('{a="1"}', '5')}]`),
  value('{{schema:-53 sum:1 count:3 custom_values:[1 2] buckets:[1 1 1]}}', 'histogram_quantile(0.5, x)', '0m', `[${sample('{a="1"}', '1.5')}]`), value('{{z_bucket:2 z_bucket_w:0.1 count:3 sum:1 offset:-2 buckets:[1] n_buckets:[] }}', 'histogram_count(x)', '0m', `[${sample('{a="1"}', '3')}]`), value('{{z_bucket:2 z_bucket_w:0.1 count:4 sum:1 offset:-2 buckets:[1] n_offset:1 n_buckets:[1]}}', 'x', '0m', '[{labels: "x{a=\\"1\\"}", histogram: "{{count:4 sum:1 z_bucket:2 z_bucket_w:0.1 offset:-2 buckets:[1] n_offset:1 n_buckets:[1]}}"}]'),
  value('{{}}', 'x', '0m', '[{labels: "x{a=\\"1\\"}", histogram: "{{}}"}]'), value('{{ }}', 'x', '0m', '[{labels: "x{a=\\"1\\"}", histogram: "{{}}"}]'), value('{{ count:1 }}', '1', '0m', `[${sample('{}', '1')}]`), value('{{count:1 sum:2 counter_reset_hint:gauge}}x2', 'x', '1m', '[{labels: "x{a=\\"1\\"}", histogram: "{{count:1 sum:2 counter_reset_hint:gauge}}"}]'), value('1', 'x', '0m', '[{labels: "x{a=\\"1\\"}", histogram: "1"}]'), value('1', 'x', '0m', '[{labels: "x{a=\\"1\\"}", histogram: "{{}} {{}}"}]'), value('{{count:1}} 1 {{count:2}}', 'x', '2m', '[{labels: "x{a=\\"1\\"}", histogram: "{{count:2}}"}]'), value('{{count:1 count:2}}', 'histogram_count(x)', '0m', `[${sample('{a="1"}', '2')}]`),
  c('recorded histograms', group('  - {record: r, expr: sum(x)}\n'), file(series(['x{a="1"}', '{{count:1 sum:1 buckets:[1]}}x2'], ['x{a="2"}', '{{count:2 sum:1 buckets:[2]}}x2']) + exprs(['r', '0m', '[{labels: r, histogram: "{{count:3 sum:2 buckets:[3]}}"}]'], ['histogram_count(r)', '2m', `[${sample('{}', '3')}]`]))),
  c('alert on a histogram', group('  - {alert: A, expr: x, annotations: {v: "{{ $value }}"}}\n'), file(series(['x', '{{count:1 sum:1 buckets:[1]}}']) + alerts(['0m', 'A', '[{exp_annotations: {v: "{count:1, sum:1, (0.5,1]:1}"}}]']))),
  c('a recorded histogram with negative buckets', group('  - {record: r, expr: x - on () y}\n'), file(series(['x', '{{count:5 sum:1 buckets:[1]}}x2'], ['y', '{{count:1 sum:1 buckets:[2]}}x2']) + exprs(['r', '0m', '[]']))),
]
