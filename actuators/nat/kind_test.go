package nat

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	"plumbline/actuators/internal/nft/nfttest"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

func TestMain(m *testing.M) {
	exec.Hook(actuators.NewRegistry(Kind)) // steps that want a confirmation find their watcher
	nfttest.Main(m)
}

func TestFixtureCoversTheSpec(t *testing.T) { kindtest.TwoWays[Spec](t, "testdata/full.json") }

func payroll(ports ...Port) Spec {
	return Spec{Public: "203.0.113.3", To: "10.1.1.12", Network: "app-boston", Ports: ports, Masquerade: true}
}

var web = Port{Public: 80, To: 80, Proto: "tcp"}

func TestDiff(t *testing.T) {
	whole := stateOf(payroll(web).elements(), nil)
	half := stateOf(payroll(web).elements()[:1], nil)
	dead := stateOf(payroll(web).elements(), []string{"prerouting"})
	halted, strange := whole, whole
	halted.Config.Forwarding = []string{"net/ipv4/ip_forward=0"}
	strange.Config.Strange = []string{"chain evil on a hook; remedy: nft delete chain ip plumb evil"}
	want := payroll(web)
	bare := payroll(web)
	bare.Masquerade = false
	more := payroll(web, Port{Public: 8443, To: 443, Proto: "tcp"})
	tests := []struct {
		name   string
		want   *Spec
		have   *State
		action actuators.Action
		paths  []string
	}{
		{"absent and not wanted", nil, nil, actuators.None, nil},
		{"absent", &want, nil, actuators.Create, []string{"ports.203.0.113.3:80/tcp", "masquerade"}},
		{"as wanted", &want, &whole, actuators.None, nil},
		{"not wanted any more", nil, &whole, actuators.Retire, nil},
		{"one more port", &more, &whole, actuators.Update, []string{"ports.203.0.113.3:8443/tcp", "masquerade"}},
		{"masquerade off", &bare, &whole, actuators.Update, []string{"masquerade"}},
		{"an element deleted by hand", &want, &half, actuators.Update, []string{"masquerade"}},
		{"rules deleted by hand", &want, &dead, actuators.Update, []string{"broken"}},
		{"nothing is forwarded", &want, &halted, actuators.Update, []string{"forwarding"}},
		{"a chain of somebody else", &want, &strange, actuators.Update, []string{"strange"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := diff(test.want, actuators.Have[State]{Here: test.have, Owned: true})
			var paths []string
			for _, c := range d.Changes {
				paths = append(paths, c.Path)
			}
			if d.Action != test.action || !cmp.Equal(paths, test.paths) {
				t.Errorf("action %s, paths %v; want %s, %v", d.Action, paths, test.action, test.paths)
			}
		})
	}
}

func TestSteps(t *testing.T) {
	want := payroll(web)
	whole := stateOf(payroll().elements(), nil)
	sub := actuators.Subject{Instance: schema.ID("nat/payroll").On("edge1"), Mark: actuators.Mark{Installation: "boston", ID: "nat/payroll", Hash: "0"}}
	for action, op := range map[actuators.Action]string{actuators.Create: "add", actuators.Update: "replace", actuators.Retire: "remove", actuators.Adopting: "adopt"} {
		w := &want
		if action == actuators.Retire {
			w = nil
		}
		got, err := steps(sub, actuators.Diff{Action: action}, w, actuators.Have[State]{Here: &whole})
		if err != nil || len(got) != 1 || got[0].Op != op {
			t.Errorf("%s: steps %v, error %v; want the op %s", action, got, err, op)
		}
	}
	if _, err := steps(sub, actuators.Diff{Action: actuators.Migrate}, &want, actuators.Have[State]{}); err == nil {
		t.Error("a migration of a nat must be refused")
	}
}

func TestAnUpdateForwardsFirstAndRemovesNothingStrange(t *testing.T) {
	want := payroll(web)
	sub := actuators.Subject{Instance: schema.ID("nat/payroll").On("edge1")}
	plan := func(ports []Port, halted, strange []string) (string, error) {
		have := stateOf(payroll(ports...).elements(), nil)
		have.Config.Forwarding, have.Config.Strange = halted, strange
		got, err := steps(sub, actuators.Diff{Action: actuators.Update}, &want, actuators.Have[State]{Here: &have})
		var ops []string
		for _, s := range got {
			ops = append(ops, s.Op)
		}
		return strings.Join(ops, " "), err
	}
	off, evil := []string{"net/ipv4/ip_forward=0"}, []string{"chain evil on a hook; remedy: nft delete chain ip plumb evil"}
	for _, test := range []struct {
		halted, strange []string
		ports           []Port
		ops             string
	}{
		{off, nil, []Port{web}, "forward"},
		{off, evil, []Port{web}, "forward"},
		{off, nil, nil, "forward replace"},
		{nil, evil, nil, "replace"},
	} {
		if ops, err := plan(test.ports, test.halted, test.strange); ops != test.ops || err != nil {
			t.Errorf("%+v: ops %q, %v", test, ops, err)
		}
	}
	if ops, err := plan([]Port{web}, nil, evil); !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), "nft delete chain ip plumb evil") {
		t.Errorf("only what is strange: ops %q, error %v", ops, err)
	}
}

func TestTheSamePortTwiceIsAProblem(t *testing.T) {
	s := payroll(web, Port{Public: 80, To: 8080, Proto: "tcp"})
	if problems := check("nat/payroll", schema.Place{}, &s, actuators.Lookup{}); len(problems) != 1 || problems[0].Path != "ports.1" {
		t.Errorf("problems: %v", problems)
	}
}
