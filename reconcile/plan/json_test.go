package plan_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline/actuators"
	"plumbline/reconcile/plan"
)

func TestJSON(t *testing.T) {
	var b strings.Builder
	if err := payrollPlan(t).WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "payroll.json", b.String())
}

func TestMermaid(t *testing.T) {
	var b strings.Builder
	if err := payrollPlan(t).WriteMermaid(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "payroll.mmd", b.String())
}

func TestMermaidEscapesWhatKindsSay(t *testing.T) {
	s := newScene()
	s.change(s.declare(at("vm/a@h1"), nil), actuators.Create, one("say \"x\" & <b>`y`</b>\nz"))
	var b strings.Builder
	if err := s.must(t).WriteMermaid(&b); err != nil {
		t.Fatal(err)
	}
	if want := `say &quot;x&quot; &amp; &lt;b&gt;&#96;y&#96;&lt;/b&gt; z"]`; !strings.Contains(b.String(), want) {
		t.Error(b.String())
	}
}

func TestASavedPlanOpensAsItWas(t *testing.T) {
	p := payrollPlan(t)
	var saved bytes.Buffer
	if err := p.Save(&saved); err != nil {
		t.Fatal(err)
	}
	first := saved.String()
	opened, err := plan.Open(&saved)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := shown(t, opened), shown(t, p); got != want {
		t.Error(cmp.Diff(want, got))
	}
	for i, c := range p.Changes {
		if d := cmp.Diff(c.Steps, opened.Changes[i].Steps); d != "" {
			t.Errorf("%s: %s", c.Instance, d)
		}
	}
	var again bytes.Buffer
	if err := opened.Save(&again); err != nil || again.String() != first {
		t.Errorf("saved again it differs: %v", err)
	}
}

func TestAPlanOfAnotherFormatIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{"format_version":"2.0"}`: `cannot read the plan: its format is "2.0", and this version reads 1.x; plan anew`,
		`{"format_version":"1.7"}`: "",
		`{"format_version":"1.0","steps":[{"id":"vm/a#1","instance":"vm/a"}]}`: "cannot read the plan: step vm/a#1 belongs to no change; plan anew",
		`nonsense`: "cannot read the plan: invalid character",
	} {
		_, err := plan.Open(strings.NewReader(text))
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Policy tools look for "delete" among the actions.
func TestEveryRemovalIsADeleteInJSON(t *testing.T) {
	for action, want := range map[actuators.Action]string{
		actuators.Retire: "delete", actuators.Purge: "delete", actuators.Replace: "delete,create", actuators.Create: "create", actuators.Migrate: "update",
		actuators.Update: "update", actuators.Restore: "create", actuators.Adopting: "no-op",
	} {
		s := newScene()
		s.change(s.declare(at("vm/a@h1"), nil), action, one("x"))
		d := s.must(t).Document()
		if got := strings.Join(d.ResourceChanges[0].Change.Actions, ","); got != want {
			t.Errorf("%s: %s, want %s", action, got, want)
		}
	}
}
