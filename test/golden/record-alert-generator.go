//go:build ignore

// What Prometheus' rules make of series, evaluation by evaluation at times that are given, for record-alert-generator.ts: a line of JSON in
// is a case, a line out its answer. Build it in a module that requires github.com/prometheus/prometheus v0.314.0.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/notifier"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/teststorage"
)

const externalURL = "http://monitor.example/sub"

type input struct {
	Rules  string
	Series []struct {
		Labels map[string]string
		Values []string
	}
	ZeroMs, StepS, ResendS, Steps, RestartAt, RestartDown int
}

type output struct {
	Posts   []string          `json:"posts"`
	States  [][]string        `json:"states"`
	Written map[string]string `json:"written"`
}

type recorder struct {
	in   input
	out  output
	step int
}

func text(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

// In steps; as much of a step as is left over, in seconds.
func (r *recorder) at(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli()-int64(r.in.ZeroMs))/1000/float64(r.in.StepS), 'g', 6, 64)
}

func (r *recorder) Send(alerts ...*notifier.Alert) {
	lines := []string{}
	for _, a := range alerts {
		lines = append(lines, fmt.Sprintf("%d %s %s %s %s %s", r.step, text(a.Labels.Map()), text(a.Annotations.Map()), r.at(a.StartsAt), r.at(a.EndsAt), a.GeneratorURL))
	}
	sort.Strings(lines)
	r.out.Posts = append(r.out.Posts, lines...)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (r *recorder) states(group *rules.Group) []string {
	lines := []string{}
	for _, rule := range group.AlertingRules() {
		for _, a := range rule.ActiveAlerts() {
			since := ""
			if !a.KeepFiringSince.IsZero() {
				since = " kept since " + r.at(a.KeepFiringSince)
			}
			lines = append(lines, fmt.Sprintf("%s %s %s since %s: %s%s", text(a.Labels.Map()), text(a.Annotations.Map()), a.State, r.at(a.ActiveAt), strconv.FormatFloat(a.Value, 'e', -1, 64), since))
		}
	}
	sort.Strings(lines)
	return lines
}

func (r *recorder) written(store *teststorage.TestStorage) {
	inputs := map[string]bool{}
	for _, s := range r.in.Series {
		inputs[s.Labels["__name__"]] = true
	}
	q, err := store.Querier(math.MinInt64, math.MaxInt64)
	must(err)
	defer q.Close()
	set := q.Select(context.Background(), true, nil, labels.MustNewMatcher(labels.MatchRegexp, "__name__", ".+"))
	for set.Next() {
		s := set.At()
		name := s.Labels().Get("__name__")
		if inputs[name] {
			continue
		}
		line := []string{}
		for it := s.Iterator(nil); it.Next() != 0; {
			t, v := it.At()
			shown := strconv.FormatFloat(v, 'e', -1, 64)
			if value.IsStaleNaN(v) {
				shown = "stale"
			} else if name == "ALERTS_FOR_STATE" {
				shown = r.at(time.Unix(int64(v), 0))
			}
			line = append(line, r.at(time.UnixMilli(t))+":"+shown)
		}
		r.out.Written[text(s.Labels().Map())] = strings.Join(line, " ")
	}
}

func answer(in input) output {
	r := &recorder{in: in, out: output{Posts: []string{}, States: [][]string{}, Written: map[string]string{}}}
	store, err := teststorage.NewWithError(func(o *tsdb.Options) { o.OutOfOrderTimeWindow = 0 })
	must(err)
	defer store.Close()
	file := os.TempDir() + "/alert-generator-rules.yml"
	must(os.WriteFile(file, []byte(in.Rules), 0o600))
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 50_000_000, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{})})
	external, _ := url.Parse(externalURL)
	var group *rules.Group
	evaluations := 0
	start := func() {
		manager := rules.NewManager(&rules.ManagerOptions{
			ExternalURL: external, QueryFunc: rules.EngineQueryFunc(engine, store), NotifyFunc: rules.SendAlerts(r, externalURL), Context: context.Background(),
			Appendable: store, Queryable: store, OutageTolerance: time.Hour, ForGracePeriod: 10 * time.Minute, ResendDelay: time.Duration(in.ResendS) * time.Second,
			DefaultRuleQueryOffset: func() time.Duration { return 0 },
		})
		groups, errs := manager.LoadGroups(time.Duration(in.StepS)*time.Second, labels.FromStrings("a", "outside"), externalURL, nil, false, file)
		if errs != nil {
			panic(errs[0])
		}
		for _, group = range groups {
		}
		evaluations = 0
	}
	start()
	for r.step = 0; r.step < in.Steps; r.step++ {
		ts := time.UnixMilli(int64(in.ZeroMs + r.step*in.StepS*1000))
		app := store.Appender(context.Background())
		for _, s := range in.Series {
			var v float64
			switch s.Values[r.step] {
			case "_":
				continue
			case "stale":
				v = math.Float64frombits(value.StaleNaN)
			default:
				v, err = strconv.ParseFloat(s.Values[r.step], 64)
				must(err)
			}
			_, err := app.Append(0, labels.FromMap(s.Labels), ts.UnixMilli(), v)
			must(err)
		}
		must(app.Commit())
		if in.RestartAt > 0 && r.step == in.RestartAt {
			start()
		}
		if in.RestartAt > 0 && r.step >= in.RestartAt && r.step < in.RestartAt+in.RestartDown {
			r.out.States = append(r.out.States, []string{})
			continue
		}
		group.Eval(context.Background(), ts)
		// Group.run restores after the second evaluation.
		if evaluations++; evaluations == 2 {
			group.RestoreForState(ts)
		}
		r.out.States = append(r.out.States, r.states(group))
	}
	r.written(store)
	return r.out
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	answers := json.NewEncoder(os.Stdout)
	answers.SetEscapeHTML(false)
	for lines.Scan() {
		var in input
		must(json.Unmarshal(lines.Bytes(), &in))
		must(answers.Encode(answer(in)))
	}
}
