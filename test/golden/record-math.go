//go:build ignore

// Records go-math.bin.gz, on amd64 with fused multiply-adds: go run record-math.go > go-math.bin.gz
//
// A line of JSON, [name, count of arguments, count of calls] of each function, then doubles: all arguments of a function, all results.
package main

import (
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand"
	"os"
)

const calls = 1000

type function struct {
	name string
	of1  func(float64) float64
	of2  func(a, b float64) float64
}

var functions = []function{
	{name: "exp", of1: math.Exp}, {name: "exp2", of1: math.Exp2},
	{name: "log", of1: math.Log}, {name: "log2", of1: math.Log2}, {name: "log10", of1: math.Log10}, {name: "log1p", of1: math.Log1p},
	{name: "sin", of1: math.Sin}, {name: "cos", of1: math.Cos}, {name: "tan", of1: math.Tan},
	{name: "asin", of1: math.Asin}, {name: "acos", of1: math.Acos}, {name: "atan", of1: math.Atan},
	{name: "sinh", of1: math.Sinh}, {name: "cosh", of1: math.Cosh}, {name: "tanh", of1: math.Tanh},
	{name: "asinh", of1: math.Asinh}, {name: "acosh", of1: math.Acosh}, {name: "atanh", of1: math.Atanh},
	{name: "pow", of2: math.Pow}, {name: "atan2", of2: math.Atan2},
}

var edges = []float64{
	0, math.Copysign(0, -1), 1, -1, math.Inf(1), math.Inf(-1), math.NaN(), 2, -2, 0.5, -0.5, 5e-324, -5e-324, 0x1p-1022, 0x1p-1023, math.MaxFloat64,
	-math.MaxFloat64, 709.782712893384, 709.7827128933841, -708.4, -745.13, -745.1332191019412, -745.2, 1e9, -1e9, 0x1p29, 0x1p53, 0x1p63, -0x1p63,
	1 - 0x1p-53, 1 + 0x1p-52, 3, -3, math.Sqrt2 / 2, math.Sqrt2, math.Sqrt2 - 1, 0x1p-28, 0x1p28, 0x1p-29, 0x1p-54, 21, 0.66, 0.625, 1024, -1074, -1075, math.Pi, math.Pi / 4,
}

func argument(r *rand.Rand, i int) float64 {
	switch {
	case i < len(edges):
		return edges[i]
	case i%8 == 0: // any exponent, subnormal numbers among them
		return math.Float64frombits(r.Uint64())
	case i%8 == 1: // near a whole number
		return float64(r.Intn(41)-20) + r.NormFloat64()*math.Exp2(-float64(r.Intn(50)))
	case i%8 == 2: // up to where exponentials end
		return (r.Float64() - 0.5) * 1500
	case i%8 == 3:
		return (r.Float64() - 0.5) * math.Exp2(float64(r.Intn(80)-40))
	case i%8 < 6:
		return (r.Float64() - 0.5) * 4
	}
	return math.Round((r.Float64()-0.5)*200000) / 1000
}

func main() {
	out := gzip.NewWriter(os.Stdout)
	var head [][]any
	var body []float64
	r := rand.New(rand.NewSource(314))
	for _, f := range functions {
		arguments := 1
		if f.of2 != nil {
			arguments = 2
		}
		head = append(head, []any{f.name, arguments, calls})
		var in, results []float64
		for i := range calls {
			a := argument(r, i)
			in = append(in, a)
			if f.of2 != nil {
				b := argument(r, r.Intn(calls))
				in = append(in, b)
				results = append(results, f.of2(a, b))
			} else {
				results = append(results, f.of1(a))
			}
		}
		body = append(append(body, in...), results...)
	}
	line, err := json.Marshal(head)
	if err != nil {
		panic(err)
	}
	if _, err := out.Write(append(line, '\n')); err != nil {
		panic(err)
	}
	if err := binary.Write(out, binary.LittleEndian, body); err != nil {
		panic(err)
	}
	if err := out.Close(); err != nil {
		panic(err)
	}
}
