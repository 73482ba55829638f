package cfnspec_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/cfnspec"
	"github.com/orderflow-cdk/orderflow/internal/referee"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
)

func TestBehaviour(t *testing.T) {
	for _, c := range []struct {
		kind string
		path string
		want cfnspec.Behaviour
	}{
		{"AWS::DynamoDB::Table", "KeySchema.0.AttributeName", cfnspec.Replace},
		{"AWS::DynamoDB::Table", "BillingMode", cfnspec.Update},
		{"AWS::DynamoDB::Table", "NoSuchProperty", cfnspec.Unknown},
		{"AWS::SQS::Queue", "FifoQueue", cfnspec.Replace},
		{"AWS::RDS::DBInstance", "MultiAZ", cfnspec.MayReplace},
		// Below a property that is updated.
		{"AWS::Batch::ComputeEnvironment", "ComputeResources.ManagedInstancesProvider.InstanceLaunchTemplate.FipsEnabled", cfnspec.Replace},
		{"AWS::Batch::ComputeEnvironment", "ComputeResources", cfnspec.Replace},
		{"AWS::EFS::AccessPoint", "PosixUser.Uid", cfnspec.Replace},
	} {
		kind, ok := cfnspec.Lookup(c.kind)
		if !ok {
			t.Errorf("no %s", c.kind)
			continue
		}
		if got := kind.Behaviour(strings.Split(c.path, ".")...); got != c.want {
			t.Errorf("%s %s: %v, want %v", c.kind, c.path, got, c.want)
		}
	}
	if _, ok := cfnspec.Lookup("AWS::No::Such"); ok {
		t.Error("a type that does not exist is known")
	}
	if table, _ := cfnspec.Lookup("AWS::DynamoDB::Table"); !table.Stateful || !slices.Equal(table.Identifiers, []string{"TableName"}) {
		t.Errorf("%+v", table)
	}
	if len(cfnspec.Types()) < 1500 || !strings.Contains(cfnspec.Source(), "aws-cdk 2.") {
		t.Errorf("%d types of %s", len(cfnspec.Types()), cfnspec.Source())
	}
}

// TestIsOfThePinnedSpecification makes updates.txt anew from the CDK's command line that is installed, which package.json pins.
func TestIsOfThePinnedSpecification(t *testing.T) {
	cli := filepath.Join("..", "..", "node_modules", "aws-cdk")
	if _, err := os.Stat(filepath.Join(cli, "db.json.gz")); err != nil {
		t.Skipf("skipped: %v (npm ci installs it)", err)
	}
	file := filepath.Join(t.TempDir(), "updates.txt")
	if out, err := exec.Command("go", "run", "./generate", cli, file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got, err := os.ReadFile("updates.txt")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("updates.txt is not of the command line that is installed; run: go generate ./internal/cfnspec")
	}
}

// deviations are where cfn-lint's schemas and the specification differ for types that the app has, with what is so different. The specification is
// followed, as the CDK does: it adds the update behaviour of the reference's pages to the schemas.
var deviations = map[string]string{
	"AWS::AppSync::GraphQLApi":        "the schema calls members of the authorizers' settings conditional; the specification has an update. package diff calls each of them a change of exposure",
	"AWS::DynamoDB::Table":            "the schema calls a change of KeySchema conditional; the specification, a replacement",
	"AWS::Lambda::EventSourceMapping": "the schema updates the settings of Kafka's consumer groups; by the specification that is a replacement",
	"AWS::Lambda::Function":           "the schema calls DurableConfig conditional; the specification has an update",
	"AWS::SNS::Subscription":          "the schema calls Region conditional; the specification has an update",
}

// TestRefereeSchemas compares the facts with the schemas of the resource providers, which come to us by another way: cfn-lint.
func TestRefereeSchemas(t *testing.T) {
	python := referee.Python(t)
	if err := exec.Command(python, "-c", "import cfnlint").Run(); err != nil {
		t.Skipf("no referee: %s has no cfn-lint (pip install 'cfn-lint==1.51.0'): %v", python, err)
	}
	out := referee.Run(t, exec.Command(python, filepath.Join("testdata", "schemas.py")))
	var theirs struct {
		Version string
		Types   map[string][]string
	}
	if err := json.Unmarshal(out, &theirs); err != nil {
		t.Fatal(err)
	}
	app := map[string]bool{}
	for _, env := range snapshot.Environments() {
		text, err := snapshot.Template(env)
		if err != nil {
			t.Fatal(err)
		}
		var template struct {
			Resources map[string]struct{ Type string }
		}
		if err := json.Unmarshal(text, &template); err != nil {
			t.Fatal(err)
		}
		for _, r := range template.Resources {
			app[r.Type] = true
		}
	}
	same, all := 0, 0
	for name, want := range theirs.Types {
		kind, ok := cfnspec.Lookup(name)
		if !ok {
			continue
		}
		all++
		got := kind.Marked()
		for i, p := range got {
			got[i] = strings.ReplaceAll(p, ".*", "")
		}
		slices.Sort(got)
		want = slices.Compact(want)
		for i, p := range want {
			want[i] = strings.ReplaceAll(p, ".*", "")
		}
		slices.Sort(want)
		equal := slices.Equal(got, want)
		if equal {
			same++
		}
		if app[name] && equal == (deviations[name] != "") {
			t.Errorf("%s: a deviation with a reason: %v; is different: %v\n%s", name, deviations[name] != "", !equal, cmp.Diff(want, got))
		}
	}
	t.Logf("cfn-lint %s: %d of %d types are the same", theirs.Version, same, all)
	if all < 1400 || same*100 < all*84 {
		t.Errorf("only %d of %d types are the same", same, all)
	}
}
