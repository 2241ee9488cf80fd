package host

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/schema"
)

// observe looks at the machine that it runs on.
// It is the one host that is asked for; an executor that a forced command started was not told its name.
func observe(ctx context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[State], error) {
	var l State
	for _, look := range []func(context.Context, actuators.Host, *State) error{identity, processors, memory, disks, nics} {
		if err := look(ctx, h, &l); err != nil {
			return nil, err
		}
	}
	id := schema.MakeID("host", h.Name())
	if h.Name() == "" && len(sc.Targets) == 1 {
		id = sc.Targets[0].ID
	}
	return []actuators.Live[State]{{ID: id, State: l}}, nil
}

func identity(_ context.Context, h actuators.Host, l *State) error {
	var err error
	if l.Status.Hostname, err = word(h, "/proc/sys/kernel/hostname"); err != nil {
		return err
	}
	if l.Status.Kernel, err = word(h, "/proc/sys/kernel/osrelease"); err != nil {
		return err
	}
	l.Status.MachineID, err = word(h, "/etc/machine-id")
	if errors.Is(err, actuators.ErrNotFound) {
		return nil
	}
	return err
}

func word(h actuators.Host, path string) (string, error) {
	data, err := h.ReadFile(path)
	return strings.TrimSpace(string(data)), err
}

// processors counts cores by their place, and threads where the kernel does not tell places.
func processors(_ context.Context, h actuators.Host, l *State) error {
	data, err := h.ReadFile("/proc/cpuinfo")
	if err != nil {
		return err
	}
	l.Status.CPUs, l.Config.Cores, l.Status.CPU = parseProcessors(data)
	return nil
}

func parseProcessors(cpuinfo []byte) (threads, cores int, model string) {
	places := map[string]bool{}
	socket := ""
	for key, value := range fields(cpuinfo) {
		switch key {
		case "processor":
			threads++
		case "model name":
			model = value
		case "physical id":
			socket = value
		case "core id":
			places[socket+"/"+value] = true
		}
	}
	if len(places) == 0 {
		return threads, threads, model
	}
	return threads, len(places), model
}

// fields yields the "key: value" lines of a file in /proc.
func fields(data []byte) func(yield func(key, value string) bool) {
	return func(yield func(key, value string) bool) {
		for line := range strings.Lines(string(data)) {
			key, value, ok := strings.Cut(line, ":")
			if ok && !yield(strings.TrimSpace(key), strings.TrimSpace(value)) {
				return
			}
		}
	}
}

const blocks = "/sys/devices/system/memory"

// memory adds up the blocks of physical memory where the kernel tells them (Documentation/admin-guide/mm/memory-hotplug.rst),
// because MemTotal lacks what the kernel keeps for itself.
func memory(_ context.Context, h actuators.Host, l *State) error {
	online, err := onlineBlocks(h)
	if err != nil {
		return err
	}
	if online > 0 {
		l.Config.Memory = online
		return nil
	}
	data, err := h.ReadFile("/proc/meminfo")
	if err != nil {
		return err
	}
	for key, value := range fields(data) {
		if key == "MemTotal" {
			kib, err := strconv.ParseInt(strings.TrimSuffix(value, " kB"), 10, 64)
			l.Config.Memory = kib << 10
			return err
		}
	}
	return fmt.Errorf("cannot read the memory of the host: /proc/meminfo has no MemTotal")
}

// onlineBlocks is the size of all blocks that are in use; 0 where the kernel was built without them.
func onlineBlocks(h actuators.Host) (total int64, err error) {
	names, err := files.Names(blocks)
	if err != nil {
		return 0, err
	}
	text, err := word(h, blocks+"/block_size_bytes")
	if errors.Is(err, actuators.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	size, err := strconv.ParseInt(text, 16, 64)
	if err != nil {
		return 0, fmt.Errorf("cannot read the size of blocks of memory: %w", err)
	}
	for _, name := range names {
		number, ok := strings.CutPrefix(name, "memory")
		if _, err := strconv.Atoi(number); !ok || err != nil {
			continue
		}
		if state, err := word(h, blocks+"/"+name+"/state"); err == nil && state == "online" {
			total += size
		}
	}
	return total, nil
}

const byID = "/dev/disk/by-id"

// disks finds disks by the names that stay theirs in any slot. A machine without udev has no such names.
func disks(_ context.Context, h actuators.Host, l *State) error {
	links, err := files.Links(byID)
	if err != nil || len(links) == 0 {
		return err
	}
	l.Config.Disks = map[string]Disk{}
	for name, link := range links {
		device := link[strings.LastIndexByte(link, '/')+1:]
		if strings.Contains(name, "-part") {
			continue
		}
		sectors, err := word(h, "/sys/class/block/"+device+"/size")
		if errors.Is(err, actuators.ErrNotFound) {
			continue // pulled out while we looked
		}
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(sectors, 10, 64)
		if err != nil {
			return fmt.Errorf("cannot read the size of disk %s: %w", name, err)
		}
		l.Config.Disks[name] = Disk{Size: n * 512} // sysfs counts sectors of 512 bytes whatever the disk's own are
	}
	return nil
}
