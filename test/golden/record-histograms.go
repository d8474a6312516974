//go:build ignore

// Prints remote write 1.0 Histogram messages at random, good and bad, and what Prometheus makes of each: the histogram
// its storage would append or why it refuses. A JSON object a line:
//
//	go run record-histograms.go | gzip -9 > remote-write-histograms.jsonl.gz
//
// in a module that requires github.com/prometheus/prometheus v0.314.0.
package main

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"math/rand"
	"os"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/prompb"
)

type bucket struct {
	Index int32
	Count float64
}

type answer struct {
	Wire, Error                     string
	Time                            int64
	Schema                          int32
	ZeroThreshold, ZeroCount, Count float64
	SumBits, Hint                   string
	Positive, Negative              []bucket
	Custom                          []float64
}

var random = rand.New(rand.NewSource(314))

func chance(n int) bool { return random.Intn(n) == 0 }

func spans(isCustom bool) ([]prompb.BucketSpan, int) {
	var out []prompb.BucketSpan
	total := 0
	for i := random.Intn(4); i > 0; i-- {
		offset := int32(random.Intn(5))
		if len(out) == 0 && !isCustom {
			offset = int32(random.Intn(60) - 30)
		}
		if chance(60) {
			offset = -2
		}
		length := uint32(random.Intn(5))
		out = append(out, prompb.BucketSpan{Offset: offset, Length: length})
		total += int(length)
	}
	if chance(40) {
		total++
	}
	return out, total
}

func integers(n int) ([]int64, uint64) {
	var deltas []int64
	var last int64
	var total uint64
	for i := 0; i < n; i++ {
		count := int64(random.Intn(6))
		if chance(5) {
			count = random.Int63n(1 << 40)
		}
		if chance(150) {
			count = -1
		}
		deltas = append(deltas, count-last)
		last = count
		total += uint64(count)
	}
	return deltas, total
}

func floats(n int) []float64 {
	var counts []float64
	for i := 0; i < n; i++ {
		count := float64(random.Intn(20)) / 4
		if chance(150) {
			count = -0.25
		}
		counts = append(counts, count)
	}
	return counts
}

func message() prompb.Histogram {
	h := prompb.Histogram{Timestamp: 1700000000000 + random.Int63n(1000000), ResetHint: prompb.Histogram_ResetHint(random.Intn(4))}
	h.Schema = int32(random.Intn(13) - 4)
	if chance(15) {
		h.Schema = int32(9 + random.Intn(8))
	}
	if chance(60) {
		h.Schema = []int32{-9, -5, 53, -54, 52}[random.Intn(5)]
	}
	isCustom := chance(4)
	if isCustom {
		h.Schema = -53
	}
	h.Sum = random.NormFloat64() * 100
	if chance(20) {
		h.Sum = []float64{math.NaN(), math.Inf(1), math.Copysign(0, -1), 0}[random.Intn(4)]
	}
	if !isCustom || chance(40) {
		h.ZeroThreshold = []float64{0, math.Pow(2, -128), 0.001}[random.Intn(3)]
	}
	positive, n := spans(isCustom)
	h.PositiveSpans = positive
	m := 0
	if !isCustom && chance(2) || chance(40) {
		h.NegativeSpans, m = spans(false)
	}
	if isCustom || chance(60) {
		bound := random.Float64()
		for i := random.Intn(16); i > 0; i-- {
			h.CustomValues = append(h.CustomValues, bound)
			bound += float64(random.Intn(30)) / 4
		}
		if chance(30) {
			h.CustomValues = append(h.CustomValues, math.Inf(1))
		}
	}
	hasZero := !isCustom && chance(2) || chance(40)
	if chance(2) {
		var p, q, zero uint64
		h.PositiveDeltas, p = integers(n)
		h.NegativeDeltas, q = integers(m)
		if hasZero {
			zero = uint64(random.Intn(50))
		}
		if zero > 0 || chance(2) {
			h.ZeroCount = &prompb.Histogram_ZeroCountInt{ZeroCountInt: zero}
		}
		count := p + q + zero
		if chance(30) {
			count += uint64(random.Intn(3))
		}
		if chance(2) || count > 0 {
			h.Count = &prompb.Histogram_CountInt{CountInt: count}
		}
	} else {
		h.PositiveCounts, h.NegativeCounts = floats(n), floats(m)
		if hasZero {
			h.ZeroCount = &prompb.Histogram_ZeroCountFloat{ZeroCountFloat: float64(random.Intn(40))/8 - float64(random.Intn(60)/59)}
		}
		h.Count = &prompb.Histogram_CountFloat{CountFloat: random.Float64()*100 - float64(random.Intn(60)/59*200)}
	}
	return h
}

func buckets(it histogram.BucketIterator[float64]) []bucket {
	out := []bucket{}
	for it.Next() {
		b := it.At()
		out = append(out, bucket{b.Index, b.Count})
	}
	return out
}

// stored is what storage/remote/write_handler.go and tsdb/head_append.go do with a histogram.
func stored(h prompb.Histogram) (*histogram.FloatHistogram, error) {
	if h.IsFloatHistogram() {
		f := h.ToFloatHistogram()
		if histogram.IsExponentialSchemaReserved(f.Schema) && f.Schema > histogram.ExponentialSchemaMax {
			if err := f.ReduceResolution(histogram.ExponentialSchemaMax); err != nil {
				return nil, err
			}
		}
		return f, f.Validate()
	}
	i := h.ToIntHistogram()
	if histogram.IsExponentialSchemaReserved(i.Schema) && i.Schema > histogram.ExponentialSchemaMax {
		if err := i.ReduceResolution(histogram.ExponentialSchemaMax); err != nil {
			return nil, err
		}
	}
	if err := i.Validate(); err != nil {
		return nil, err
	}
	return i.ToFloat(nil), nil
}

func main() {
	encoder := json.NewEncoder(os.Stdout)
	for i := 0; i < 1500; i++ {
		h := message()
		wire, err := h.Marshal()
		if err != nil {
			panic(err)
		}
		// What arrives: a sum of -0 is left out on the wire.
		h = prompb.Histogram{}
		if err := h.Unmarshal(wire); err != nil {
			panic(err)
		}
		a := answer{Wire: hex.EncodeToString(wire), Time: h.Timestamp}
		f, err := stored(h)
		if err != nil {
			a.Error = err.Error()
		} else {
			bits := make([]byte, 8)
			for k := range bits {
				bits[k] = byte(math.Float64bits(f.Sum) >> (8 * k))
			}
			a.Schema, a.ZeroThreshold, a.ZeroCount, a.Count = f.Schema, f.ZeroThreshold, f.ZeroCount, f.Count
			a.SumBits, a.Hint, a.Custom = hex.EncodeToString(bits), h.ResetHint.String(), f.CustomValues
			a.Positive, a.Negative = buckets(f.PositiveBucketIterator()), buckets(f.NegativeBucketIterator())
		}
		if err := encoder.Encode(a); err != nil {
			panic(err)
		}
	}
}
