//go:build !unix

package main

import "os/exec"

// asGroup has a command be killed when its context ends, as it is without.
func asGroup(*exec.Cmd) {}

// gone reports whether it is certain that there is no process with this id, which it is not here.
func gone(int) bool { return false }
