package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"time"

	"golang.org/x/sys/unix"
)

// commands looks at the arguments of every command that starts, however soon it ends: the kernel's audit tells of each (audit(7)).
// Environments are not in its records and are read at once: that of a process that ended within a millisecond or so is not seen.
type commands struct {
	seen   *sightings
	socket int
	undo   []func()
	events map[string][]byte // what came of arguments that fill several records, by the event's stamp
}

// auditStatus is struct audit_status of linux/audit.h.
type auditStatus struct {
	Mask, Enabled, Failure, PID, RateLimit, BacklogLimit, Lost, Backlog, Features, BacklogWait, BacklogWaited uint32
}

// auditRule is struct audit_rule_data of linux/audit.h, with no field and nothing behind it.
type auditRule struct {
	Flags, Action, FieldCount uint32
	Mask                      [64]uint32
	Fields, Values, FieldOps  [64]uint32
	BufferLength              uint32
}

const readLog = 1 // AUDIT_NLGRP_READLOG

func openCommands(seen *sightings) (*commands, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_AUDIT)
	if err != nil {
		return nil, fmt.Errorf("cannot watch commands: %w", err)
	}
	c := &commands{seen: seen, socket: fd, events: map[string][]byte{}}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20)
	err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000})
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: readLog})
	}
	if err == nil {
		err = c.begin()
	}
	if err != nil {
		c.close()
		return nil, fmt.Errorf("cannot watch commands, which root may where the kernel has audit: %w", err)
	}
	return c, nil
}

// begin asks for a record of each execve. Where an audit daemon, or another watch, is at work, it stays, and the records come by the group.
func (c *commands) begin() error {
	on := auditStatus{Mask: unix.AUDIT_STATUS_PID | unix.AUDIT_STATUS_ENABLED | unix.AUDIT_STATUS_BACKLOG_LIMIT, PID: uint32(os.Getpid()), Enabled: 1, BacklogLimit: 1 << 16}
	switch err := c.ask(unix.AUDIT_SET, on); {
	case err == nil:
		c.undo = append(c.undo, func() {
			c.ask(unix.AUDIT_SET, auditStatus{Mask: unix.AUDIT_STATUS_PID | unix.AUDIT_STATUS_ENABLED})
		})
	case !errors.Is(err, unix.EEXIST):
		return err
	}
	rule := auditRule{Flags: unix.AUDIT_FILTER_EXIT, Action: unix.AUDIT_ALWAYS}
	for _, call := range []int{unix.SYS_EXECVE, unix.SYS_EXECVEAT} {
		rule.Mask[call/32] |= 1 << (call % 32)
	}
	switch err := c.ask(unix.AUDIT_ADD_RULE, rule); {
	case err == nil:
		c.undo = append([]func(){func() { c.ask(unix.AUDIT_DEL_RULE, rule) }}, c.undo...)
	case !errors.Is(err, unix.EEXIST):
		return err
	}
	return nil
}

// ask sends one request and reads until its answer. Records that come in between are looked at.
func (c *commands) ask(kind uint16, body any) error {
	var message bytes.Buffer
	size := unix.NLMSG_HDRLEN + binary.Size(body)
	binary.Write(&message, binary.NativeEndian, unix.NlMsghdr{Len: uint32(size), Type: kind, Flags: unix.NLM_F_REQUEST | unix.NLM_F_ACK, Seq: 1})
	binary.Write(&message, binary.NativeEndian, body)
	if err := unix.Sendto(c.socket, message.Bytes(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		kind, data, err := c.read()
		switch {
		case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		case err != nil:
			return err
		case kind == unix.NLMSG_ERROR && len(data) >= 4:
			if code := int32(binary.NativeEndian.Uint32(data)); code != 0 {
				return unix.Errno(-code)
			}
			return nil
		default:
			c.look(kind, data)
		}
	}
	return errors.New("the kernel's audit does not answer")
}

// read reads one message: its type and what follows the header.
func (c *commands) read() (uint16, []byte, error) {
	buffer := make([]byte, 1<<16)
	n, _, err := unix.Recvfrom(c.socket, buffer, 0)
	if err != nil || n < unix.NLMSG_HDRLEN {
		return 0, nil, err
	}
	return binary.NativeEndian.Uint16(buffer[4:]), buffer[unix.NLMSG_HDRLEN:n], nil
}

// run reads records until the context has ended and none came for a moment.
func (c *commands) run(ctx context.Context) {
	defer c.close()
	for {
		kind, data, err := c.read()
		if err == nil {
			c.look(kind, data)
		} else if ctx.Err() != nil {
			return
		}
	}
}

func (c *commands) close() {
	for _, undo := range c.undo {
		undo()
	}
	unix.Close(c.socket)
}

func (c *commands) look(kind uint16, record []byte) {
	stamp, text, _ := bytes.Cut(record, []byte(": "))
	switch kind {
	case unix.AUDIT_SYSCALL:
		if pid := caller.FindSubmatch(text); pid != nil {
			c.seen.environment("/proc/" + string(pid[1]))
		}
	case unix.AUDIT_EXECVE:
		arguments := argumentsOf(c.events[string(stamp)], text)
		c.events[string(stamp)] = arguments
		c.seen.search(arguments, "the arguments of %s", program(arguments))
	case unix.AUDIT_EOE:
		delete(c.events, string(stamp))
	}
}

// caller is who made a call, in the record of the call.
var caller = regexp.MustCompile(` pid=([0-9]+)`)

// argument is one of a record of execve, or a piece of a long one: quoted, or in hex where quotes would not do.
var argument = regexp.MustCompile(`a[0-9]+(\[[0-9]+\])?=("[^"]*"|[0-9A-Fa-f]+)`)

// argumentsOf adds the arguments that a record holds as /proc shows them: a zero byte behind each.
func argumentsOf(out, record []byte) []byte {
	for _, found := range argument.FindAllSubmatch(record, -1) {
		piece, value := string(found[1]), found[2]
		if piece != "" && piece != "[0]" { // more of the one before
			out = bytes.TrimSuffix(out, []byte{0})
		}
		if value[0] == '"' {
			out = append(out, value[1:len(value)-1]...)
		} else if raw, err := hex.DecodeString(string(value)); err == nil {
			out = append(out, raw...)
		}
		out = append(out, 0)
	}
	return out
}
