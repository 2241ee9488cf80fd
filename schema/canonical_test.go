package schema

import (
	"encoding/json"
	"strings"
	"testing"
)

var canonicalSeeds = []string{
	`{"b":1,"a":{"d":[1,2,{"y":"z","x":null}],"c":true}}`, `{}`, `[]`, `{"a":[]}`, `"x"`, `0`, `12`, `01`, `-1`, `1.0`, `1e3`, `123456789012345678`, `{"a":1,"a":2}`,
	`{"a":"<b>"}`, `{"a":"\u0041"}`, `{"ä":1}`, `{"a" :1}`, `{"a":1 }`, `[1,]`, `[,1]`, `[1 2]`, `{"a":1,}`, `{,"a":1}`, `{"a"}`, `{"a":}`, `{"a":1}x`, `[1]]`, `[[1]`, `"a"b"`,
	`{"a!":1,"a":2}`, `{"a":{"b":1}}`, `{"a":"}"}`, `tru`, `nullx`, ``, `{"a":tru}`, `[tru]`, `{"a":"b\"c"}`, `{"":1}`, `{"a":[1,2],"b":[[],[{}]]}`,
}

// FuzzHash holds the quick way of Hash against decoding and encoding.
func FuzzHash(f *testing.F) {
	for _, seed := range canonicalSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quick, ok := canonical(nil, []byte(text))
		if !ok {
			return
		}
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatalf("%q is no JSON (%v) and became %q", text, err, quick)
		}
		if slow, _ := json.Marshal(value); string(slow) != string(quick) {
			t.Fatalf("%q became %q, not %q", text, quick, slow)
		}
	})
}

func TestMostSpecsAreHashedWithoutDecoding(t *testing.T) {
	for text, want := range map[string]bool{
		`{"size":"64Mi","pool":"p","resolved":{"path":"/p/v.qcow2","bytes":67108864}}`: true,
		`{"disks":[{"volume":"a"}],"cpu":{"now":1,"max":4},"on":true}`:                 true,
		`{"text":"a<b"}`: false,
		`{"share":0.5}`:  false,
	} {
		if out, ok := canonical(nil, []byte(text)); ok != want || ok && len(out) != len(text) {
			t.Errorf("%s: %v %s", text, ok, out)
		}
	}
}

func TestFieldsAreCutWhereTheyEnd(t *testing.T) {
	found, ok := members([]byte(`{"a":{"x":"}"},"b":[1,"]"],"c":"\"","d":1}`), nil)
	var got []string
	for _, m := range found {
		got = append(got, string(m.name)+" "+string(m.value))
	}
	if want := `"a" {"x":"}"}|"b" [1,"]"]|"c" "\""|"d" 1`; !ok || strings.Join(got, "|") != want {
		t.Errorf("%v %s", ok, strings.Join(got, "|"))
	}
}
