package schema

import (
	"strings"
	"testing"
)

func TestExplainKnowsEveryFieldOfTheSchema(t *testing.T) {
	tests := map[string]struct{ need, kind, text string }{
		"vm":                        {"", "", "virtual machine"},
		"vm.cpu":                    {"required", "", "CPUs"},
		"vm.cpu.max":                {"default", "*now | (int & >=now & <=4096)", ""},
		"vm.disks.volume":           {"required", "#Name", "is a name"},
		"vm.nics.mac":               {"optional", "#MAC", "derived"},
		"vm.drift":                  {"optional", `"alert" | "heal" | "ask"`, "differs"},
		"balancer.backends.address": {"required", "string & net.IPv4", ""},
		"balancer.hosts":            {"optional", "[#Name, ...#Name] | {[string]: string}", "Several hosts"},
	}
	for path, want := range tests {
		got, err := Explain(path)
		if err != nil || got.Path != path || got.Need != want.need || got.Type != want.kind || !strings.Contains(got.Text, want.text) {
			t.Errorf("%s: got %+v, %v", path, got, err)
		}
	}
	for _, kind := range KindNames() {
		if g, err := Explain(kind); err != nil || g.Text == "" || len(g.Fields) == 0 {
			t.Errorf("%s: %+v, %v", kind, g, err)
		}
	}
}

func TestExplainNamesTheNearest(t *testing.T) {
	for path, want := range map[string]string{
		"vn": `did you mean "vm"?`, "vm.cpus": `vm has no field "cpus"; did you mean "cpu"?`, "vm.cpu.zzzzzzzz": "there are now, max, model",
	} {
		if _, err := Explain(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func TestLayoutNamesThePlaceOfAMistake(t *testing.T) {
	got, err := Layout("a.cue", []byte("package a\nvm: { x:  1,y: 2}\n"))
	if err != nil || string(got) != "package a\n\nvm: {x: 1, y: 2}\n" {
		t.Errorf("got %q, %v", got, err)
	}
	_, err = Layout("a.cue", []byte("package a\nvm: {\n"))
	if problems, ok := err.(Problems); !ok || len(problems) == 0 || problems[0].Pos.File != "a.cue" || problems[0].Pos.Line < 2 {
		t.Errorf("got %v", err)
	}
}

func TestEveryKindHasAnExcerpt(t *testing.T) {
	topology := []byte("package e\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {\n\thost: a: site: \"b\"\n\thost: c: {site: \"b\", labels: x: \"y\"}\n}\n")
	got, err := Excerpt(topology, "host", "d", "mine")
	want := "package mine\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {\n\thost: d: {site: \"b\", labels: x: \"y\"}\n}\n"
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := Excerpt(topology, "vm", "", "mine"); err == nil {
		t.Error("an excerpt of what is not there")
	}
}
