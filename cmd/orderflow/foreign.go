package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/orderflow-cdk/orderflow/local"
)

// hostFunctions are functions that stand for those of an assembly that was made for another machine.
type hostFunctions struct {
	asked  bool
	folder string // has <Handler>/bootstrap
	err    error
}

// forThisMachine is what runs instead of a function of --app that is for another machine: Lambda's arm64 is not what most
// developers have. They are found or built once for each template.
func (s *source) forThisMachine(f local.FunctionInfo, foreign string) (*local.Process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.host.asked {
		s.host.asked = true
		s.host.folder, s.host.err = s.hostBuild(foreign)
	}
	if s.host.err != nil {
		return nil, s.host.err
	}
	return local.Bootstraps(s.host.folder)(f)
}

// askAgain has functions for this machine be found or built again: the template is another one.
func (s *source) askAgain() {
	s.mu.Lock()
	s.host = hostFunctions{}
	s.mu.Unlock()
}

// hostBuild builds the functions for this machine if --app is that of a checkout of orderflow, takes those that its project
// has, or says how they are made.
func (s *source) hostBuild(foreign string) (string, error) {
	app, err := filepath.Abs(s.App)
	if err != nil {
		return "", err
	}
	project := filepath.Dir(app)
	what := fmt.Sprintf("the functions of --app are for %s, and this machine is %s/%s", foreign, runtime.GOOS, runtime.GOARCH)
	if root, err := moduleRoot(s.ctx, project); err == nil && root == project {
		fmt.Fprintf(os.Stderr, "%s: building them from the same source …\n", what)
		if s.built == "" {
			if s.built, err = tempFolder("functions"); err != nil {
				return "", err
			}
		}
		return buildFunctions(s.ctx, root, s.built)
	}
	folder := filepath.Join(project, "dist", local.HostBuild())
	if _, err := os.Stat(folder); err == nil {
		fmt.Fprintf(os.Stderr, "%s: those of %s run instead\n", what, folder)
		return folder, nil
	}
	return "", fmt.Errorf("%s: in %s run: %s, which writes them to dist/%s, where they are looked for", what, project, hostCommand(project), local.HostBuild())
}

// hostCommand is the command that builds a project's functions for this machine: that of its cdk.json, if it is ours.
func hostCommand(project string) string {
	const tool = "build-functions"
	var cdk struct{ Build string }
	if b, err := os.ReadFile(filepath.Join(project, "cdk.json")); err == nil && json.Unmarshal(b, &cdk) == nil && strings.Contains(cdk.Build, tool) {
		return strings.Replace(cdk.Build, tool, tool+" -host", 1)
	}
	return "go run github.com/orderflow-cdk/orderflow/cmd/build-functions -host"
}
