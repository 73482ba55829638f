//go:build unix

package main

import (
	"errors"
	"os/exec"
	"syscall"
	"time"
)

// asGroup has a command, and all that it starts, be interrupted when its context ends: go run does not hand on that it was killed.
func asGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 5 * time.Second
}

// gone reports whether there is no process with this id.
func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
