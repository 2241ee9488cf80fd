package site

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// On runs a program on a host of the laboratory, at most for half a minute.
func (s *Site) On(ctx context.Context, host string, argv ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return s.Lab.Exec(ctx, host, argv...)
}

// Page is what the client in the internet gets from the application, by name. A path that is cut is told after two seconds; an
// application on an emulated CPU that others keep busy may take longer to write its answer.
func (s *Site) Page(ctx context.Context) (map[string]string, error) {
	out, err := s.On(ctx, "internet", "curl", "-sS", "--connect-timeout", "2", "--max-time", "10", "http://payroll.mycompany.com/")
	if err != nil {
		return nil, err
	}
	return values(out), nil
}

// values reads KEY=VALUE lines.
func values(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			out[key] = value
		}
	}
	return out
}

// Fetched waits until the application answers under its name.
func (s *Site) Fetched(ctx context.Context, limit time.Duration) (page map[string]string, err error) {
	err = Until(ctx, limit, func() error {
		page, err = s.Page(ctx)
		return err
	})
	return page, err
}

// Elements counts the elements of all maps and sets of our nft tables on a host that mention an address.
func (s *Site) Elements(ctx context.Context, host, address string) (int, error) {
	out, err := s.On(ctx, host, "nft", "-j", "list", "ruleset")
	if err != nil {
		return 0, err
	}
	var ruleset struct {
		Nftables []map[string]json.RawMessage `json:"nftables"`
	}
	if err := json.Unmarshal([]byte(out), &ruleset); err != nil {
		return 0, err
	}
	count := 0
	for _, item := range ruleset.Nftables {
		for kind, body := range item {
			if kind == "map" || kind == "set" {
				count += strings.Count(string(body), `"`+address+`"`)
			}
		}
	}
	return count, nil
}

// Holder is the edge that holds the public address.
func (s *Site) Holder(ctx context.Context) (string, error) {
	for _, edge := range []string{"edge1", "edge2"} {
		out, err := s.On(ctx, edge, "ip", "-j", "address", "show", "to", "203.0.113.3")
		if err == nil && strings.Contains(out, "203.0.113.3") {
			return edge, nil
		}
	}
	return "", fmt.Errorf("no edge holds 203.0.113.3")
}

// Domains lists what virsh knows, with states.
func (s *Site) Domains(ctx context.Context) ([]string, error) {
	out, err := s.On(ctx, "jino0", "virsh", "-q", "list", "--all")
	if err != nil {
		return nil, err
	}
	var list []string
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) >= 3 {
			list = append(list, f[1]+" "+strings.Join(f[2:], " "))
		}
	}
	slices.Sort(list)
	return list, nil
}

// Resolved asks the name server itself.
func (s *Site) Resolved(ctx context.Context, name string) (string, error) {
	out, err := s.On(ctx, "ns1", "kdig", "+short", "@127.0.0.1", name, "A")
	return strings.TrimSpace(out), err
}

// Picture is the live state that a rollback has to give back, as foreign tools see it.
func (s *Site) Picture(ctx context.Context) (string, error) {
	var parts []string
	for _, look := range [][]string{
		{"jino0", "virsh", "dumpxml", "--inactive", "payroll"},
		{"edge1", "nft", "-s", "list", "ruleset"},
		{"edge2", "nft", "-s", "list", "ruleset"},
		{"ns1", "kdig", "+short", "@127.0.0.1", "payroll.mycompany.com", "ANY"},
	} {
		out, err := s.On(ctx, look[0], look[1:]...)
		if err != nil {
			return "", err
		}
		parts = append(parts, "== "+strings.Join(look, " ")+"\n"+sortedLines(out))
	}
	return strings.Join(parts, "\n"), nil
}

// sortedLines makes texts comparable whose order means nothing, such as the elements of a set.
func sortedLines(text string) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == ',' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
