//go:build ignore

// What Alertmanager makes of matchers, label sets and time intervals, for record-alertmanager.ts: a line of JSON in is a
// case, a line of JSON out its answer. Build it in a module that requires github.com/prometheus/alertmanager v0.35.0.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"time"

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
}

type answer struct {
	Error    string            `json:"error,omitempty"`
	Matchers []*labels.Matcher `json:"matchers,omitempty"`
	// The classic and the sorted text.
	Text        string `json:"text,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Contains    []bool `json:"contains,omitempty"`
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
