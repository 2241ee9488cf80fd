package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"plumbline/testenv/sim"
)

// racks is a topology of hosts with a pool and volumes each.
func racks(hosts, volumes int) fstest.MapFS {
	topology := fstest.MapFS{"site.cue": {Data: []byte("package big\nimport \"plumbline.internal/schema\"\nschema.#Topology & {site: s: public: [\"203.0.113.0/24\"]}\n")}}
	for h := range hosts {
		var out strings.Builder
		out.WriteString("package rack\nimport \"plumbline.internal/schema\"\nschema.#Topology & {\n")
		fmt.Fprintf(&out, "host: h%d: site: \"s\"\npool: p%d: {host: \"h%d\", dir: \"/p\"}\n", h, h, h)
		for n := range volumes {
			fmt.Fprintf(&out, "volume: \"v%d-%d\": {pool: \"p%d\", size: \"1Mi\"}\n", h, n, h)
		}
		out.WriteString("}\n")
		topology[fmt.Sprintf("rack%d/rack.cue", h)] = &fstest.MapFile{Data: []byte(out.String())}
	}
	return topology
}

// Ten thousand objects on a hundred hosts, from nothing to nothing left to do.
func TestTenThousandObjects(t *testing.T) {
	const hosts, volumes = 100, 98
	topology := racks(hosts, volumes)
	c := centerOf(t, sim.Options{}, topology)
	started := time.Now()
	p := c.plan()
	planned := time.Now()
	c.applied()
	things := strings.Count(c.picture(), "\n") + 1
	if want := hosts * (volumes + 1); things != want || len(p.Steps) != want {
		t.Errorf("%d things are there after %d steps, want %d", things, len(p.Steps), want)
	}
	t.Logf("%d things: planned in %s, applied and seen in %s", things, planned.Sub(started).Round(time.Millisecond), time.Since(planned).Round(time.Millisecond))
}
