//go:build ignore

// Records go-sort.json: go run record-sort.go > go-sort.json
//
// Lists of small numbers, of which -1 stands for NaN, and the places from which Go's sort takes them, as Prometheus' sort() sorts:
// of NaN each is less than the other. One pattern after the other, among them such that make it give up on pivots.
package main

import (
	"encoding/json"
	"math/rand"
	"os"
	"sort"
)

type list struct{ values, places []int }

func (l list) Len() int { return len(l.values) }

func (l list) Less(i, j int) bool { return l.values[i] == -1 || l.values[i] < l.values[j] }

func (l list) Swap(i, j int) {
	l.values[i], l.values[j] = l.values[j], l.values[i]
	l.places[i], l.places[j] = l.places[j], l.places[i]
}

type recorded struct {
	Values []int `json:"values"`
	Places []int `json:"places"`
}

func main() {
	r := rand.New(rand.NewSource(12))
	patterns := []func(i, n int) int{
		func(i, _ int) int { return i },
		func(i, n int) int { return n - i },
		func(_, _ int) int { return 1 },
		func(i, n int) int { return min(i, n-i) },
		func(i, _ int) int { return i % 7 },
		func(_, _ int) int { return r.Intn(5) },
		func(_, n int) int { return r.Intn(n) },
		func(_, _ int) int { return r.Intn(6) - 1 },
		func(i, n int) int { return (i*i*31 + 7) % n },
		func(i, n int) int {
			if i%10 == 3 {
				return -1
			}
			return n - i
		},
		func(i, _ int) int { return i ^ 1 },
		func(i, n int) int { return (i * (n/2 + 1)) % n },
	}
	var all []recorded
	for _, n := range []int{2, 12, 13, 20, 49, 50, 120, 400} {
		for _, pattern := range patterns {
			l := list{}
			for i := range n {
				l.values = append(l.values, pattern(i, n))
				l.places = append(l.places, i)
			}
			values := append([]int{}, l.values...)
			sort.Sort(sort.Reverse(l))
			all = append(all, recorded{values, l.places})
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(all); err != nil {
		panic(err)
	}
}
