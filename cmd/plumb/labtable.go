package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"plumbline/testenv/lab"
)

// writeHosts lists the hosts of a laboratory and what runs on them.
func writeHosts(w io.Writer, hosts []lab.HostStatus) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "HOST\tSTATE\tADDRESS\tPID\tSERVICES")
	for _, h := range hosts {
		state, pid := "down", "-"
		if h.Up {
			state, pid = "up", fmt.Sprint(h.Pid)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", h.Name, state, dash(h.Address), pid, dash(services(h.Services)))
	}
	return table.Flush()
}

// services names those that run, and says of the others why not.
func services(all map[string]lab.ServiceState) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		switch s := all[name]; {
		case s.Frozen:
			name += " (frozen)"
		case s.Waiting:
			name += " (waits)"
		case s.Pid == 0:
			name += " (ended)"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
