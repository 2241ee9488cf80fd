package who

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Sudo is the source of commands that were run by sudo(8), in the journal or in auth.log.
const Sudo = "sudo"

// sudoWords is what sudo writes: who called it and what it ran.
//
//	alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/virsh destroy payroll
var sudoWords = regexp.MustCompile(`^\s*(\S+) : .*; COMMAND=(.+)$`)

func sudo(message string, at time.Time, q Query) (Trace, bool) {
	m := sudoWords.FindStringSubmatch(strings.TrimRight(message, "\n"))
	if m == nil {
		return Trace{}, false
	}
	words := strings.Fields(m[2])
	return Trace{At: at, Source: Sudo, Actor: m[1], Tool: filepath.Base(words[0]), Names: said(q, words)}, true
}

// syslogLine is a line of rsyslog with the time of RFC 3339, which Debian writes since 12: "2026-11-23T06:04:14.663+00:00 jino0 sudo: …".
var syslogLine = regexp.MustCompile(`^(\S+) \S+ sudo(?:\[\d+\])?: (.*)$`)

func sudoLog(log []byte, q Query) (out []Trace) {
	for line := range strings.Lines(string(log)) {
		m := syslogLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, m[1])
		if err != nil {
			continue
		}
		if t, ok := sudo(m[2], at, q); ok {
			out = append(out, t)
		}
	}
	return out
}

// journal asks journald, where it keeps anything.
func journal(ctx context.Context, root string, run Run, q Query) []Trace {
	kept := false
	for _, dir := range []string{"var/log/journal", "run/log/journal"} {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		kept = kept || err == nil && len(entries) > 0
	}
	if !kept || run == nil {
		return nil
	}
	at := func(t time.Time) string { return "@" + strconv.FormatInt(t.Unix(), 10) }
	out, err := run(ctx, "journalctl", "-q", "--no-pager", "-o", "json", "-n", "200", "--output-fields=MESSAGE", "--since="+at(q.Since.Add(-slack)),
		"--until="+at(q.Until.Add(slack+time.Second)), "_COMM=sudo")
	if err != nil {
		return nil
	}
	return journalLines(out, q)
}

func journalLines(lines []byte, q Query) (out []Trace) {
	for line := range strings.Lines(string(lines)) {
		var entry struct {
			Time    string `json:"__REALTIME_TIMESTAMP"` // microseconds
			Message any    `json:"MESSAGE"`              // bytes as a list where it is no text
		}
		if json.Unmarshal([]byte(line), &entry) != nil {
			continue
		}
		text, _ := entry.Message.(string)
		micro, err := strconv.ParseInt(entry.Time, 10, 64)
		if err != nil {
			continue
		}
		if t, ok := sudo(text, time.UnixMicro(micro), q); ok {
			out = append(out, t)
		}
	}
	return out
}
