//go:build !linux

package runtimeapi

import (
	"os/exec"
)

// setAttributes does nothing here: the process ends because its connection to the Runtime API does.
func setAttributes(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() } // which may have ended meanwhile

// resident is not known here: memory is not limited.
func resident(int) (int64, bool) { return 0, false }

func peakResident(int) (int64, bool) { return 0, false }
