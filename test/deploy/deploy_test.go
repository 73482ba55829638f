// Package deploy deploys the reference app with the CDK's own command line, assets and all, to an emulator of
// CloudFormation and of what the stack is made of (MiniStack), and runs orders through what was deployed.
//
//	go test ./test/deploy -v
package deploy

import (
	"path/filepath"
	"testing"
	"time"
)

func TestDeploy(t *testing.T) {
	if testing.Short() {
		t.Skip("deploys a stack several times, which takes a minute; not with -short")
	}
	folder := t.TempDir()
	p := newProject(t, folder)
	e := startEmulator(t, folder)
	l := &log{t: t, started: time.Now()}

	l.step("build")
	p.build(l)
	l.printf("MiniStack %s answers at %s", e.version, e.url)

	l.step("bootstrap")
	p.must(l, e, "", "bootstrap", "aws://"+account+"/"+region)

	l.step("deploy")
	p.must(l, e, "first", "deploy", stackName, "--require-approval", "never")
	s := newStack(e)
	status := s.read(t)
	l.printf("%s is %s: %d resources", stackName, status, len(s.ids))
	key, size := s.asset(t, e, intakeID, filepath.Join(p.dist, architecture(), "intake", "bootstrap"))
	l.printf("the intake function runs %s of the bootstrap bucket, %d bytes: the executable that was built", key, size)

	l.step("an order")
	s.stock(t, 100)
	s.flow(l, e)
}
