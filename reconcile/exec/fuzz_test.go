package exec

import (
	"os"
	"path/filepath"
	"testing"
)

// What the far end says, and what a crash left of a confirmation: no panic.
func FuzzWire(f *testing.F) {
	for _, text := range []string{
		`{"hello":{"version":"v1"},"err":{"text":"x"}}`, `{"batch":[{"id":"vm/x","state":{}}],"done":true}`, `{"all":[{"before":{}},null]}`,
		`{"calls":[{"step":"a"}],"host":"h","dirs":{"state":"/x"},"ends":1}`, `{"steps":[{"step":"a","error":{"text":"t"}}]}`, `{"calls":[null]}`, `null`, `[]`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var in request
		var out reply
		if (codec{}).Unmarshal(data, &in) == nil {
			if _, err := (codec{}).Marshal(in); err != nil {
				t.Errorf("%+v cannot be sent: %v", in, err)
			}
		}
		if (codec{}).Unmarshal(data, &out) == nil {
			if _, err := (codec{}).Marshal(out); err != nil {
				t.Errorf("%+v cannot be sent: %v", out, err)
			}
		}
		h, path := NewMachine("h", Dirs{State: t.TempDir()}), ""
		path = filepath.Join(h.StateDir(), "x.json")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if w, found, err := readRecord[waiting](h, path); err == nil && found {
			w.overdue()
			w.without(map[string]bool{"a": true})
		}
		if r, found, err := readRecord[reverted](h, path); err == nil && found {
			r.without(map[string]bool{"a": true})
		}
		readEpoch(h)
	})
}
