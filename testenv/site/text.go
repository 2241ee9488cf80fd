package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Cut takes out of a file what begins with one text and ends with another, both included.
func (s *Site) Cut(name, from, to string) error {
	data, err := os.ReadFile(s.Path("work", name))
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(data), from)
	_, tail, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		return fmt.Errorf("%s holds nothing from %q to %q", name, from, to)
	}
	return os.WriteFile(s.Path("work", name), []byte(head+tail), 0o644)
}

// Only makes a file all of the work tree's topology.
func (s *Site) Only(name, text string) error {
	old, err := filepath.Glob(s.Path("work", "*.cue"))
	for _, file := range old {
		err = errors.Join(err, os.Remove(file))
	}
	return errors.Join(err, s.Write(name, text))
}

// Remove deletes a file of the work tree.
func (s *Site) Remove(name string) error { return os.Remove(s.Path("work", name)) }

// DeleteElement deletes one element of a map of ours by hand, with nft itself.
func (s *Site) DeleteElement(ctx context.Context, host string) error {
	out, err := s.On(ctx, host, "nft", "-j", "list", "ruleset")
	if err != nil {
		return err
	}
	var ruleset struct {
		Nftables []struct {
			Map *struct {
				Family, Table, Name string
				Elem                []json.RawMessage
			} `json:"map"`
		} `json:"nftables"`
	}
	if err := json.Unmarshal([]byte(out), &ruleset); err != nil {
		return err
	}
	for _, item := range ruleset.Nftables {
		if item.Map == nil || len(item.Map.Elem) == 0 || !strings.HasPrefix(item.Map.Table, "plumb") {
			continue
		}
		m := item.Map
		command := fmt.Sprintf(`{"nftables":[{"delete":{"element":{"family":%q,"table":%q,"name":%q,"elem":[%s]}}}]}`, m.Family, m.Table, m.Name, elementKey(m.Elem[0]))
		_, err := s.On(ctx, host, "sh", "-c", fmt.Sprintf("echo '%s' | nft -j -f -", command))
		return err
	}
	return fmt.Errorf("%s has no map of ours with an element", host)
}

// elementKey is the key of a map's element as nft prints it: [key, value], where the key may carry a comment.
func elementKey(element json.RawMessage) string {
	var pair []json.RawMessage
	if json.Unmarshal(element, &pair) == nil && len(pair) == 2 {
		element = pair[0]
	}
	var wrapped struct {
		Elem struct {
			Val json.RawMessage `json:"val"`
		} `json:"elem"`
	}
	if json.Unmarshal(element, &wrapped) == nil && len(wrapped.Elem.Val) > 0 {
		return string(wrapped.Elem.Val)
	}
	return string(element)
}
