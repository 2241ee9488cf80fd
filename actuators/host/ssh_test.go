package host_test

import (
	"fmt"
	"testing"
	"testing/fstest"

	"plumbline/actuators"
	"plumbline/actuators/host"
	"plumbline/actuators/site"
	"plumbline/schema"
)

// What ssh is called with stands in a command line, perhaps in one that a shell on a jump host reads.
func TestTheSSHNameIsANameAndNoCommand(t *testing.T) {
	kinds := actuators.NewRegistry(host.Kind, site.Kind)
	for name, good := range map[string]bool{
		"jino0": true, "root@jino0.boston": true, "10.1.1.1": true, "fe80::1": true,
		"-oProxyCommand=x": false, "a; touch /x": false, "a b": false, "a\nb": false, "$(x)": false, "`x`": false,
	} {
		files := fstest.MapFS{"t.cue": {Data: fmt.Appendf(nil, "package t\nimport \"plumbline.internal/schema\"\nschema.#Topology & {site: s: {}\nhost: h: {site: \"s\", ssh: %q}}\n", name)}}
		if _, err := schema.Load(t.Context(), files, "c", kinds); (err == nil) != good {
			t.Errorf("ssh: %q: %v, want good=%t", name, err, good)
		}
	}
}
