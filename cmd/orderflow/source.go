package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
	"github.com/orderflow-cdk/orderflow/local"
)

// source is where a stack's template and the code of its functions come from:
// flags that up and demo have in common.
type source struct {
	Env       string `default:"dev" help:"Whose stack to run: dev, staging or prod."`
	App       string `placeholder:"DIR" help:"Take the stack's template from this cdk.out folder instead of the one that comes with orderflow."`
	Stack     string `placeholder:"NAME" help:"Which stack of --app to run; without it, orderflow-ENV, or the only one there is."`
	Functions string `default:"in-process" enum:"in-process,process" help:"How functions run: in-process, or process: each function's built bootstrap, over the Lambda Runtime API."`
	Built     string `placeholder:"DIR" help:"With --functions process: build nothing, take what build-functions -host wrote to this folder (its -out, by default dist)."`

	ctx        context.Context           // ends with the run; builds end with it
	built      string                    // a temporary folder of this run, or ""
	bootstraps string                    // the functions, below it or --built
	mu         sync.Mutex                // guards what follows
	edited     map[string]*local.Process // by Handler: functions whose source was changed
	edits      string                    // the folder that they are built to, or ""
	host       hostFunctions             // stand for those of --app
}

// prepare checks the flags and builds what has to be built.
func (s *source) prepare(ctx context.Context) error {
	s.ctx, s.edited = ctx, map[string]*local.Process{}
	if !slices.Contains(snapshot.Environments(), s.Env) && s.App == "" {
		return fmt.Errorf("--env: there is no environment %q: it is one of %s", s.Env, strings.Join(snapshot.Environments(), ", "))
	}
	if s.Stack != "" && s.App == "" {
		return errors.New("--stack takes --app: the template that comes with orderflow is chosen by --env")
	}
	if s.Built != "" {
		if s.Functions != "process" || s.App != "" {
			return errors.New("--built takes --functions process, and not --app, whose functions are those of the assembly")
		}
		s.bootstraps = filepath.Join(s.Built, local.HostBuild())
		if _, err := os.Stat(s.bootstraps); err != nil {
			return fmt.Errorf("--built: %w; run: go run ./cmd/build-functions -host -out %s", err, s.Built)
		}
		return nil
	}
	if s.Functions == "process" && s.App == "" {
		return s.build()
	}
	return nil
}

// close removes what was built for this run.
func (s *source) close() {
	for _, folder := range []string{s.built, s.edits} {
		if folder != "" {
			_ = os.RemoveAll(folder) // it is temporary
		}
	}
}

// stackName is the stack's name.
func (s *source) stackName() string {
	if s.Stack != "" {
		return s.Stack
	}
	if s.App != "" {
		if names, err := local.Stacks(s.App); err == nil && len(names) == 1 {
			return names[0]
		}
	}
	return "orderflow-" + s.Env
}

// template reads the stack's template as it is now.
func (s *source) template() ([]byte, error) {
	if s.App == "" {
		return snapshot.Template(s.Env)
	}
	template, err := local.ReadTemplate(s.App, s.stackName())
	if err != nil {
		return nil, fmt.Errorf("--app: %w; run: npx cdk synth", err)
	}
	return template, nil
}

// process says what a function runs as: nil is in process.
func (s *source) process(f local.FunctionInfo) (*local.Process, error) {
	s.mu.Lock()
	edited := s.edited[f.Handler]
	s.mu.Unlock()
	switch {
	case edited != nil:
		return edited, nil
	case s.Functions != "process":
		return nil, nil
	case s.App == "":
		return local.Bootstraps(s.bootstraps)(f)
	}
	of, err := local.AssemblyBootstraps(s.App, s.stackName())
	if err != nil {
		return nil, err
	}
	p, err := of(f)
	if err != nil {
		return nil, err
	}
	if foreign := p.Foreign(); foreign != "" {
		return s.forThisMachine(f, foreign)
	}
	return p, nil
}

// start starts the stack.
func (s *source) start(o local.Options) (*local.Stack, error) {
	template, err := s.template()
	if err != nil {
		return nil, err
	}
	if o.RealTime {
		o.Processes = s.process
	}
	o.Name = s.stackName()
	if o.Data != "" {
		if err := os.MkdirAll(o.Data, 0o700); err != nil {
			return nil, fmt.Errorf("--data: %w", err)
		}
	}
	stack, err := localapp.FromTemplate(s.Env, template, o)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", s.stackName(), s.explained(err))
	}
	return stack, nil
}

// explained is why the template was not taken, with what to do about it.
func (s *source) explained(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.host.err != nil:
		return s.host.err // one reason, which each function has
	case s.Functions != "process" && strings.Contains(err.Error(), "no code is registered for Handler"):
		reason, _, _ := strings.Cut(err.Error(), "; registered:")
		return fmt.Errorf("%s: orderflow has the code of its own functions only; --functions process runs the binaries of --app", reason)
	case strings.HasSuffix(err.Error(), "is in use by another process"):
		return fmt.Errorf("%w; end that, or take another folder for --data", err)
	}
	return templateError(err)
}
