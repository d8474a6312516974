// Templates of alerts over the data below; what Prometheus makes of each is recorded in test/golden/templates.json.
//
//   sh cmd/node.sh test/golden/record-templates.ts /path/to/promtool

/** The series that alerts on `m` see, and others that templates query. All at time 0 and on. */
export const SERIES: readonly (readonly [string, string])[] = [
  ['m{instance="web1.example.com:9100", job="node", odd="a\\"b<c>\'&é"}', '0.1234+0x10'],
  ['q{host="b", zone="2"}', '2+0x10'],
  ['q{host="a", zone="3"}', '1000000+0x10'],
  ['q{host="c", zone="1"}', '-0.5+0x10'],
]

/** The labels and value of the one element of `m`. */
export const LABELS: ReadonlyMap<string, string> = new Map([
  ['__name__', 'm'], ['instance', 'web1.example.com:9100'], ['job', 'node'], ['odd', 'a"b<c>\'&é'],
])
export const VALUE = 0.1234
export const QUERIES: ReadonlyMap<string, readonly (readonly [ReadonlyMap<string, string>, number])[]> = new Map([
  ['q', [
    [new Map([['__name__', 'q'], ['host', 'b'], ['zone', '2']]), 2],
    [new Map([['__name__', 'q'], ['host', 'a'], ['zone', '3']]), 1000000],
    [new Map([['__name__', 'q'], ['host', 'c'], ['zone', '1']]), -0.5],
  ]],
  ['sort(q)', [
    [new Map([['__name__', 'q'], ['host', 'c'], ['zone', '1']]), -0.5],
    [new Map([['__name__', 'q'], ['host', 'b'], ['zone', '2']]), 2],
    [new Map([['__name__', 'q'], ['host', 'a'], ['zone', '3']]), 1000000],
  ]],
  ['nothing', []],
  ['vector(3)', [[new Map(), 3]]],
])

const numbers = ['0', '1', '-1', '0.1', '1.5', '999', '1000', '1023.5', '1024', '1024.5', '1025', '123456789', '1e21', '1e30', '0.000012345', '-0.00001', '1e-30', '"12.5"', '"x"', '"1e400"', '"Inf"', '"-Inf"', '"NaN"', '""', '"0x10"', '"1_0"', '90061', '59.9995', '3599.5']
const humanizers = ['humanize', 'humanize1024', 'humanizeDuration', 'humanizePercentage', 'humanizeTimestamp', 'toTime', 'toDuration']

export const CASES: readonly string[] = [
  // Plain values.
  '{{ $value }}', '{{ .Value }}', '{{$labels.job}} on {{ $labels.instance }}', '{{ .Labels.nope }}|', '{{ $labels }}', '{{ . }}', '{{ $externalLabels }}', '{{ $externalLabels.x }}|{{ $externalURL }}|',
  '{{ 1 }} {{ 1.0 }} {{ 1e6 }} {{ 1000000.0 }} {{ 0x10 }} {{ 0b11 }} {{ 0o17 }} {{ 017 }} {{ 1_000 }} {{ -5 }} {{ +5 }}', "{{ 'a' }} {{ '\\n' }} {{ 'é' }}", '{{ "a\\tb" }} {{ `raw\\n` }} {{ "\\u00e9\\x41\\101" }}', '{{ true }} {{ false }}', '{{ nil }}', '{{ 1e400 }}', '{{ 99999999999999999999 }}', '{{ 9223372036854775808 }}', '{{ 1.5e3 }} {{ 0x1p4 }} {{ .5 }} {{ 5. }}',
  // Actions.
  '{{ if $labels.job }}yes{{ else }}no{{ end }}', '{{ if $labels.nope }}yes{{ else if eq $labels.job "node" }}node{{ else }}no{{ end }}', '{{ if and $labels.job (not $labels.nope) }}ok{{ end }}', '{{ if or false 0 "" nil }}a{{ else }}b{{ end }}', '{{ with $labels.job }}[{{ . }}]{{ end }}', '{{ with $labels.nope }}x{{ else }}none{{ end }}', '{{ with $labels.nope }}x{{ else with $labels.job }}{{ . }}{{ end }}',
  '{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}', '{{ range $labels }}{{ . }};{{ end }}', '{{ range $i, $e := query "sort(q)" }}{{ $i }}:{{ $e.Labels.host }}={{ $e.Value }} {{ end }}', '{{ range query "nothing" }}x{{ else }}empty{{ end }}', '{{ range $i := 3 }}{{ $i }}{{ end }}', '{{ range 2 }}x{{ end }}', '{{ range $i, $e := query "sort(q)" }}{{ if eq $i 1 }}{{ break }}{{ end }}{{ $i }}{{ end }}', '{{ range $i, $e := query "sort(q)" }}{{ if eq $i 1 }}{{ continue }}{{ end }}{{ $i }}{{ end }}', '{{ range "abc" }}{{ . }}{{ end }}', '{{ range 1.5 }}{{ . }}{{ end }}', '{{ range $a, $b := 3 }}{{ $a }}{{ end }}', '{{ range nil }}{{ end }}',
  '{{ $x := 1 }}{{ $x = 2 }}{{ $x }}', '{{ $x := 1 }}{{ if true }}{{ $x = 5 }}{{ $y := 2 }}{{ $y }}{{ end }}{{ $x }}', '{{ $x := 1 }}{{ if true }}{{ $x := 5 }}{{ $x }}{{ end }}{{ $x }}', '{{ define "T" }}<{{ . }}>{{ end }}{{ template "T" $labels.job }}{{ template "T" }}', '{{ block "B" $value }}({{ . }}){{ end }}', '{{ template "missing" }}', '{{ define "R" }}{{ template "R" . }}{{ end }}x', '{{/* comment */}}a{{- /* c */ -}} b', 'a {{- 1 -}} b', 'a\n{{- 1 }}\nb{{ 2 -}}\n  c', '{{ 1 -}} x {{- 2 }}', '{{-1}}', '{{ - 1 }}',
  '{{ "}}" }}', '{{ print "{{" }}', '{{ "a" | printf "%s-%s" "b" }}', '{{ ("x") }}', '{{ (printf "%d" 1) | print "n" }}', '{{ $labels | len }}', '{{ len "é" }} {{ len $labels }} {{ len (query "q") }}', '{{ len 1 }}', '{{ len nil }}',
  // Faults of execution.
  '{{ .Foo }}', '{{ .Labels.job.x }}', '{{ $value.x }}', '{{ $labels.a.b.c }}', '{{ .Labels 1 }}', '{{ $value 1 }}', '{{ 1 2 }}', '{{ "a" "b" }}', '{{ $labels.job "x" }}', '{{ first (query "nothing") }}', '{{ first $labels }}', '{{ value 1 }}', '{{ humanize }}', '{{ humanize 1 2 }}', '{{ printf }}', '{{ printf 1 }}', '{{ $value | toUpper }}', '{{ toUpper 1 }}', '{{ toUpper nil }}', '{{ toUpper .Nope }}', '{{ humanize nil }}', '{{ humanize $labels }}', '{{ humanize true }}', '{{ query "nothing" | first | value }}', '{{ query "not a query(" }}', '{{ query 1 }}', '{{ index $labels 1 }}', '{{ nil.x }}', '{{ (nil).x }}', '{{ call 1 }}', '{{ call nil }}', '{{ reReplaceAll "(" "x" "y" }}', '{{ match "(" "x" }}', '{{ label "host" nil }}', '{{ $x := query "q" }}{{ $x.foo }}', '{{ html }}', '{{ lt 1 }}', '{{ not }}', '{{ index }}',
  // Functions.
  '{{ query "sort(q)" | first | label "host" }} {{ query "sort(q)" | first | value }}', '{{ range query "q" | sortByLabel "host" }}{{ .Labels.host }}{{ end }}', '{{ range query "q" | sortByLabel "zone" }}{{ .Labels.zone }}{{ .Value }} {{ end }}', '{{ with query "vector(3)" }}{{ . | first | value | humanize }}{{ end }}', '{{ query "vector(3)" | first | label "x" }}|', '{{ query "vector(3)" | first | strvalue }}|', '{{ printf "%.2f" (query "sort(q)" | first | value) }}',
  '{{ reReplaceAll "(.*)\\\\.example\\\\.com.*" "$1" $labels.instance }}', '{{ reReplaceAll "a*" "x" "baac" }}', '{{ reReplaceAll "(?P<n>b)" "[${n}$1$9$x]" "abc" }}', '{{ $labels.instance | reReplaceAll ":.*" "" }}', '{{ match "^web" $labels.instance }} {{ match "db" $labels.instance }}',
  '{{ title "hello wORLD foo-bar baz_qux don\'t 3rd élan ßx ǆa" }}', '{{ title "a.b a:b 1a a1b (x) [y] x/y" }}', '{{ toUpper "aéß" }} {{ toLower "AÉİ" }}', '{{ graphLink "a{b=\\"c d\\"}+1" }}', '{{ tableLink "up" }}', '{{ stripPort "a:1" }} {{ stripPort "a" }} {{ stripPort "[::1]:80" }} {{ stripPort "::1" }} {{ stripPort "a:b:c" }} {{ stripPort "[a" }}', '{{ stripDomain "web1.example.com:9100" }} {{ stripDomain "web1.example.com" }} {{ stripDomain "10.0.0.1:80" }} {{ stripDomain "10.0.0.1" }} {{ stripDomain "[::1]:80" }} {{ stripDomain "host" }}', '{{ safeHtml "<b>" }}', '{{ safeHtml "<b>" | toUpper }}', '{{ len (safeHtml "<b>") }}', '{{ pathPrefix }}|{{ externalURL }}|', '{{ now }}', '{{ parseDuration "1h30m" }} {{ parseDuration "-5m" }} {{ parseDuration "100ms" }}', '{{ parseDuration "x" }}', '{{ parseDuration "" }}', '{{ parseDuration "1m1h" }}', '{{ args 1 "a" }}', '{{ (args 1 "a").arg1 }} {{ (args).arg0 }}',
  ...humanizers.flatMap((name) => numbers.map((x) => `{{ ${name} ${x} }}`)),
  '{{ humanizeTimestamp 1435065584.128 }}', '{{ toTime 1435065584.128 }}', '{{ (toTime 1435065584.128).Format "2006-01-02T15:04:05.000Z07:00 Mon Jan _2 3:04PM MST 06 002" }}', '{{ (toTime 0).Year }} {{ (toTime 0).Month }} {{ (toTime 0).Weekday }} {{ (toTime 0).Unix }}', '{{ toTime 1e10 | printf "%T" }}', '{{ humanizeDuration (toDuration 90) }}', '{{ toDuration 1.5 }} {{ toDuration 3661 }} {{ toDuration 0.0000015 }} {{ toDuration 0.25 }} {{ toDuration -90 }}', '{{ (toDuration 90).Minutes }}', '{{ (toTime 10).Foo }}', '{{ (toTime 10).Format }}', '{{ (toTime 10).Format 1 }}',
  // Comparisons.
  '{{ eq 1 1 }} {{ eq 1 2 1 }} {{ ne 1 2 }} {{ lt 1 2 }} {{ le 2 2 }} {{ gt 1 2 }} {{ ge 2 1 }}', '{{ eq 1 1.0 }}', '{{ eq $value 0.1234 }} {{ gt $value 0.1 }}', '{{ gt $value 0 }}', '{{ eq "a" "a" "b" }} {{ lt "a" "b" }}', '{{ eq "a" 1 }}', '{{ lt true false }}', '{{ eq true true }}', '{{ eq $labels $labels }}', '{{ eq nil nil }}', '{{ eq (query "q") nil }}', '{{ lt nil 1 }}', '{{ eq }}', '{{ eq 1 }}', '{{ not 0 }} {{ not 1 }} {{ not "" }} {{ not $labels }} {{ not nil }}', '{{ and 1 0 2 }} {{ and 1 2 }} {{ or 0 "" "x" }} {{ or 0 "" }}|', '{{ and }}', '{{ 1 | and 2 }} {{ 0 | or 0 }}', '{{ and false (first (query "nothing")) }}', '{{ eq $labels.nope "" }}',
  // index, slice.
  '{{ index $labels "job" }} {{ index $labels "nope" }}|', '{{ index "abc" 1 }}', '{{ index "abc" 3 }}', '{{ index "abc" 4 }}', '{{ index "abc" -1 }}', '{{ index (query "sort(q)") 1 | value }}', '{{ index (query "q") 9 }}', '{{ index (query "q") "x" }}', '{{ index 1 1 }}', '{{ index nil 1 }}', '{{ index $labels }}', '{{ slice "hello" 1 3 }} {{ slice "hello" 2 }} {{ slice "hello" }}', '{{ slice "hello" 3 1 }}', '{{ slice "hello" 1 9 }}', '{{ slice "hello" 1 2 3 }}', '{{ slice $labels 1 }}', '{{ len (slice (query "q") 1) }}',
  // print, printf.
  '{{ print 1 2 "a" "b" 3 4 nil true }}', '{{ print }}|', '{{ println "a" 1 }}', '{{ printf "%d %v %s %q %x %X %o %b %c %U" 42 42 "s" "q\\"" 255 255 8 5 65 65 }}', '{{ printf "%5d|%-5d|%05d|%+d|% d" 42 42 42 42 42 }}', '{{ printf "%.2f|%8.3f|%-8.1f|%+.1f|%e|%g|%G|%.3g" 3.14159 3.14159 3.14159 3.14159 1234.5 1234567.0 1e-7 1234.5 }}', '{{ printf "%s" 1.5 }}', '{{ printf "%d" 1.5 }}', '{{ printf "%d" "x" }}', '{{ printf "%f" 1 }}', '{{ printf "%s" nil }}', '{{ printf "%v" nil }}', '{{ printf "%t %t" true 1 }}', '{{ printf "%z" 1 }}', '{{ printf "%" }}', '{{ printf "100%%" }}', '{{ printf "%d" }}', '{{ printf "x" 1 "a" }}', '{{ printf "%!" }}', '{{ printf "%T %T %T %T %T" 1 1.5 "a" true $labels }}', '{{ printf "%10s|%-10s|%.2s|%q|%x" "abc" "abc" "abc" "a\\nb" "hi" }}', '{{ printf "%*d" 5 42 }}', '{{ printf "%[2]d %[1]d" 1 2 }}', '{{ printf "%[3]d" 1 }}', '{{ printf "%v %s" $labels $labels }}', '{{ printf "%#v" "a" }}', '{{ printf "%+v" 1 }}', '{{ printf "%6.2f%%" 12.345 }}', '{{ printf "%.0f %.0f %.0f" 0.5 1.5 2.5 }}', '{{ printf "%x" "é" }}', '{{ printf "%08.3f|%+08.2f" -3.14159 2.5 }}', '{{ printf "%q" 65 }}', '{{ printf "%.3s|%5.1s|" "éàü" "éàü" }}', '{{ $value | printf "%.2f" }}', '{{ printf "%s" (query "vector(3)" | first | label "x") }}|', '{{ printf "%v" (query "vector(3)" | first).Value }}',
  // Escapes.
  '{{ html $labels.odd }}', '{{ js $labels.odd }}', '{{ urlquery $labels.odd }}', '{{ html 1 "a" }}', '{{ js "a\\\\b\\n<>=" }}', "{{ urlquery \"a b&c+d/e*!'()~\" }}",
  // Faults of syntax.
  '{{', '{{ ', '{{ }}', '{{ if }}x{{ end }}', '{{ if true }}x', '{{ end }}', '{{ else }}', '{{ if true }}{{ else }}{{ else }}{{ end }}', '{{ foo }}', '{{ $x }}', '{{ $x := }}', '{{ $x = 1 }}', '{{ 1 | 2 }}', '{{ 1 | $value }}', '{{ .x.. }}', '{{ "abc }}', '{{ `abc }}', "{{ 'ab' }}", "{{ 'a }}", '{{ (1 }}', '{{ 1) }}', '{{ a.b }}', '{{ 1.2.3 }}', '{{ 1x }}', '{{ "\\z" }}', '{{ & }}', '{{ é }}', '{{ range }}{{ end }}', '{{ range $a, $b, $c := $labels }}{{ end }}', '{{ range $a, 1 := $labels }}{{ end }}', '{{ $a, $b := $labels }}', '{{ template }}', '{{ template foo }}', '{{ define "x" }}', '{{ define x }}{{ end }}', '{{ define "x" }}{{ else }}{{ end }}', '{{ define "x" }}1{{ end }}{{ define "x" }}2{{ end }}', '{{ block "x" }}{{ end }}', '{{ break }}', '{{ continue }}', '{{ range $labels }}{{ break 1 }}{{ end }}', '{{/* unclosed', '{{/* a */ b }}', '{{ if true }}\n\n{{ foo }}{{ end }}', '{{ print\n"a"\n', '{{ "a" : 1 }}', '{{ $x : 1 }}', '{{ .a b c', '{{ true.x }}', '{{ "a".x }}', '{{ 1.x }}', '{{ nil.x }}', '{{ with $x := 1 }}{{ $x }}{{ end }}{{ $x }}', '{{ . | . }}', '{{ true | 1 }}', '{{ , }}', '{{ print , }}', '{{ 0x }}', '{{ 1+2i }}', '{{ 3i }}', '}}', 'a }} b', '{{ {{ 1 }} }}', '{{ print "x" }', '{{ \u0001 }}', '{{ else if true }}{{ end }}', '{{ if true }}{{ else if }}{{ end }}', '{{ if true }}{{ else with 1 }}{{ end }}', '{{ end', '{{ define "x" }}{{ end }}ok',
]
