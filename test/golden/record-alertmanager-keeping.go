//go:build ignore

// What Alertmanager keeps back of alerts and when, on a clock that does not wait, for record-alertmanager-keeping.ts: a line of JSON in is
// a story, a line out what was told and how alerts stood. Its parts are put together as by its own app/reloader.go; posts and questions
// go through the handler of its API. Build it in a module that requires github.com/prometheus/alertmanager v0.35.0.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sort"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/alert"
	apiv2 "github.com/prometheus/alertmanager/api/v2"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/labelset"
	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/provider/mem"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/alertmanager/timeinterval"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"
)

type input struct {
	Config  string
	StartMs int64
	Steps   []struct {
		AtMs int64
		// Bodies of POST /alerts and POST /silences, times as ms since the start; keys of silences to be expired.
		Alerts   []map[string]any
		Silences []struct {
			Key  string
			Body map[string]any
		}
		Expire []string
	}
}

type output struct {
	Told   []string   `json:"told"`
	States [][]string `json:"states"`
}

type world struct {
	start time.Time
	out   output
	api   http.Handler
	// Ids of silences to their keys: k, k', k'' as changes make others of them.
	keys map[string]string
	ids  map[string]string
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

type webhook struct {
	w  *world
	to string
}

func (h *webhook) Notify(ctx context.Context, alerts ...*alert.Alert) notify.NotifyVerdict {
	key, err := notify.ExtractGroupKey(ctx)
	must(err)
	names := []string{}
	for _, a := range alerts {
		sign := "+"
		if a.Resolved() {
			sign = "-"
		}
		names = append(names, sign+string(a.Labels["i"]))
	}
	sort.Strings(names)
	h.w.out.Told = append(h.w.out.Told, fmt.Sprintf("%d %s %s: %s", time.Since(h.w.start).Milliseconds(), h.to, key, strings.Join(names, " ")))
	return notify.Success()
}

type sendResolved bool

func (s sendResolved) SendResolved() bool { return bool(s) }

// Times of a body are ms since the start.
func (w *world) timed(body map[string]any) map[string]any {
	for _, name := range []string{"startsAt", "endsAt"} {
		if ms, isThere := body[name]; isThere {
			body[name] = w.start.Add(time.Duration(ms.(float64)) * time.Millisecond).Format(time.RFC3339Nano)
		}
	}
	return body
}

func (w *world) ask(method, path string, body any, answer any) int {
	text, err := json.Marshal(body)
	must(err)
	request := httptest.NewRequest(method, "/api/v2"+path, strings.NewReader(string(text)))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	w.api.ServeHTTP(recorder, request)
	if answer != nil && recorder.Code == 200 {
		must(json.Unmarshal(recorder.Body.Bytes(), answer))
	}
	return recorder.Code
}

func (w *world) states() []string {
	lines := []string{}
	var silences []struct {
		ID     string
		Status struct{ State string }
	}
	w.ask("GET", "/silences", nil, &silences)
	for _, s := range silences {
		lines = append(lines, fmt.Sprintf("silence %s %s", w.keys[s.ID], s.Status.State))
	}
	var groups []struct {
		Receiver struct{ Name string }
		Labels   map[string]string
		Alerts   []struct {
			Labels map[string]string
			Status struct {
				State                            string
				SilencedBy, InhibitedBy, MutedBy []string
			}
		}
	}
	w.ask("GET", "/alerts/groups", nil, &groups)
	for _, g := range groups {
		labels, err := json.Marshal(g.Labels)
		must(err)
		for _, a := range g.Alerts {
			by := func(ids []string, names map[string]string) string {
				named := []string{}
				for _, id := range ids {
					name, isKnown := names[id]
					if !isKnown {
						name = id
					}
					named = append(named, name)
				}
				sort.Strings(named)
				return strings.Join(named, ",")
			}
			line := fmt.Sprintf("%s %s %s", g.Receiver.Name, labels, a.Labels["i"])
			if text := by(a.Status.SilencedBy, w.keys); text != "" {
				line += " silenced by " + text
			}
			// By which of several sources is chance.
			if len(a.Status.InhibitedBy) > 0 {
				line += " inhibited"
			}
			if text := by(a.Status.MutedBy, nil); text != "" {
				line += " muted by " + text
			}
			lines = append(lines, line)
		}
	}
	sort.Strings(lines)
	return lines
}

func (w *world) assemble(text string) (stop func()) {
	conf, err := config.Load(text)
	must(err)
	logger, flags, registry := promslog.NewNopLogger(), featurecontrol.NoopFlags{}, prometheus.NewRegistry()
	var events eventrecorder.Recorder
	log, err := nflog.New(nflog.Options{Retention: 120 * time.Hour, Logger: logger, Metrics: registry})
	must(err)
	silences, err := silence.New(silence.Options{Retention: 120 * time.Hour, Logger: logger, Metrics: registry, EventRecorder: events})
	must(err)
	silencer := silence.NewSilencer(silences, logger, events)
	alerts, err := mem.NewAlerts(context.Background(), 30*time.Minute, 0, silencer, logger, events, registry, flags)
	must(err)
	intervals := map[string][]timeinterval.TimeInterval{}
	for _, one := range conf.TimeIntervals {
		intervals[one.Name] = one.TimeIntervals
	}
	intervener := timeinterval.NewIntervener(intervals)
	receivers := map[string][]notify.Integration{}
	for _, one := range conf.Receivers {
		for i, hook := range one.WebhookConfigs {
			to := strings.TrimPrefix(string(hook.URL), "http://")
			receivers[one.Name] = append(receivers[one.Name], notify.NewIntegration(&webhook{w, to}, sendResolved(hook.SendResolved()), "webhook", i, one.Name))
		}
	}
	inhibitor := inhibit.NewInhibitor(alerts, conf.InhibitRules, logger, events)
	stage := notify.NewPipelineBuilder(registry, flags, events).New(receivers, func() time.Duration { return 0 }, inhibitor, silencer, intervener, log, nil)
	tmpl, err := template.FromGlobs(nil)
	must(err)
	dispatcher := dispatch.NewDispatcher(alerts, dispatch.NewRoute(conf.Route, nil), stage, intervener, func(d time.Duration) time.Duration { return max(d, notify.MinTimeout) }, 30*time.Second, nil, logger, events, nil, tmpl)
	api, err := apiv2.NewAPI(alerts, dispatcher.Groups, silences, nil, logger, registry)
	must(err)
	api.Update(conf, func(ctx context.Context, labels labelset.LabelSet) {
		inhibitor.Mutes(ctx, labels)
		silencer.Mutes(ctx, labels)
	})
	w.api = api.Handler
	go inhibitor.Run()
	inhibitor.WaitForLoading()
	go dispatcher.Run(time.Now())
	dispatcher.WaitForLoading()
	return func() {
		dispatcher.Stop()
		inhibitor.Stop()
		alerts.Close()
	}
}

func play(in input) output {
	w := &world{start: time.UnixMilli(in.StartMs), out: output{Told: []string{}}, keys: map[string]string{}, ids: map[string]string{}}
	time.Sleep(time.Until(w.start))
	stop := w.assemble(in.Config)
	for _, step := range in.Steps {
		time.Sleep(time.Until(w.start.Add(time.Duration(step.AtMs) * time.Millisecond)))
		synctest.Wait()
		for i := range step.Alerts {
			w.timed(step.Alerts[i])
		}
		if len(step.Alerts) > 0 {
			if code := w.ask("POST", "/alerts", step.Alerts, nil); code != 200 {
				panic(code)
			}
		}
		for _, s := range step.Silences {
			id := w.ids[s.Key]
			if id != "" {
				s.Body["id"] = id
			}
			var answer struct{ SilenceID string }
			if code := w.ask("POST", "/silences", w.timed(s.Body), &answer); code != 200 {
				w.out.Told = append(w.out.Told, fmt.Sprintf("%d silence %s: %d", step.AtMs, s.Key, code))
				continue
			}
			if answer.SilenceID != id {
				w.keys[answer.SilenceID] = s.Key
				if id != "" {
					w.keys[answer.SilenceID] = w.keys[id] + "'"
				}
				w.ids[s.Key] = answer.SilenceID
			}
		}
		for _, key := range step.Expire {
			if code := w.ask("DELETE", "/silence/"+w.ids[key], nil, nil); code != 200 {
				w.out.Told = append(w.out.Told, fmt.Sprintf("%d expire %s: %d", step.AtMs, key, code))
			}
		}
		synctest.Wait()
		w.out.States = append(w.out.States, w.states())
	}
	stop()
	return w.out
}

func main() {
	flags, _ := featurecontrol.NewFlags(promslog.NewNopLogger(), "")
	compat.InitFromFlags(promslog.NewNopLogger(), flags)
	testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "stories", F: func(t *testing.T) {
		in := bufio.NewScanner(os.Stdin)
		in.Buffer(nil, 1<<24)
		answers := json.NewEncoder(os.Stderr)
		answers.SetEscapeHTML(false)
		for in.Scan() {
			var story input
			must(json.Unmarshal(in.Bytes(), &story))
			synctest.Test(t, func(*testing.T) { must(answers.Encode(play(story))) })
		}
	}}}, nil, nil)
}
