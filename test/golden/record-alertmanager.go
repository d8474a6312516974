//go:build ignore

// What Alertmanager makes of matchers, label sets, time intervals, routes and words on alerts, for record-alertmanager.ts: a line of JSON in is a
// case, a line of JSON out its answer. Build it in a module that requires github.com/prometheus/alertmanager v0.35.0.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/alertmanager/timeinterval"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"gopkg.in/yaml.v2"
)

type input struct {
	Matchers *string
	Matcher  *string
	Labels   model.LabelSet
	Interval *string
	Times    []string
	// A configuration and label sets to be routed by it.
	Config *string
	Sets   []model.LabelSet
	// Two words on an alert, [startsAt, endsAt, timed out] in seconds, at a time.
	Merge *merge
}

type merge struct {
	Before, Told [2]int64
	Timeout      bool
}

type answer struct {
	Error    string            `json:"error,omitempty"`
	Matchers []*labels.Matcher `json:"matchers,omitempty"`
	// The classic and the sorted text.
	Text        string `json:"text,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Contains    []bool `json:"contains,omitempty"`
	// By set, its routes: ID, receiver, key of the group, its intervals.
	Routes [][][]string `json:"routes,omitempty"`
	// Order of the sets as alerts of a message.
	Order  []int    `json:"order,omitempty"`
	Merged []int64 `json:"merged,omitempty"`
}

func main() {
	flags, _ := featurecontrol.NewFlags(promslog.NewNopLogger(), "")
	compat.InitFromFlags(promslog.NewNopLogger(), flags)
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<24)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for in.Scan() {
		var c input
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			panic(err)
		}
		if err := out.Encode(answerOf(c)); err != nil {
			panic(err)
		}
	}
}

func answerOf(c input) (a answer) {
	fail := func(err error) {
		if err != nil {
			a.Error = err.Error()
		}
	}
	switch {
	case c.Matchers != nil:
		ms, err := compat.Matchers(*c.Matchers, "test")
		fail(err)
		if err == nil {
			a.Matchers, a.Text = ms, ms.String()
		}
	case c.Matcher != nil:
		m, err := compat.Matcher(*c.Matcher, "test")
		fail(err)
		if err == nil {
			a.Matchers, a.Text = labels.Matchers{m}, m.String()
		}
	case c.Labels != nil:
		a.Fingerprint = c.Labels.Fingerprint().String()
		a.Text = c.Labels.String()
	case c.Config != nil:
		conf, err := config.Load(*c.Config)
		fail(err)
		if err != nil {
			return a
		}
		root := dispatch.NewRoute(conf.Route, nil)
		var alerts alert.AlertSlice
		for i, set := range c.Sets {
			one := alert.New(model.Alert{Labels: set, StartsAt: time.Unix(int64(i), 0)}, time.Now(), false)
			alerts = append(alerts, one)
			routes := [][]string{}
			for _, r := range root.Match(set) {
				group := model.LabelSet{}
				for ln, lv := range set {
					if _, ok := r.RouteOpts.GroupBy[ln]; ok || r.RouteOpts.GroupByAll {
						group[ln] = lv
					}
				}
				routes = append(routes, []string{r.ID(), r.RouteOpts.Receiver, fmt.Sprintf("%s:%s", r.Key(), group), r.RouteOpts.GroupWait.String() + " " + r.RouteOpts.GroupInterval.String() + " " + r.RouteOpts.RepeatInterval.String()})
			}
			a.Routes = append(a.Routes, routes)
		}
		sort.Stable(alerts)
		for _, one := range alerts {
			a.Order = append(a.Order, int(one.StartsAt.Unix()))
		}
	case c.Merge != nil:
		// The time is now: seconds count from it.
		base := time.Now()
		at := func(s int64) time.Time { return base.Add(time.Duration(s) * time.Hour) }
		before := alert.New(model.Alert{Labels: model.LabelSet{"a": "b"}, StartsAt: at(c.Merge.Before[0]), EndsAt: at(c.Merge.Before[1])}, base, c.Merge.Timeout)
		told := alert.New(model.Alert{Labels: model.LabelSet{"a": "b"}, StartsAt: at(c.Merge.Told[0]), EndsAt: at(c.Merge.Told[1])}, base.Add(time.Second), false)
		if (told.EndsAt.After(before.StartsAt) && told.EndsAt.Before(before.EndsAt)) || (told.StartsAt.After(before.StartsAt) && told.StartsAt.Before(before.EndsAt)) {
			told = before.Merge(told)
		}
		a.Merged = []int64{int64(told.StartsAt.Sub(base) / time.Hour), int64(told.EndsAt.Sub(base) / time.Hour)}
	case c.Interval != nil:
		var intervals []timeinterval.TimeInterval
		err := yaml.UnmarshalStrict([]byte(*c.Interval), &intervals)
		fail(err)
		a.Error = strings.TrimSpace(a.Error)
		for _, text := range c.Times {
			t, err := time.Parse(time.RFC3339, text)
			if err != nil {
				panic(err)
			}
			contains := false
			for _, one := range intervals {
				contains = contains || one.ContainsTime(t.UTC())
			}
			a.Contains = append(a.Contains, contains)
		}
	}
	return a
}
