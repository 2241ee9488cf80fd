package schema_test

import (
	"testing"

	"plumbline/schema"
)

func TestWriterSaysWhatTheSchemaDoesNot(t *testing.T) {
	w, err := schema.NewWriter()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		object     schema.Written
		want, fail string
	}{
		{object: schema.Written{ID: "vm/web", Hosts: []string{"jino0"}, Manage: schema.Observe, Spec: []byte(`{"cpu":{"now":2,"max":2},"memory":{"now":"1Gi","max":"2Gi"},
			"disks":[{"volume":"web"}],"nics":[],"autostart":false,"power":"stopped","stop":{"timeout":"30s"},"accel":"auto","machine":"pc","resolved":{"x":1}}`)},
			want: "vm: web: {\n\thost: \"jino0\"\n\tcpu: now: 2\n\tmemory: {now: \"1Gi\", max: \"2Gi\"}\n\tdisks: [{volume: \"web\"}]\n\tpower:   \"stopped\"\n\tmachine: \"pc\"\n\tmanage:  \"observe\"\n}"},
		{object: schema.Written{ID: "network/a.b", Hosts: []string{"b", "a"}, Spec: []byte(`{"bridge":"br0"}`)},
			want: "network: \"a.b\": {\n\thosts: [\"b\", \"a\"]\n\tbridge: \"br0\"\n}"},
		{object: schema.Written{ID: "vm/web", Spec: []byte(`{"cpu":{"now":0},"memory":{"now":"1Gi"}}`)}, fail: "?"},
		{object: schema.Written{ID: "lamp/a", Spec: []byte(`{}`)}, fail: `the schema has no kind "lamp"`},
	} {
		text, err := w.Object(c.object)
		switch {
		case c.fail == "" && err != nil, c.fail != "" && err == nil, text != c.want:
			t.Errorf("%s:\n%s\nwant\n%s\n(%v)", c.object.ID, text, c.want, err)
		}
	}
}
