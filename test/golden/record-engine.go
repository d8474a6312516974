//go:build ignore

// The engine of Prometheus as a filter, for record-engine.ts: a line of JSON in is a load in the language of `.test`
// files or a question, a line of JSON out is the answer to a question. Build it in a module that requires
// github.com/prometheus/prometheus v0.314.0.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
)

type tb struct{ testing.TB }

func (tb) Helper()         {}
func (tb) TempDir() string { dir, _ := os.MkdirTemp("", "engine"); return dir }
func (tb) Cleanup(func())  {}

type input struct {
	Load             string
	Query            string
	Start, End, Step int64
	Features
}

// Features that may be on or off; those of the parser are on.
type Features struct{ Delayed, TypeLabels bool }

type point struct {
	Labels map[string]string
	T      int64
	V      string
}

type output struct {
	Error  string
	Points []point
	Notes  []string
}

func text(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func makeEngine(features Features) *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		MaxSamples: 50_000_000, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
		EnableDelayedNameRemoval: features.Delayed, EnableTypeAndUnitLabels: features.TypeLabels,
		NoStepSubqueryIntervalFn: func(int64) int64 { return 60_000 },
		Parser: parser.NewParser(parser.Options{
			ExperimentalDurationExpr: true, EnableExperimentalFunctions: true, EnableExtendedRangeSelectors: true, EnableBinopFillModifiers: true,
		}),
	})
}

func ask(engine *promql.Engine, store storage.Storage, in input) output {
	var query promql.Query
	var err error
	ctx := context.Background()
	if in.Step == 0 {
		query, err = engine.NewInstantQuery(ctx, store, nil, in.Query, time.UnixMilli(in.Start))
	} else {
		query, err = engine.NewRangeQuery(ctx, store, nil, in.Query, time.UnixMilli(in.Start), time.UnixMilli(in.End), time.Duration(in.Step)*time.Millisecond)
	}
	if err != nil {
		return output{Error: err.Error()}
	}
	defer query.Close()
	result := query.Exec(ctx)
	if result.Err != nil {
		return output{Error: result.Err.Error()}
	}
	var out output
	add := func(labels map[string]string, t int64, v string) { out.Points = append(out.Points, point{labels, t, v}) }
	switch value := result.Value.(type) {
	case promql.Scalar:
		add(nil, value.T, text(value.V))
	case promql.Vector:
		for _, s := range value {
			if s.H != nil {
				add(s.Metric.Map(), s.T, text(s.H.Count)+" "+text(s.H.Sum))
			} else {
				add(s.Metric.Map(), s.T, text(s.F))
			}
		}
	case promql.Matrix:
		for _, s := range value {
			for _, p := range s.Floats {
				add(s.Metric.Map(), p.T, text(p.F))
			}
			for _, p := range s.Histograms {
				add(s.Metric.Map(), p.T, text(p.H.Count)+" "+text(p.H.Sum))
			}
		}
	}
	warnings, infos := result.Warnings.AsStrings(in.Query, 0, 0)
	out.Notes = append(warnings, infos...)
	return out
}

func main() {
	engines := map[Features]*promql.Engine{}
	var store storage.Storage
	lines := bufio.NewScanner(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var in input
		if err := json.Unmarshal(lines.Bytes(), &in); err != nil {
			panic(err)
		}
		if in.Load != "" {
			store = promqltest.LoadedStorage(tb{}, in.Load)
			continue
		}
		engine, isMade := engines[in.Features]
		if !isMade {
			engine = makeEngine(in.Features)
			engines[in.Features] = engine
		}
		if err := answers.Encode(ask(engine, store, in)); err != nil {
			panic(err)
		}
	}
}
