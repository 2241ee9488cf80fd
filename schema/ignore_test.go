package schema

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// loadIgnore loads a site with one host and one rule.
func loadIgnore(t *testing.T, rule string) (*Graph, error) {
	t.Helper()
	text := "package boston\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {\n\tsite: boston: {}\n\thost: a: site: \"boston\"\n\tignore: known: {" + rule + "}\n}\n"
	return Load(t.Context(), fstest.MapFS{"a.cue": {Data: []byte(text)}}, "c1", testKinds, WithSchema(testSchema(t)))
}

func day(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly) }

func TestARuleAboutDriftEndsOrSaysThatItIsPermanent(t *testing.T) {
	const rest = `match: "host/a", mode: "mute", reason: "known", owner: "anna"`
	for _, c := range []struct{ rule, mistake, warning string }{
		{rest + `, expires: "` + day(30) + `"`, "", ""},
		{rest + `, permanent: true`, "", ""},
		{rest, "a rule ends on a day, or says that it is permanent", ""},
		{rest + `, permanent: true, expires: "` + day(3) + `"`, "a rule ends on a day, or says that it is permanent", ""},
		{rest + `, expires: "` + day(100) + `"`, "is more than 90 days ahead", ""},
		{rest + `, expires: "2026-02-31"`, "is no day of the calendar", ""},
		{rest + `, expires: "2020-01-01"`, "", "ran out at the end of 2020-01-01"},
		{`match: "host/b*", mode: "unmanage", reason: "known", owner: "anna", permanent: true`, "", `"host/b*" is about nothing that is declared`},
		{`match: "host/a", mode: "mute", owner: "anna", permanent: true`, "reason", ""},
	} {
		g, err := loadIgnore(t, c.rule)
		switch {
		case c.mistake != "":
			if err == nil || !strings.Contains(err.Error(), c.mistake) || !strings.Contains(err.Error(), "a.cue:8") {
				t.Errorf("%s: %v", c.rule, err)
			}
			continue
		case err != nil:
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		said := ""
		for _, w := range g.Warnings {
			said += w.String()
		}
		if len(g.Ignores) != 1 || (said == "") != (c.warning == "") || !strings.Contains(said, c.warning) {
			t.Errorf("%s: %+v %q", c.rule, g.Ignores, said)
		}
	}
}

func TestARuleMatchesByPattern(t *testing.T) {
	for _, c := range []struct {
		match, instance, field string
		about, covers          bool
	}{
		{"vm/payroll", "vm/payroll@jino0", "cpu.now", true, true},
		{"vm/payroll/cpu.*", "vm/payroll@jino0", "cpu.now", true, true},
		{"vm/payroll/cpu.*", "vm/payroll@jino0", "memory.now", true, false},
		{"vm/*@jino0", "vm/payroll@jino0", "x", true, true},
		{"vm/*@jino1", "vm/payroll@jino0", "x", false, true},
		{"record/*.lab.mycompany.com/ttl", "record/www.lab.mycompany.com@ns1", "ttl", true, true},
		{"*/*/a[*", "vm/b@c", "a[0].d", true, true},
		{"record/*", "vm/payroll@jino0", "x", false, true},
	} {
		rule := Ignore{Match: c.match}
		if rule.About(ParseInstance(c.instance)) != c.about || rule.Field(c.field) != c.covers {
			t.Errorf("%+v", c)
		}
	}
}
