package virt

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/digitalocean/go-libvirt"
	"libvirt.org/go/libvirtxml"

	"plumbline/actuators"
)

// Place is a directory, or another kind of storage, in which disks lie.
type Place struct {
	Name string // libvirt's, or "" of a directory that only disks of domains tell of
	Type string // libvirt's type of pool: "dir", "logical", …
	Dir  string // where the volumes appear
}

// Absent tells whether the machine has no libvirtd at all: its socket is not there.
func Absent(h actuators.Host) bool {
	_, err := h.ReadFile(Socket)
	return errors.Is(err, actuators.ErrNotFound)
}

// Places gives the pools that libvirt knows, sorted by name, and the directories of other disks that domains have, sorted.
func (c *Conn) Places(ctx context.Context) ([]Place, error) {
	places, err := c.pools(ctx)
	if err != nil {
		return nil, err
	}
	files, err := c.diskFiles(ctx)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		dir := filepath.Dir(file)
		if !slices.ContainsFunc(places, func(p Place) bool { return p.Dir == dir }) {
			places = append(places, Place{Type: "dir", Dir: dir})
		}
	}
	return places, nil
}

func (c *Conn) pools(ctx context.Context) ([]Place, error) {
	var pools []libvirt.StoragePool
	err := c.call(ctx, "list pools", func() (err error) {
		pools, _, err = c.rpc.ConnectListAllStoragePools(1, 0)
		return err
	})
	var out []Place
	for _, pool := range pools {
		var text string
		err := c.call(ctx, "read pool "+pool.Name, func() (err error) {
			text, err = c.rpc.StoragePoolGetXMLDesc(pool, 0)
			return err
		})
		var x libvirtxml.StoragePool
		if err == nil {
			err = x.Unmarshal(text)
		}
		if err != nil {
			return nil, err
		}
		place := Place{Name: pool.Name, Type: x.Type}
		if x.Target != nil {
			place.Dir = filepath.Clean(x.Target.Path)
		}
		out = append(out, place)
	}
	slices.SortFunc(out, func(a, b Place) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

// diskFiles lists the files that domains have as disks, sorted.
func (c *Conn) diskFiles(ctx context.Context) ([]string, error) {
	domains, err := c.Domains(ctx, nil)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, d := range domains {
		var x libvirtxml.Domain
		if err := x.Unmarshal(d.XML); err != nil || x.Devices == nil {
			continue // the kind vm tells of it
		}
		for _, disk := range x.Devices.Disks {
			if disk.Source != nil && disk.Source.File != nil && (disk.Device == "" || disk.Device == "disk") {
				out = append(out, disk.Source.File.File)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// Disks lists the files that domains have as disks.
func (c *Conn) Disks(ctx context.Context) (map[string]bool, error) {
	files, err := c.diskFiles(ctx)
	used := map[string]bool{}
	for _, file := range files {
		used[file] = true
	}
	return used, err
}
