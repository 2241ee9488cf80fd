package volume

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	"plumbline/schema"
)

func TestFixtureCoversTheSpec(t *testing.T) { kindtest.TwoWays[Spec](t, "testdata/full.json") }

const mi = 1 << 20

func live(size int64, format string) *State {
	return &State{Config: Config{Size: size, Format: format}, Status: Status{Path: "/p/d." + format}}
}

func TestDiffAndSteps(t *testing.T) {
	want := &Spec{Pool: "p", Size: "64Mi", Format: "qcow2"}
	elsewhere := map[string]*State{"jino1": live(64*mi, "qcow2")}
	for _, c := range []struct {
		name   string
		want   *Spec
		have   actuators.Have[State]
		action actuators.Action
		steps  string
		err    string
	}{
		{"new", want, actuators.Have[State]{}, actuators.Create, "create", ""},
		{"same", want, actuators.Have[State]{Owned: true, Here: live(64*mi, "qcow2")}, actuators.None, "", ""},
		{"smaller", want, actuators.Have[State]{Owned: true, Here: live(32*mi, "qcow2")}, actuators.Update, "grow", ""},
		{"foreign", want, actuators.Have[State]{Here: live(32*mi, "qcow2")}, actuators.Adopting, "adopt", ""},
		{"larger", want, actuators.Have[State]{Owned: true, Here: live(128*mi, "qcow2")}, actuators.None, "", ""},
		{"other format", want, actuators.Have[State]{Owned: true, Here: live(64*mi, "raw")}, actuators.Update, "", "cannot change the format"},
		{"removed", nil, actuators.Have[State]{Owned: true, Here: live(64*mi, "qcow2")}, actuators.Retire, "retire", ""},
		{"removed and gone", nil, actuators.Have[State]{}, actuators.None, "", ""},
		{"retired", want, actuators.Have[State]{Retired: live(64*mi, "qcow2")}, actuators.Restore, "restore", ""},
		{"retired and smaller", want, actuators.Have[State]{Retired: live(32*mi, "qcow2")}, actuators.Restore, "restore grow", ""},
		{"data elsewhere", want, actuators.Have[State]{Elsewhere: elsewhere}, actuators.Migrate, "", "its data is on jino1"},
	} {
		d := diff(c.want, c.have)
		steps, err := steps(actuators.Subject{Instance: schema.ID("volume/d").On("jino0")}, d, c.want, c.have)
		var ops []string
		for _, step := range steps {
			ops = append(ops, step.Op)
		}
		if d.Action != c.action || strings.Join(ops, " ") != c.steps {
			t.Errorf("%s: %s with steps %v, want %s with %q", c.name, d.Action, ops, c.action, c.steps)
		}
		if (err != nil) != (c.err != "") || err != nil && (!errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.err)
		}
	}
}

func TestLargerIsANote(t *testing.T) {
	d := diff(&Spec{Size: "64Mi", Format: "raw"}, actuators.Have[State]{Owned: true, Here: live(128*mi, "raw")})
	want := []string{"live size 128Mi is above the declared 64Mi; a volume never shrinks"}
	if !reflect.DeepEqual(d.Notes, want) {
		t.Errorf("got %q", d.Notes)
	}
}

// lookup answers for the kinds that a volume names.
func lookup(id schema.ID) (spec json.RawMessage, hosts []string, ok bool) {
	switch id {
	case "pool/vmdisks":
		return []byte(`{"dir":"/pools/vmdisks/"}`), []string{"jino0", "jino1"}, true
	case "image/tiny":
		return []byte(`{"dir":"/images","sha256":"x"}`), []string{"jino1"}, true
	}
	return nil, nil, false
}

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		spec     string
		place    schema.Place
		resolved string
		problems string
	}{
		{`{"pool":"vmdisks","size":"1Mi","format":"raw"}`, schema.Place{Host: "jino0", Hosts: []string{"jino0"}},
			`"resolved":{"dir":"/pools/vmdisks","path":"/pools/vmdisks/d.raw"}`, ""},
		{`{"pool":"vmdisks","size":"1Mi","format":"qcow2","from":"tiny"}`, schema.Place{Host: "jino1", Hosts: []string{"jino1"}},
			`"path":"/pools/vmdisks/d.qcow2","image":"/images/tiny.img"`, ""},
		{`{"pool":"vmdisks","size":"1Mi","format":"qcow2","from":"tiny"}`, schema.Place{Host: "jino0", Hosts: []string{"jino0"}},
			``, "image/tiny is not on jino0"},
		{`{"pool":"vmdisks","size":"1Mi","format":"raw"}`, schema.Place{Host: "jino0", Hosts: []string{"jino0", "jino1"}},
			``, "a volume lives on one"},
	} {
		resolved, _, problems := Kind.Resolve("volume/d", c.place, []byte(c.spec), lookup)
		if !strings.Contains(string(resolved), c.resolved) {
			t.Errorf("%s: got %s, want %s", c.spec, resolved, c.resolved)
		}
		text := ""
		for _, p := range problems {
			text += p.Text
		}
		if (text == "") != (c.problems == "") || !strings.Contains(text, c.problems) {
			t.Errorf("%s: problems %q, want %q", c.spec, text, c.problems)
		}
	}
}
