package vip

import (
	"fmt"
	"regexp"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
)

var imports = actuators.Import[Spec, State]{Spans: true, Spec: importOf}

func importOf(l actuators.Live[State], found actuators.Found) (Spec, error) {
	c := l.State.Config
	s := Spec{
		Interface: c.Interface, Address: c.Address, VRID: c.VRID, Advert: (time.Duration(c.Advert) * time.Millisecond).String(),
		Priority: map[string]int{found.Host(): c.Priority}, Group: c.Group,
	}
	if c.Failback > 0 {
		s.Failback = (time.Duration(c.Failback) * time.Second).String()
	}
	switch {
	case l.State.Status.Elsewhere != "":
		return s, fmt.Errorf("it stands in %s; move it as it is into %s, which that file includes", l.State.Status.Elsewhere, confPath(l.ID.Name()))
	case c.Edited != "":
		return s, fmt.Errorf("%s says more or else than an object does: one vrrp_instance of that name, version 3, with interface, virtual_router_id, priority, advert_int, nopreempt or preempt_delay, and one address", confPath(l.ID.Name()))
	case c.Apart:
		return s, fmt.Errorf("its group is not kept together")
	case c.Stopped:
		return s, fmt.Errorf("keepalived does not run")
	}
	return s, nil
}

var instance = regexp.MustCompile(`(?m)^\s*vrrp_instance\s+(\S+)\s*\{`)

// foreign reads the routers that stand in the main file itself.
func foreign(h actuators.Host) ([]actuators.Live[State], error) {
	content, err := readFile(h, mainFile)
	if err != nil {
		return nil, err
	}
	content = comment.ReplaceAllString(content, "")
	var out []actuators.Live[State]
	starts := instance.FindAllStringSubmatchIndex(content, -1)
	for i, at := range starts {
		end := len(content)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		live := actuators.Live[State]{ID: schema.MakeID("vip", content[at[2]:at[3]])}
		live.State.Config, _ = parse(live.ID.Name(), content[at[0]:end])
		live.State.Config.Edited, live.State.Status.Elsewhere = "", mainFile
		out = append(out, live)
	}
	return out, nil
}
