// Command orderflow runs the order flow on one machine.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

type commands struct {
	Up   upCommand   `cmd:"" help:"Run the stack on this machine in real time, for any client, until Ctrl-C."`
	Demo demoCommand `cmd:"" help:"Run orders through the whole stack on this machine, without AWS, and print what became of each."`

	Permissions permissionsCommand `cmd:"" help:"Report which permissions of the template the app never uses, and which are wider than it needs."`

	Cost costCommand `cmd:"" help:"Make the bill of a million orders, by counting every unit that AWS bills while orders run on this machine."`

	Diff diffCommand `cmd:"" help:"Tell a reviewer what a change of templates does: what is replaced or lost, who may do more, what is reachable."`

	Submit   submitCommand   `cmd:"" help:"Submit an order to an API, on this machine or AWS."`
	Status   statusCommand   `cmd:"" help:"Tell where an order stands."`
	Watch    watchCommand    `cmd:"" help:"Tell an order's events as they come, up to its end."`
	Cancel   cancelCommand   `cmd:"" help:"Ask for an order to be cancelled."`
	Webhooks webhooksCommand `cmd:"" help:"Manage where the tenant's events are sent."`

	Redrive redriveCommand `cmd:"" help:"List the dead letters of a deployed stack, and move them back."`
	Replay  replayCommand  `cmd:"" help:"Tell the events of a deployed stack again that a channel missed."`
	Stuck   stuckCommand   `cmd:"" help:"List the orders of a deployed stack that do not go on, and why, and have them go on."`
}

func main() {
	os.Exit(run(os.Args[1:]))
}

// run is main with an exit code, so that scripts under test can call it in process.
func run(args []string) int {
	var c commands
	parser, err := kong.New(&c,
		kong.Name("orderflow"),
		kong.Description("Event-driven order processing on AWS, run from its own template on one machine."),
	)
	if err != nil {
		fmt.Fprintf(os.Stderr, "orderflow: %v\n", err)
		return 2
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "orderflow: %v (orderflow --help lists the commands)\n", err)
		return 2
	}
	if err := ctx.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "orderflow: %s\n", oneLine(err))
		var coded *exitError
		if errors.As(err, &coded) {
			return coded.ExitCode()
		}
		return 1
	}
	return 0
}
