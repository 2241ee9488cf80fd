package schema

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"github.com/google/go-cmp/cmp"
)

// site puts lines into a topology, a tab deep.
func siteText(lines string) string {
	return "package boston\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {\n" + lines + "}\n"
}

func rewritten(t *testing.T, files map[string]string, edits ...Edit) map[string]string {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	for i := range edits {
		if edits[i].File == "" {
			edits[i].File = "a.cue"
		}
	}
	changed, err := Rewrite(fsys, edits)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for name, data := range changed {
		out[name] = string(data)
	}
	return out
}

func TestAValueIsWrittenWhereTheObjectSaysIt(t *testing.T) {
	for name, c := range map[string]struct{ path, value, before, after string }{
		"in a struct, beside its comments": {"memory.now", `"256Mi"`,
			"\t// of the payroll people\n\tvm: web: {\n\t\thost: \"a\" // for now\n\t\tmemory: {\n\t\t\tnow: \"128Mi\" // measured\n\t\t\tmax: \"1Gi\"\n\t\t}\n\t}\n",
			"\t// of the payroll people\n\tvm: web: {\n\t\thost: \"a\" // for now\n\t\tmemory: {\n\t\t\tnow: \"256Mi\" // measured\n\t\t\tmax: \"1Gi\"\n\t\t}\n\t}\n"},
		"on one line":          {"memory.now", `"256Mi"`, "\tvm: web: {host: \"a\", memory: {now: \"128Mi\", max: \"1Gi\"}}\n", "\tvm: web: {host: \"a\", memory: {now: \"256Mi\", max: \"1Gi\"}}\n"},
		"without braces":       {"memory.now", `"256Mi"`, "\tvm: web: memory: now: \"128Mi\"\n", "\tvm: web: memory: now: \"256Mi\"\n"},
		"beside, without":      {"memory.max", `"1Gi"`, "\tvm: web: memory: now: \"128Mi\"\n", "\tvm: web: memory: {now: \"128Mi\", max: \"1Gi\"}\n"},
		"that was not there":   {"memory.now", `"256Mi"`, "\tvm: web: {\n\t\thost: \"a\"\n\t}\n", "\tvm: web: {\n\t\thost: \"a\"\n\t\tmemory: now: \"256Mi\"\n\t}\n"},
		"not there, one line":  {"memory.now", `"256Mi"`, "\tvm: web: {host: \"a\"}\n", "\tvm: web: {host: \"a\", memory: now: \"256Mi\"}\n"},
		"in an empty struct":   {"ttl", `60`, "\trecord: \"www.a.com\": {}\n", "\trecord: \"www.a.com\": {ttl: 60}\n"},
		"of a template":        {"memory.now", `"256Mi"`, "\tvm: web: _small\n", "\tvm: web: _small & {memory: now: \"256Mi\"}\n"},
		"beside a template":    {"memory.now", `"256Mi"`, "\tvm: web: _small & {host: \"a\"}\n", "\tvm: web: _small & {host: \"a\", memory: now: \"256Mi\"}\n"},
		"a reference":          {"memory.now", `"256Mi"`, "\tvm: web: memory: now: _size\n", "\tvm: web: memory: now: \"256Mi\"\n"},
		"a bound beside it":    {"cpu", `4`, "\tvm: web: cpu: <=8\n\tvm: web: cpu: 2\n", "\tvm: web: cpu: <=8\n\tvm: web: cpu: 4\n"},
		"of a condition":       {"cpu", `4`, "\tif _big {\n\t\tvm: web: cpu: 2\n\t}\n", "\tif _big {\n\t\tvm: web: cpu: 4\n\t}\n"},
		"an element of a list": {"disks.1.volume", `"b2"`, "\tvm: web: disks: [{volume: \"a\"}, {volume: \"b\"}]\n", "\tvm: web: disks: [{volume: \"a\"}, {volume: \"b2\"}]\n"},
		"a list on one line":   {"ports", `[80,443]`, "\tnat: web: ports: [80]\n", "\tnat: web: ports: [80, 443]\n"},
		"a list and its comments": {"a", `["192.0.2.1","192.0.2.3"]`,
			"\trecord: web: a: [\n\t\t// the first\n\t\t\"192.0.2.1\", // edge1\n\t\t\"192.0.2.2\", // edge2\n\t]\n",
			"\trecord: web: a: [\n\t\t// the first\n\t\t\"192.0.2.1\", // edge1\n\t\t\"192.0.2.3\",\n\t]\n"},
		"of a comprehension":  {"cpu", `4`, "\tfor n in [1, 2] {\n\t\tvm: \"web\\(n)\": cpu: *2 | int\n\t}\n", "\tfor n in [1, 2] {\n\t\tvm: \"web\\(n)\": cpu: *2 | int\n\t}\n\tvm: web: cpu: 4\n"},
		"taken out":           {"ttl", ``, "\trecord: web: {\n\t\ta: [\"192.0.2.1\"]\n\t\t// short\n\t\tttl: 1 // second\n\t}\n", "\trecord: web: {\n\t\ta: [\"192.0.2.1\"]\n\t}\n"},
		"taken out, one line": {"ttl", ``, "\trecord: web: {a: [\"192.0.2.1\"], ttl: 1}\n", "\trecord: web: {a: [\"192.0.2.1\"]}\n"},
		"taken out, alone":    {"memory.now", ``, "\tvm: web: memory: now: \"128Mi\"\n", "\tvm: web: {}\n"},
		"a whole object":      {"", ``, "\tvm: db: {}\n\n\t// it served\n\tvm: web: {\n\t\tcpu: 2\n\t}\n", "\tvm: db: {}\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			id := ID("vm/web")
			for _, other := range []ID{"record/www.a.com", "record/web", "nat/web"} {
				if strings.Contains(c.before, nest([]string{other.Kind(), other.Name()}, "")) {
					id = other
				}
			}
			e := Edit{ID: id, Path: c.path}
			if c.value != "" {
				e.Value = json.RawMessage(c.value)
			}
			got := rewritten(t, map[string]string{"a.cue": siteText(c.before)}, e)
			if diff := cmp.Diff(map[string]string{"a.cue": siteText(c.after)}, got); diff != "" {
				t.Errorf("wanted (-), got (+):\n%s", diff)
			}
		})
	}
}

// What has been written is what the topology then says, whatever it is.
func TestHostileValuesAreText(t *testing.T) {
	for _, text := range []string{
		`"`, `\`, `\(x)`, `"""`, "a\nb", "\x00\x1b[2J", "\u202e", "\u2028", "#'", `"}; vm: evil: {`, "é 世 😀", "\t", "", "\ufeff", strings.Repeat("x", 5000),
	} {
		said, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		got := rewritten(t, map[string]string{"a.cue": "package boston\n\nvm: web: note: \"old\"\n"}, Edit{ID: "vm/web", Path: "note", Value: said},
			Edit{ID: "vm/web", Path: "list", Value: json.RawMessage("[" + string(said) + "]")})["a.cue"]
		for _, r := range got {
			if r != '\n' && r != '\t' && !strconv.IsGraphic(r) {
				t.Errorf("%q: %q stands in the file", text, r)
			}
		}
		value := cuecontext.New().CompileString(got).LookupPath(cue.ParsePath("vm.web"))
		note, err := value.LookupPath(cue.ParsePath("note")).String()
		if err != nil || note != text {
			t.Errorf("%q became %q, %v in\n%s", text, note, err, got)
		}
		if element, err := value.LookupPath(cue.ParsePath("list[0]")).String(); err != nil || element != text {
			t.Errorf("%q became %q, %v in\n%s", text, element, err, got)
		}
	}
}

func TestAFileOfAnotherFormIsNotLaidOutAnew(t *testing.T) {
	odd := "package boston\nvm:   web:   cpu:   2\nvm:   db:   cpu:   2\n"
	got := rewritten(t, map[string]string{"a.cue": odd}, Edit{ID: "vm/web", Path: "cpu", Value: json.RawMessage("4")})
	if want := strings.Replace(odd, "2", "4", 1); got["a.cue"] != want {
		t.Errorf("%q", got["a.cue"])
	}
}

func TestAnEditStaysInItsPackage(t *testing.T) {
	files := map[string]string{
		"a.cue": "package boston\n\nvm: web: cpu: 2\n", "b.cue": "package boston\n\nvm: web: memory: \"1Gi\"\n", "c.cue": "package other\n\nvm: web: memory: \"2Gi\"\n",
		"sub/d.cue": "package boston\n\nvm: sub: cpu: 1\n",
	}
	got := rewritten(t, files, Edit{ID: "vm/web", Path: "memory", Value: json.RawMessage(`"3Gi"`)}, Edit{ID: "vm/web", Path: "cpu", Value: json.RawMessage("4")})
	if diff := cmp.Diff(map[string]string{"a.cue": "package boston\n\nvm: web: cpu: 4\n", "b.cue": "package boston\n\nvm: web: memory: \"3Gi\"\n"}, got); diff != "" {
		t.Errorf("wanted (-), got (+):\n%s", diff)
	}
	got = rewritten(t, files, Edit{ID: "vm/sub", Path: "cpu", Value: json.RawMessage("2"), File: "sub/d.cue"})
	if diff := cmp.Diff(map[string]string{"sub/d.cue": "package boston\n\nvm: sub: cpu: 2\n"}, got); diff != "" {
		t.Errorf("wanted (-), got (+):\n%s", diff)
	}
}

func TestARuleIsWrittenBesideItsObject(t *testing.T) {
	rule := json.RawMessage(`{"match":"vm/web/cpu","mode":"mute"}`)
	got := rewritten(t, map[string]string{"a.cue": siteText("\tvm: web: {\n\t\tcpu: 2\n\t}\n")}, Edit{ID: "ignore/web", Value: rule, Near: "vm/web"})
	if diff := cmp.Diff(map[string]string{"a.cue": siteText("\tvm: web: {\n\t\tcpu: 2\n\t}\n\tignore: web: {\n\t\tmatch: \"vm/web/cpu\"\n\t\tmode:  \"mute\"\n\t}\n")}, got); diff != "" {
		t.Errorf("wanted (-), got (+):\n%s", diff)
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add("package a\n\nvm: web: cpu: 2\n", "cpu", []byte("4"))
	f.Add(siteText("\tvm: web: {a: [1,\n2]}\n"), "a", []byte(`[2,"x"]`))
	f.Add("vm: web: x & {}\nfor a in b {vm: web: c: 1}", "c.d", []byte(`{"a":null}`))
	f.Add("vm: \"web\": (a | b)\n", "c", []byte(nil))
	f.Fuzz(func(t *testing.T, text, path string, value []byte) {
		fsys := fstest.MapFS{"a.cue": {Data: []byte(text)}}
		e := Edit{ID: "vm/web", Path: path, File: "a.cue"}
		if len(value) > 0 {
			e.Value = value
		}
		_, err := Rewrite(fsys, []Edit{e})
		if err != nil && strings.Contains(err.Error(), "internal error: an edit spoils") {
			t.Errorf("%v\n%s", err, text)
		}
	})
}
