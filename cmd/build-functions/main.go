// Command build-functions compiles every Lambda function under functions/ to
// <out>/<arch>/<name>/bootstrap. The same source gives the same bytes in any
// folder and on any machine, so that a deployment changes only the
// functions that changed. With -host they are for this machine, which need not run Linux, so that the local
// runner can run them as processes.
//
// Arguments are packages of other modules to build as well, under the last part of their
// path: a stack that uses this module's functions names them, such as
// github.com/orderflow-cdk/orderflow/functions/notify.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintf(os.Stderr, "build-functions: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer, stderr *os.File) error {
	flags := flag.NewFlagSet("build-functions", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "Usage: build-functions [flags] [PACKAGE ...]\n\n"+
			"Builds every package main under functions/, and the named packages of other modules.")
		flags.PrintDefaults()
	}
	arch := flags.String("arch", "arm64", "architecture of the functions: arm64 or x86_64")
	here := flags.Bool("host", false, "build for this machine instead of an architecture of Lambda, to <out>/"+host()+": what the local runner runs as processes")
	out := flags.String("out", "dist", "folder to write to")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		os.Exit(2) // flags has said why
	}
	if *here {
		*arch = host()
	}
	for _, p := range flags.Args() {
		if strings.HasPrefix(p, ".") || !strings.Contains(p, "/") {
			return fmt.Errorf("%q: want the path of a package of another module; your own functions are those under functions/", p)
		}
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	built, err := build(ctx, root, *out, *arch, flags.Args(), newProgress(stderr))
	if err != nil {
		return err
	}
	_, err = io.WriteString(stdout, table(built))
	return err
}

func table(built []function) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-14s %10s %10s  sha256\n", "function", "bytes", "zipped")
	for _, f := range built {
		fmt.Fprintf(&b, "%-14s %10d %10d  %x\n", f.Name, f.Size, f.Zipped, f.SHA256)
	}
	return b.String()
}

// progress is told how many of the functions are built.
type progress func(done, all int)

// newProgress shows a bar on a terminal, and nothing elsewhere.
func newProgress(f *os.File) progress {
	if !term.IsTerminal(int(f.Fd())) {
		return func(int, int) {}
	}
	var bar *progressbar.ProgressBar
	return func(done, all int) {
		if bar == nil {
			bar = progressbar.NewOptions(all,
				progressbar.OptionSetWriter(f),
				progressbar.OptionSetDescription("building functions"),
				progressbar.OptionShowCount(),
				progressbar.OptionSetElapsedTime(true),
				progressbar.OptionSetPredictTime(false),
				progressbar.OptionThrottle(50*time.Millisecond),
				progressbar.OptionClearOnFinish(),
			)
		}
		_ = bar.Set(done) // a bar that cannot be drawn is no failure
	}
}
