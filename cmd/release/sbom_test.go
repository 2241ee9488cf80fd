package main

import (
	"encoding/json"
	"os"
	"regexp"
	"runtime/debug"
	"testing"
	"time"
)

func TestTheBillNamesEveryModule(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := describe(self, "0.1.0", time.Unix(0, 0).UTC())
	if err != nil {
		t.Fatal(err)
	}
	var b bom
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(b.Serial) {
		t.Errorf("serial number %s", b.Serial)
	}
	listed := map[string]string{}
	for _, c := range b.Components {
		listed[c.Name] = c.Version
	}
	info, _ := debug.ReadBuildInfo()
	for _, m := range info.Deps {
		if listed[m.Path] != m.Version {
			t.Errorf("%s is %q, want %s", m.Path, listed[m.Path], m.Version)
		}
	}
	if len(listed) != len(info.Deps)+1 || len(b.Dependencies[0].DependsOn) != len(listed) {
		t.Errorf("%d components, %d dependencies, want %d and the standard library", len(listed), len(b.Dependencies[0].DependsOn), len(info.Deps))
	}
	if got := module("library", "a.b/C d", "v1.0.0+incompatible").PURL; got != "pkg:golang/a.b/C%20d@v1.0.0%2Bincompatible" {
		t.Errorf("package URL %s", got)
	}
}
