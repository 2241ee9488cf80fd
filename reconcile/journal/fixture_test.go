package journal_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"plumbline/actuators"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

var update = flag.Bool("update", false, "write the fixture of a new format; those of old formats are never written again")

func fixture(format int) string { return fmt.Sprintf("testdata/format-%d.db.gz", format) }

// TestAStateOfEveryFormatIsRead opens files as earlier plumbs left them when they were killed in the middle of a plan: to look, to
// write, which brings them to the newest format, and to look again. When this test fails, states in the field are no longer
// read: raise journal.Format, read all, and add a fixture.
func TestAStateOfEveryFormatIsRead(t *testing.T) {
	if _, err := os.Stat(fixture(journal.Format)); *update && err != nil {
		writeFixture(t)
	}
	for format := 1; format <= journal.Format; format++ {
		t.Run(fmt.Sprint(format), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			must(t, os.WriteFile(path, unzip(t, fixture(format)), 0o600))
			for n, epoch := range []uint64{1, 2, 2} {
				s, err := journal.Open(path, journal.Options{ReadOnly: n != 1})
				must(t, err)
				readFixture(t, s, epoch)
				must(t, s.Close())
			}
		})
	}
}

func TestAPlanThatAnOlderPlumbBeganIsEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	must(t, os.WriteFile(path, unzip(t, fixture(1)), 0o600))
	s := open(t, path)
	defer s.Close()
	must(t, s.End("p2", journal.Ending{At: noon, Verdict: "rolled back", Result: json.RawMessage(`{"n":1}`)}))
	past, err := s.Plan("p2")
	must(t, err)
	if len(past.Plan.Steps) != 1 || past.Verdict != "rolled back" || string(past.Result) != `{"n":1}` || openIDs(t, s) != "" {
		t.Errorf("%+v", past)
	}
}

func readFixture(t *testing.T, s *journal.Store, epoch uint64) {
	if s.Epoch() != epoch || len(s.Installation()) != 8 {
		t.Errorf("epoch %d, installation %q", s.Epoch(), s.Installation())
	}
	plans, err := s.OpenPlans()
	must(t, err)
	if len(plans) != 1 || plans[0].ID != "p2" || plans[0].Steps[0].Reversal != actuators.Exact || string(plans[0].Steps[0].Params) != `{"size":1}` {
		t.Errorf("%+v", plans)
	}
	records, err := s.Records("p2")
	must(t, err)
	if len(records) != 2 || records[0].State != journal.Begun || string(records[0].Before) != `{"was":1}` || records[1].Update.Put.Hash != "h" {
		t.Errorf("%+v", records)
	}
	e, err := s.Entry(schema.MakeID("vm", "payroll").On("jino0"))
	must(t, err)
	if e == nil || e.Hash != "h" || string(e.Spec) != `{"cpu":1}` {
		t.Errorf("%+v", e)
	}
	past, _ := s.History(9)
	parked, _ := s.Parked()
	commits, _ := s.Commits()
	if len(past) != 2 || past[0].Summary != "no change; 1 step in 0 lanes" || past[0].Plan.Steps != nil || past[1].Verdict != "partly applied" || parked["sha256:x"].Reason != "bad" || commits.Applied != "c1" || commits.Highest != "c2" {
		t.Errorf("%+v %+v %+v", past, parked, commits)
	}
}

func writeFixture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	must(t, s.Begin(&plan.Plan{ID: "p1", Commit: "c1"}, noon))
	must(t, s.End("p1", journal.Ending{At: noon, Verdict: "partly applied", Applied: "c1", Park: map[string]journal.Parked{"sha256:x": {Plan: "p1", Commit: "c1", Reason: "bad", At: noon}}}))
	must(t, s.Accept("c2", "", "", false))
	step := actuators.Step{
		ID: "s1", Op: "grow", Params: json.RawMessage(`{"size":1}`), Instance: schema.MakeID("vm", "payroll").On("jino0"), Version: 1, Reversal: actuators.Exact,
	}
	must(t, s.Begin(&plan.Plan{ID: "p2", Commit: "c2", Steps: []actuators.Step{step}}, noon))
	must(t, s.Append(journal.Record{Plan: "p2", Lane: 1, Step: "s1", State: journal.Begun, Before: json.RawMessage(`{"was":1}`), At: noon}))
	must(t, s.Append(journal.Record{Plan: "p2", Lane: 1, Step: "s1", State: journal.Done, At: noon, Update: &journal.Update{Put: entry("payroll", "h")}}))
	must(t, s.Close())
	data, err := os.ReadFile(path)
	must(t, err)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err = w.Write(data)
	must(t, err)
	must(t, w.Close())
	must(t, os.MkdirAll(filepath.Dir(fixture(journal.Format)), 0o755))
	must(t, os.WriteFile(fixture(journal.Format), packed.Bytes(), 0o644))
}

func unzip(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	r, err := gzip.NewReader(f)
	must(t, err)
	data, err := io.ReadAll(r)
	must(t, err)
	return data
}
