package adopt

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/schema"
)

// toy is a kind whose live state is its spec, but for its secret.
type toy struct {
	Size  string            `json:"size,omitempty"`
	Ports []int             `json:"ports,omitempty"`
	Cards []card            `json:"cards,omitempty"`
	Key   *actuators.Secret `json:"key,omitempty"`
}

type live struct {
	Config toy `json:"config"`
}

type card struct {
	Network string `json:"network,omitempty"`
	MAC     string `json:"mac,omitempty"`
	Note    string `json:"note,omitempty"`
}

var kind = actuators.Define(actuators.Def[toy, live]{
	Name: "toy", Where: schema.OnHost, Observe: func(context.Context, actuators.Host, actuators.Scope) ([]actuators.Live[live], error) {
		return nil, nil
	},
	Steps: func(actuators.Subject, actuators.Diff, *toy, actuators.Have[live]) ([]actuators.Step, error) {
		return nil, nil
	},
	Diff: func(*toy, actuators.Have[live]) actuators.Diff { return actuators.Diff{} },
	Import: &actuators.Import[toy, live]{Spec: func(l actuators.Live[live], _ actuators.Found) (toy, error) {
		if l.State.Config.Size == "odd" {
			return l.State.Config, errors.New("its size is odd")
		}
		return l.State.Config, nil
	}},
})

func subject(declared, live string, changes ...actuators.Change) Subject {
	o := &schema.Object{ID: "toy/a", Pos: schema.Pos{File: "a.cue", Line: 1}, Spec: json.RawMessage(declared), Hosts: []string{"h1"}}
	n := &schema.Node{Instance: o.ID.On("h1"), Object: o}
	return Subject{
		Kind: kind, Node: n, Graph: schema.NewGraph("c1", []*schema.Object{o}, []*schema.Node{n}), Live: &actuators.Observed{ID: o.ID, State: json.RawMessage(`{"config":` + live + `}`)},
		Finding: diff.Finding{Class: diff.Changed, Diff: actuators.Diff{Changes: changes}},
	}
}

func said(edits []schema.Edit) string {
	var out []string
	for _, e := range edits {
		out = append(out, e.Path+"="+string(e.Value))
	}
	return strings.Join(out, " ")
}

func TestDifferencesAreSaidInTheFieldsOfTheDeclaration(t *testing.T) {
	for _, c := range []struct{ declared, live, path, want string }{
		{`{"size":"8Mi"}`, `{"size":"16Mi"}`, "size", `size="16Mi"`},
		{`{"size":"8Mi","ports":[80]}`, `{"size":"16Mi","ports":[80,443]}`, "ports.tcp/443", `ports=[80,443]`},
		{`{"cards":[{"network":"a","note":"kept"}]}`, `{"cards":[{"network":"b"}]}`, "cards.52:54", `cards.0.network="b"`},
		{`{"cards":[{"network":"a","note":"kept"}]}`, `{"cards":[{"network":"a","mac":"52:54"},{"network":"b"}]}`, "cards", `cards=[{"network":"a","note":"kept"},{"network":"b"}]`},
		{`{"size":"8Mi"}`, `{}`, "size", `size=`},
		{`{"size":"8Mi"}`, `{"size":"8Mi"}`, "broken", "left"},
		{`{"key":{"secret":"a"}}`, `{"key":{"secret":"b"}}`, "key", "left"},
	} {
		s := subject(c.declared, c.live, actuators.Change{Path: c.path})
		edits, left := s.Edits(ByImport, func(string) bool { return true })
		got := said(edits)
		if len(left) > 0 {
			got = "left"
		}
		if got != c.want {
			t.Errorf("%s, live %s, %s: %s %v; want %s", c.declared, c.live, c.path, got, left, c.want)
		}
	}
}

func TestWhatTheComparisonToldIsTakenWhereItIsOfTheDeclaredForm(t *testing.T) {
	s := subject(`{"size":"8Mi","ports":[80]}`, `{}`, actuators.Change{Path: "size", From: "16Mi"}, actuators.Change{Path: "ports", From: "80/tcp"})
	edits, left := s.Edits(ByChange, func(string) bool { return true })
	if said(edits) != `size="16Mi"` || len(left) != 1 || left["ports"] == nil {
		t.Errorf("%s, left %v", said(edits), left)
	}
	if edits, _ = s.Edits(ByChange, func(path string) bool { return path == "ports" }); len(edits) != 0 {
		t.Errorf("what nobody wanted is said: %s", said(edits))
	}
	s.Finding.Class = diff.Gone
	if edits, _ = s.Edits(ByImport, func(string) bool { return true }); said(edits) != "=" {
		t.Errorf("what is gone: %s", said(edits))
	}
}

func TestNamesOfFieldsAreRead(t *testing.T) {
	var objects []*schema.Object
	for _, id := range []schema.ID{"record/www.a.com", "record/www.a.com.b", "vm/web"} {
		objects = append(objects, &schema.Object{ID: id, Hosts: []string{"ns1", "ns1.boston"}})
	}
	g := schema.NewGraph("c1", objects, nil)
	for text, want := range map[string]Name{
		"record/www.a.com":                {ID: "record/www.a.com"},
		"record/www.a.com.ttl":            {ID: "record/www.a.com", Path: "ttl"},
		"record/www.a.com.b.ttl":          {ID: "record/www.a.com.b", Path: "ttl"},
		"record/www.a.com/b.ttl":          {ID: "record/www.a.com", Path: "b.ttl"},
		"record/www.a.com@ns1.ttl":        {ID: "record/www.a.com", Host: "ns1", Path: "ttl"},
		"record/www.a.com@ns1.boston.ttl": {ID: "record/www.a.com", Host: "ns1.boston", Path: "ttl"},
		"vm/web@ns1.boston":               {ID: "vm/web", Host: "ns1.boston"},
		"vm/webs":                         {}, "vm/web@nobody": {}, "vm/web.": {}, "web": {}, "": {},
	} {
		got, err := Parse(g, text)
		if got != want || (err == nil) != (want.ID != "") {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
	n := Name{Path: "memory.now"}
	if !n.Covers("memory.now") || !n.Covers("memory") || n.Covers("memory.max") || n.Covers("memory.nowhere") || !(Name{Path: "memory"}).Covers("memory.now") {
		t.Error("fields are covered by the wrong names")
	}
}
