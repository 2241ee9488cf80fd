package actuators_test

import (
	"fmt"
	"testing"
	"testing/fstest"

	"plumbline/actuators"
	"plumbline/actuators/host"
	"plumbline/actuators/record"
	"plumbline/actuators/site"
	"plumbline/actuators/zone"
	"plumbline/schema"
	"plumbline/sealed"
)

// A changed file is a change of what uses the secret, also for a load that remembers the one before; nothing else changes.
func TestAChangedSecretChangesItsUsers(t *testing.T) {
	identity, err := sealed.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := sealed.Recipient(identity)
	if err != nil {
		t.Fatal(err)
	}
	kinds, cache := actuators.NewRegistry(host.Kind, site.Kind, zone.Kind, record.Kind), schema.NewCache("")
	hashes := func(value string) map[schema.Instance]string {
		t.Helper()
		files := fstest.MapFS{"t.cue": {Data: fmt.Appendf(nil, `package t
import "plumbline.internal/schema"
schema.#Topology & {
	site: s: {}
	host: ns1: {site: "s", age: %q}
	zone: "a.test": {host: "ns1", server: "127.0.0.1:53", key: {name: "k", secret: "one"}}
	zone: "b.test": {host: "ns1", server: "127.0.0.1:53", key: {name: "k", secret: "two"}}
	record: "x.a.test": {zone: "a.test", txt: ["x"]}
	record: "x.b.test": {zone: "b.test", txt: ["x"]}
}
`, recipient)}}
		if value != "" {
			data, err := sealed.Encrypt([]byte(value), []string{recipient})
			if err != nil {
				t.Fatal(err)
			}
			files["secrets/one.age"] = &fstest.MapFile{Data: data}
		}
		g, err := schema.Load(t.Context(), files, "c", kinds, schema.WithCache(cache))
		if err != nil {
			t.Fatal(err)
		}
		out := map[schema.Instance]string{}
		for _, n := range g.Nodes {
			out[n.Instance] = n.Hash
		}
		return out
	}
	before := hashes("")
	for _, value := range []string{"first", "second", ""} {
		after := hashes(value)
		for i, hash := range after {
			uses := i.ID == "zone/a.test" || i.ID == "record/x.a.test"
			if changed := hash != before[i]; changed != uses {
				t.Errorf("%q: %s changed: %t", value, i, changed)
			}
		}
		before = after
	}
}
