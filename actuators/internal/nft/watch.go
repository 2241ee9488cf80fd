package nft

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/nftables"

	"plumbline/actuators"
	"plumbline/actuators/internal/source"
	"plumbline/schema"
)

var shared = source.Shared(watch)

// Watch stands with its first event, then gives a hint for every commit that touched anything of nftables in this namespace. It
// ends with the context, or with an error when the kernel's messages came faster than they were read: then some were lost, and a
// full look is due. All listeners of a process share one socket.
func Watch(ctx context.Context, h actuators.Host, emit func(actuators.Event)) error {
	return shared(ctx, h, emit)
}

func watch(ctx context.Context, h actuators.Host, emit func(actuators.Event)) error {
	conn, err := nftables.New()
	if err != nil {
		return fmt.Errorf("cannot open nftables: %w", err)
	}
	monitor := nftables.NewMonitor(nftables.WithMonitorEventBuffer(64))
	commits, err := conn.AddGenerationalMonitor(monitor)
	if err != nil {
		return fmt.Errorf("cannot watch nftables: %w", err)
	}
	defer drain(monitor, commits)
	emit(actuators.Event{Time: h.Now(), Standing: true})
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case commit, open := <-commits:
			if !open {
				return errors.New("cannot watch nftables: the kernel closed the channel")
			}
			if commit.GeneratedBy.Error != nil {
				return fmt.Errorf("cannot watch nftables: %w", commit.GeneratedBy.Error)
			}
			for _, id := range touched(commit) {
				emit(actuators.Event{ID: id, Time: h.Now(), Text: "nftables changed", By: author(commit)})
			}
		}
	}
}

// touched names the objects whose elements a commit changed, by the marks in their comments; "" when it changed anything else.
func touched(commit *nftables.MonitorEvents) []schema.ID {
	var ids []schema.ID
	for _, change := range commit.Changes {
		elements, ok := change.Data.([]nftables.SetElement)
		if !ok || change.Error != nil || len(elements) == 0 {
			return []schema.ID{""}
		}
		for _, e := range elements {
			mark := actuators.ParseMark(e.Comment)
			if mark == nil {
				return []schema.ID{""}
			}
			if !slices.Contains(ids, mark.ID) {
				ids = append(ids, mark.ID)
			}
		}
		if len(ids) > touchedMost {
			return []schema.ID{""}
		}
	}
	if len(ids) == 0 {
		ids = append(ids, "")
	}
	return ids
}

// touchedMost is how many objects of a commit are named one by one.
const touchedMost = 16

// drain closes the monitor and takes what it still holds, so that its goroutine ends.
func drain(monitor *nftables.Monitor, commits <-chan *nftables.MonitorEvents) {
	monitor.Close()
	go func() {
		for range commits {
		}
	}()
}

// author is the program that committed; the number in the message is a netlink port, which is the program's process ID for
// its first socket only.
func author(commit *nftables.MonitorEvents) string {
	if gen, ok := commit.GeneratedBy.Data.(*nftables.Gen); ok && gen.ProcComm != "" {
		return fmt.Sprintf("%s (%d)", gen.ProcComm, gen.ProcPID)
	}
	return ""
}
