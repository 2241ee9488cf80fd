package journal_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
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

const fixture = "testdata/format-1.db.gz"

// TestAStateOfFormatOneIsRead opens a file as an earlier plumb left it when it was killed in the middle of a plan. When this
// test fails, states in the field are no longer read: raise journal.Format, read both, and add a fixture.
func TestAStateOfFormatOneIsRead(t *testing.T) {
	if _, err := os.Stat(fixture); *update && err != nil {
		writeFixture(t)
	}
	path := filepath.Join(t.TempDir(), "state.db")
	must(t, os.WriteFile(path, unzip(t, fixture), 0o600))
	s := open(t, path)
	defer s.Close()
	if s.Epoch() != 2 || len(s.Installation()) != 8 {
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
	if len(past) != 2 || past[1].Verdict != "partly applied" || parked["sha256:x"].Reason != "bad" || commits.Applied != "c1" || commits.Highest != "c2" {
		t.Errorf("%+v %+v %+v", past, parked, commits)
	}
}

func writeFixture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	must(t, s.Begin(&plan.Plan{ID: "p1", Commit: "c1"}, noon))
	must(t, s.End("p1", journal.Ending{At: noon, Verdict: "partly applied", Applied: "c1", Park: map[string]journal.Parked{"sha256:x": {Plan: "p1", Commit: "c1", Reason: "bad", At: noon}}}))
	must(t, s.SetHighest("c2"))
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
	must(t, os.MkdirAll(filepath.Dir(fixture), 0o755))
	must(t, os.WriteFile(fixture, packed.Bytes(), 0o644))
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
