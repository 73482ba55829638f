package test

import (
	"testing"

	"github.com/orderflow-cdk/orderflow/infra/app"
)

// BenchmarkSynth is the synthesis of all environments in a process whose bridge
// to Node has started: what a change to the app costs a test.
func BenchmarkSynth(b *testing.B) {
	assets, context := bootstraps(b), flags(b)
	for b.Loop() {
		a, err := app.New(app.Options{Assets: assets, Context: context, Outdir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		a.Synth(nil)
	}
}
