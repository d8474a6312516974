//go:build ignore

// Records regex.json.gz: go run record-regex.go | gzip -9n > regex.json.gz, within a module that requires Prometheus 3.14.
//
// Random patterns, and what Prometheus makes of them: as matchers, which must be well formed by themselves, and within
// ^(?s:…)$, as relabeling and label_replace compile them.
package main

import (
	"encoding/json"
	"math/rand"
	"os"
	"strings"

	"github.com/grafana/regexp"
	"github.com/prometheus/prometheus/model/labels"
)

var pieces = []string{
	"a", "b", "ab", "ba", "foo", `\.`, `\n`, ".", ".*", ".+", ".*?", "|", "|", "(", ")", "(?:", "?", "*", "+", "{2}", "{0,1}", "{1,}", "{0}", "{1001}", "{,2}", "{2,1}", "{",
	"[ab]", "[a-c]", "[^a]", "[-a]", `[a\-b]`, `\d`, `\w`, "^", "$", "-", "😀", "(?i)", "(?P<n>", "(?<n>", "(?P<n>", "A", `\Q`, `\E`, "\n", "]", "}", "_", `\b`, `\B`, "(?m)", "(?m)",
	"(?s)", "(?-s)", "(?U)", "(?i:", "(?m:", "(?im-s:", " ", "é", "[[:alpha:]]", "[[:^digit:]]", "[+--]", `\A`, `\z`, `\Z`, `\x41`, `\x{1F600}`, `\101`, `\1`, `\pL`, `\p{Greek}`,
	`\C`, `\S`, "+?", "??", "{2}?", "()", "(?:)", "(a)", "(|a)", "k", "ſ", "[]a]", "[^]a]", "[a", `[a-\d]`, `[\w.]`, `[\Q]`, "[z-a]", "(?", "(?P<", "(?P=n)", "(?=", "σ", `\p{Nope}`,
}
var parts = []string{"a", "b", "c", ".", "\n", "😀", "A", "-", "1", "_", "é", "|", "foo", "ab", "B", "k", "K", "ſ", " ", "$", "Σ", "É", "}", "]", "E", `\`}
var templates = []string{"$1", "$0", "[$1][$2]", "${n}", "x", "$n.$1", "$$1"}

type answer struct {
	Source, Template      string
	Texts                 []string
	Error, WrappedError   string
	Matches, WrappedMatch []bool
	Replaced              []string
}

func text(random *rand.Rand, from []string, length int) string {
	var made strings.Builder
	for ; length > 0; length-- {
		made.WriteString(from[random.Intn(len(from))])
	}
	return made.String()
}

func main() {
	random := rand.New(rand.NewSource(7))
	var answers []answer
	for len(answers) < 4000 {
		from := pieces
		if random.Intn(3) == 0 {
			from = nil
			for range 5 {
				from = append(from, pieces[random.Intn(len(pieces))])
			}
		}
		a := answer{Source: text(random, from, 1+random.Intn(7)), Template: templates[random.Intn(len(templates))], Texts: []string{""}}
		if len(answers) == 0 {
			a.Source = "a+(?m)*"
		}
		matcher, err := labels.NewFastRegexMatcher(a.Source)
		wrapped, wrappedErr := regexp.Compile("^(?s:" + a.Source + ")$")
		if err != nil && wrappedErr != nil && random.Intn(4) > 0 {
			continue
		}
		for range 6 {
			a.Texts = append(a.Texts, text(random, parts, 1+random.Intn(4)))
		}
		if err != nil {
			a.Error = err.Error()
		}
		if wrappedErr != nil {
			a.WrappedError = wrappedErr.Error()
		}
		for _, one := range a.Texts {
			if err == nil {
				a.Matches = append(a.Matches, matcher.MatchString(one))
			}
			if wrappedErr == nil {
				places := wrapped.FindStringSubmatchIndex(one)
				a.WrappedMatch = append(a.WrappedMatch, places != nil)
				replaced := ""
				if places != nil {
					replaced = string(wrapped.ExpandString(nil, a.Template, one, places))
				}
				a.Replaced = append(a.Replaced, replaced)
			}
		}
		answers = append(answers, a)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		panic(err)
	}
}
