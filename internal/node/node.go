// Package node looks for the Node.js in which the CDK runs, because the CDK
// itself panics or hangs where it is missing or too old.
package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// oldest is the oldest release that the CDK works with. Some older ones make
// it hang for ever.
const oldest = 20

// patience is how long an answer may take, also on a busy machine.
const patience = 5 * time.Second

// Check makes sure that the Node.js that the CDK would start is there and
// recent enough; its error is one line. JSII_NODE is where jsii looks first.
func Check(ctx context.Context) error {
	node := os.Getenv("JSII_NODE")
	if node == "" {
		node = "node"
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, "--version")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	version := strings.TrimSpace(string(out))
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("the CDK needs Node.js %d or later, and there is no %s; install it from your system or nodejs.org", oldest, node)
	case ctx.Err() != nil:
		return fmt.Errorf("the CDK needs Node.js %d or later, but %s --version does not answer", oldest, node)
	case err != nil:
		return fmt.Errorf("the CDK needs Node.js %d or later, but %s --version fails: %w", oldest, node, err)
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < oldest {
		return fmt.Errorf("the CDK needs Node.js %d or later, but %s --version says %q", oldest, node, version)
	}
	return nil
}
