package virt

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/digitalocean/go-libvirt"

	"plumbline/actuators"
)

// Stamp is a hash over the names and states of all domains and the prints of the files that hold their texts; "" when one has
// no such file, as with a transient domain, or one that changed just now.
func Stamp(ctx context.Context, h actuators.Host, _ actuators.Scope) (string, error) {
	c, err := Open(ctx, h)
	if err != nil {
		return "", err
	}
	defer c.Close()
	all, err := c.stubs(ctx)
	if err != nil {
		return "", err
	}
	autostart, err := c.names(ctx, libvirt.ConnectListDomainsAutostart)
	if err != nil {
		return "", err
	}
	slices.SortFunc(all, func(a, b stub) int { return strings.Compare(a.uuid, b.uuid) })
	sum := sha256.New()
	for _, s := range all {
		e := kept.entry(s.uuid)
		files := []print{s.proven(&e.defined, definitions)}
		if s.state.Active() {
			files = append(files, s.proven(&e.live, running))
		}
		if slices.Contains(files, print{}) {
			return "", nil
		}
		fmt.Fprintln(sum, s.Name, s.uuid, s.ID, s.state, autostart[s.Name], files)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// proven is the print of the domain's file in a directory, if that file is the domain's.
func (s stub) proven(one *text, dir string) print {
	path := filepath.Join(dir, s.Name+".xml")
	now := printOf(path)
	if _, ok := kept.recall(one, now); ok || now == (print{}) {
		return now
	}
	if data, err := os.ReadFile(path); err != nil || !bytes.Contains(data, []byte(s.uuid)) {
		return print{}
	}
	return now
}
