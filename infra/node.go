package main

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

// oldestNode is the oldest release that the CDK works with. Some older ones
// make it hang for ever.
const oldestNode = 20

// checkNode makes sure that the Node.js that the CDK would start is there and
// recent enough. JSII_NODE is where jsii looks first.
func checkNode(ctx context.Context) error {
	node := os.Getenv("JSII_NODE")
	if node == "" {
		node = "node"
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, "--version")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	version := strings.TrimSpace(string(out))
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("the CDK needs Node.js %d or later, and there is no %s; install it from your system or nodejs.org", oldestNode, node)
	case ctx.Err() != nil:
		return fmt.Errorf("the CDK needs Node.js %d or later, but %s --version does not answer", oldestNode, node)
	case err != nil:
		return fmt.Errorf("the CDK needs Node.js %d or later, but %s --version fails: %w", oldestNode, node, err)
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < oldestNode {
		return fmt.Errorf("the CDK needs Node.js %d or later, but %s is %s", oldestNode, node, version)
	}
	return nil
}
