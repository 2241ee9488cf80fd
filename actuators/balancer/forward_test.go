package balancer

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline/actuators"
	"plumbline/schema"
)

func TestAnUpdateForwardsFirstAndRemovesNothingStrange(t *testing.T) {
	sub := actuators.Subject{Instance: schema.ID("balancer/payroll").On("edge1")}
	want := payroll("10.1.1.12")
	plan := func(c Config) ([]string, actuators.Diff, error) {
		have := actuators.Have[State]{Here: &State{Config: c}, Owned: true}
		d := diff(&want, have)
		got, err := steps(sub, d, &want, have)
		var ops []string
		for _, s := range got {
			ops = append(ops, s.Op)
		}
		return ops, d, err
	}
	c := want.config()
	c.Forwarding = []string{"net/ipv4/ip_forward=0"}
	if ops, d, err := plan(c); err != nil || !cmp.Equal(ops, []string{"forward"}) || d.Changes[0].Path != "forwarding" {
		t.Errorf("nothing is forwarded: %v, %+v, %v", ops, d, err)
	}
	c.Masquerade = !c.Masquerade
	if ops, _, err := plan(c); err != nil || !cmp.Equal(ops, []string{"forward", "replace"}) {
		t.Errorf("and masquerading is off: %v, %v", ops, err)
	}
	c = want.config()
	c.Strange = []string{"chain evil on a hook; remedy: nft delete chain ip plumb evil"}
	if ops, d, err := plan(c); !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), c.Strange[0]) || d.Changes[0].Path != "strange" {
		t.Errorf("a chain of somebody else: %v, %+v, %v", ops, d, err)
	}
}
